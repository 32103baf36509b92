// Starts the page: language, theme, key, what the gateway is, and the three views.

import { apiKey, json, useKey } from "./api.js";
import { askView } from "./ask.js";
import { h, said, show } from "./dom.js";
import { operationsView } from "./operations.js";
import { principlesView } from "./principles.js";
import { keep, preferredLanguage, recall, speak } from "./words.js";

const THEME = "preceptor.theme";
const VIEWS = { ask: askView, principles: principlesView, operations: operationsView };
const byId = (id) => document.getElementById(id);

await speak(preferredLanguage());
chooseLanguage();
chooseTheme();
skipLink();
keyDialog();
const views = Object.fromEntries(Object.entries(VIEWS).map(([name, make]) => [name, make(byId(name))]));
window.addEventListener("hashchange", () => turnTo(asked(), true));
turnTo(asked(), false);
document.addEventListener("key", tellModel);
performance.mark("usable");
await tellModel();
document.documentElement.dataset.ready = "yes";

function asked() {
  const name = location.hash.slice(1);
  return name in VIEWS ? name : "ask";
}

function turnTo(wanted, focus) {
  for (const name of Object.keys(VIEWS)) {
    const is = name === wanted;
    byId(name).hidden = !is;
    const link = document.querySelector(`nav a[href="#${name}"]`);
    if (is) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    if (is) views[name].enter?.();
    else views[name].leave?.();
  }
  if (focus) byId(wanted).querySelector("h1").focus();
}

function chooseLanguage() {
  const select = byId("language");
  select.value = document.documentElement.lang.slice(0, 2);
  select.addEventListener("change", () => speak(select.value));
}

function chooseTheme() {
  const select = byId("theme");
  select.value = recall(THEME) ?? "auto";
  const apply = () => {
    document.documentElement.dataset.theme = select.value;
    keep(THEME, select.value);
  };
  select.addEventListener("change", apply);
  apply();
}

function skipLink() {
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault(); // the fragment names the view
    byId("main").focus();
  });
}

function keyDialog() {
  const [dialog, field] = [byId("key-dialog"), byId("key-field")];
  const open = () => {
    field.value = apiKey();
    dialog.showModal();
  };
  byId("key-open").addEventListener("click", open);
  document.addEventListener("ask-key", open);
  byId("key-use").addEventListener("click", () => useKey(field.value.trim()));
  byId("key-forget").addEventListener("click", () => useKey(""));
}

/** Say plainly which model answers, and that the bundled one is a toy. */
async function tellModel() {
  const place = byId("model");
  try {
    const listed = await json("v1/models");
    const told = listed.data[0]?.preceptor ?? {};
    place.hidden = !told.bundled && !told.notice;
    if (told.bundled) show(place, h("strong", { t: "model.bundled" }), " ", h("span", { t: "model.bundled.more" }));
    else if (told.notice) show(place, said(told.notice));
    show(byId("engine-model"), told.engine_model ? said(told.engine_model) : h("span", { t: "model.none" }));
  } catch (error) {
    place.hidden = true;
    show(byId("engine-model"), h("span", { t: error.status === 401 ? "model.key" : "model.none" }));
  }
}
