// The principles: searched, filtered, read.

import { json } from "./api.js";
import { h, said, show } from "./dom.js";
import { review, SCENARIO, value } from "./principle.js";
import { trouble } from "./trouble.js";
import { points } from "./verdicts.js";
import { t } from "./words.js";

const PAGE = 500;
const SHOWN = 60;
const STATUSES = ["unreviewed", "accepted", "edited", "rejected"];

/** Draws into `root`; the principles are fetched when the view is first entered. */
export function principlesView(root) {
  const state = { all: null, shown: SHOWN, near: null };
  const words = h("input", { id: "search", type: "search", autocomplete: "off", on: { input: filtered } });
  const nearest = h("button", { type: "button", class: "plain", t: "principles.nearest", on: { click: findNearest } });
  const pick = Object.fromEntries([["dimension", Object.keys(SCENARIO)], ...Object.entries(SCENARIO), ["review", STATUSES]].map(([name, values]) => [name, picker(name, values, filtered)]));
  const count = h("p", { class: "fine", role: "status", id: "count" });
  const list = h("ul", { class: "principle-list" });
  const more = h("button", { type: "button", class: "plain", hidden: true, t: "principles.more", on: { click: () => ((state.shown += SHOWN), draw()) } });
  const place = h("div", {});
  root.append(
    h("h1", { id: "principles-title", tabindex: "-1", t: "principles.title" }), h("p", { class: "lead", t: "principles.lead" }),
    h("form", { class: "card filters", role: "search", on: { submit: (event) => (event.preventDefault(), findNearest()) } },
      h("div", { class: "wide" }, h("label", { for: "search", t: "principles.search" }), h("div", { class: "row" }, words, nearest)),
      Object.entries(pick).map(([name, select]) => h("div", {}, h("label", { for: `by-${name}`, t: name === "review" || name === "dimension" ? `principles.by.${name}` : `dimension.${name}` }), select))),
    place, count, list, h("p", { class: "buttons" }, more));
  document.addEventListener("key", () => (state.all = null));
  document.addEventListener("language", () => state.all && draw());

  async function enter() {
    if (state.all) return;
    try {
      state.all = await everything();
      show(place);
      draw();
    } catch (error) {
      show(place, trouble(error));
    }
  }

  function filtered() {
    state.near = null;
    state.shown = SHOWN;
    if (state.all) draw();
  }

  /** Ask the gateway for what is nearest in meaning, as the loop would for a question. */
  async function findNearest() {
    if (!words.value.trim() || !state.all) return words.focus();
    try {
      const found = await json("v1/principles/search", { body: { query: words.value.slice(0, 20000), top_k: 20 } });
      state.near = new Map(found.data.map((row) => [row.id, row.similarity]));
      show(place);
      draw();
    } catch (error) {
      show(place, trouble(error));
    }
  }

  function draw() {
    const found = state.near ? byNearness(state.all, state.near) : state.all.filter((row) => mentions(row, words.value));
    const kept = found.filter((row) => fits(row, pick));
    count.textContent = t(state.near ? "principles.count.near" : "principles.count", { count: kept.length, total: state.all.length });
    show(list, kept.slice(0, state.shown).map((row) => entry(row, state.near?.get(row.id))));
    more.hidden = kept.length <= state.shown;
  }

  return { enter };
}

async function everything() {
  const rows = [];
  for (;;) {
    const page = await json(`v1/principles?limit=${PAGE}&offset=${rows.length}`);
    rows.push(...page.data);
    if (!page.has_more || !page.data.length) return rows;
  }
}

function picker(name, values, changed) {
  const key = { dimension: (v) => `dimension.${v}`, review: (v) => `review.${v}` }[name] ?? ((v) => `scenario.${name}.${v}`);
  return h("select", { id: `by-${name}`, on: { change: changed } }, h("option", { value: "", t: "principles.any" }), values.map((v) => h("option", { value: v, t: key(v) })));
}

function mentions(row, wanted) {
  const text = `${row.id} ${row.title} ${row.statement} ${row.why} ${row.basis}`.toLowerCase();
  return wanted.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

function byNearness(all, near) {
  const known = new Map(all.map((row) => [row.id, row]));
  return [...near.keys()].map((id) => known.get(id)).filter(Boolean);
}

/** An empty list of a principle's admits every value, as in retrieval. */
function fits(row, pick) {
  if (pick.dimension.value && row.dimension !== pick.dimension.value) return false;
  if (pick.review.value && row.review.status !== pick.review.value) return false;
  return Object.keys(SCENARIO).every((name) => !pick[name].value || !row.applies[name].length || row.applies[name].includes(pick[name].value));
}

function entry(row, similarity) {
  const applies = Object.entries(row.applies).filter(([, values]) => values.length);
  return h("li", { class: "card principle", data: { id: row.id } },
    h("h2", {}, said(row.title), " ", points(row.points)),
    h("p", {}, said(row.statement)),
    h("p", { class: "fine" }, h("span", { t: "principle.why" }), " ", said(row.why)),
    h("p", { class: "tags" },
      h("span", { class: "tag", t: `dimension.${row.dimension}` }),
      applies.flatMap(([name, values]) => values.map((v) => h("span", { class: "tag quiet" }, value(name, v)))),
      review(row.review.status),
      similarity === undefined ? null : h("span", { class: "number", t: "principle.similarity", tv: { share: similarity.toFixed(2) } })),
    h("p", { class: "fine" }, h("span", { t: "principle.basis" }), " ", said(row.basis), " \u00b7 ", said(row.id)));
}
