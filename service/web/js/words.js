// The interface's words in the reader's language. Invariant: every word on the page carries its key, so that a
// change of language needs no drawing anew.

export const LANGUAGES = ["en", "zh"];
const KEPT = "preceptor.language";
let words = {};

/** The language kept from last time, else the browser's, else English. */
export function preferredLanguage() {
  const kept = recall(KEPT);
  if (LANGUAGES.includes(kept)) return kept;
  return navigator.languages.some((tag) => tag.toLowerCase().startsWith("zh")) && !navigator.language.startsWith("en") ? "zh" : "en";
}

/** Fetch a language's words and put the page into it. */
export async function speak(language) {
  const answer = await fetch(new URL(`../locales/${language}.json`, import.meta.url));
  if (!answer.ok) throw new Error(`no words for ${language}`);
  words = await answer.json();
  document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
  keep(KEPT, language);
  document.title = t("title");
  translate(document);
  document.dispatchEvent(new Event("language"));
}

/** The words of a key, with {names} replaced; the key itself where there are none. */
export function t(key, values = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** Whether a key has words: for closed sets of the API that may grow. */
export function knows(key) {
  return key in words;
}

/** Translate everything below a node. */
export function translate(root) {
  for (const node of root.querySelectorAll("[data-t], [data-t-label], [data-t-placeholder]")) translateNode(node);
}

/** Translate one element: its text, its label and its placeholder, as its data attributes say. */
export function translateNode(node) {
  const { t: key, tv, tLabel, tPlaceholder } = node.dataset;
  if (key) node.textContent = t(key, tv ? JSON.parse(tv) : {});
  if (tLabel) node.setAttribute("aria-label", t(tLabel, tv ? JSON.parse(tv) : {}));
  if (tPlaceholder) node.setAttribute("placeholder", t(tPlaceholder));
}

/** A preference of this browser's; null where it keeps none. */
export function recall(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // a browser that keeps nothing is no fault
  }
}

/** Keep a preference, where the browser lets us. */
export function keep(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    return; // as above
  }
}
