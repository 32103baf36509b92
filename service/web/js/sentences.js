// Splits an answer into sentences without losing a character, in time proportional to its length.

const ENDS = new Set([".", "!", "?", "\u2026"]);
const WIDE_ENDS = new Set(["\u3002", "\uff01", "\uff1f", "\uff1b"]);
const CLOSERS = new Set(["\"", "'", ")", "]", "*", "_", "\u201d", "\u2019", "\u00bb", "\u300d", "\u300f", "\uff09"]);
const ABBREVIATIONS = new Set(["dr", "mr", "mrs", "ms", "prof", "st", "vs", "e.g", "i.e", "approx", "etc", "no", "fig"]);
const LONGEST_WORD = 12;

/** The sentences, list items and lines of a text, each with the white space after it. */
export function sentences(text) {
  const found = [];
  let start = 0;
  let at = 0;
  while (at < text.length) {
    const end = endAt(text, start, at);
    if (end === null) {
      at += 1;
      continue;
    }
    let next = end;
    while (next < text.length && isSpace(text[next])) next += 1;
    found.push(text.slice(start, next));
    [start, at] = [next, next];
  }
  if (start < text.length) found.push(text.slice(start));
  return found;
}

/** Where a sentence that began at `start` ends if one ends at `at`; null if none does. */
function endAt(text, start, at) {
  const char = text[at];
  if (char === "\n") return text.slice(start, at).trim() ? at : null;
  if (WIDE_ENDS.has(char)) return past(text, at + 1);
  if (!ENDS.has(char) || ENDS.has(text[at + 1])) return null;
  const end = past(text, at + 1);
  if (end < text.length && !isSpace(text[end])) return null;
  return char === "." && isPartOfWord(text, start, at) ? null : end;
}

function past(text, at) {
  while (at < text.length && CLOSERS.has(text[at])) at += 1;
  return at;
}

function isSpace(char) {
  return char === " " || char === "\n" || char === "\t" || char === "\r" || char === "\u3000";
}

/** Whether the full stop belongs to an abbreviation, or to the number of a list item. */
function isPartOfWord(text, start, at) {
  const from = Math.max(start, at - LONGEST_WORD);
  const word = text.slice(from, at).split(/\s/).at(-1).toLowerCase().replace(/^[("']+/, "");
  return ABBREVIATIONS.has(word) || (/^\d{1,3}$/.test(word) && !text.slice(start, at - word.length).trim());
}
