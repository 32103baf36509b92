// How a principle and a scenario look, wherever they stand.

import { h, said } from "./dom.js";
import { knows } from "./words.js";

export const SCENARIO = {
  urgency: ["emergent", "conditionally_emergent", "non_emergent"],
  uncertainty: ["none", "reducible", "irreducible"],
  expertise: ["lay", "professional"],
  task_type: ["information", "triage", "diagnosis", "treatment", "medication", "interpretation", "documentation", "support"],
};

/** A value of the closed vocabulary in the reader's language; as it is where it is new. */
export function value(dimension, name) {
  const key = `scenario.${dimension}.${name}`;
  return knows(key) ? h("span", { t: key }) : said(name);
}

/** The scenario; values are names, or {value, confidence} once the trace is there. */
export function scenarioList(scenario) {
  return h("dl", { class: "scenario" }, Object.entries(scenario).map(([dimension, found]) => {
    const name = found?.value ?? found;
    const sure = found?.confidence;
    return h("div", {}, h("dt", { t: `dimension.${dimension}` }),
      h("dd", {}, value(dimension, name), sure === null || sure === undefined ? null : h("span", { class: "fine" }, ` ${Math.round(sure * 100)}%`)));
  }));
}

/** Principles that were found for a question, most similar first. */
export function principleList(found) {
  if (!found.length) return h("p", { class: "fine", t: "principles.none" });
  return h("ul", { class: "found" }, found.map((row) => h("li", {},
    h("details", {},
      h("summary", {}, similarity(row.similarity), said(row.title, { class: "name" }), h("span", { class: "tag", t: `dimension.${row.dimension}` })),
      h("p", {}, said(row.statement)),
      h("p", { class: "fine" }, h("span", { t: "principle.basis" }), " ", said(row.basis), " · ", review(row.review), " · ", said(row.id))))));
}

/** What a clinician has said of it. */
export function review(status) {
  const key = `review.${status}`;
  return h("span", { class: `review ${status === "unreviewed" ? "open" : ""}` }, knows(key) ? h("span", { t: key }) : said(status));
}

function similarity(share) {
  if (share === null || share === undefined) return h("span", { class: "similarity" });
  const bar = h("meter", { min: "0", max: "1", value: share, tLabel: "principle.similarity", tv: { share: share.toFixed(2) } });
  return h("span", { class: "similarity" }, bar, h("span", { class: "number", "aria-hidden": "true" }, share.toFixed(2)));
}
