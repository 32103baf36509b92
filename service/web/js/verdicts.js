// The criteria for one question and what the judge says of them, verdict by verdict.

import { h, said, show } from "./dom.js";

const MARKS = { satisfied: "\u2713", unsatisfied: "\u2717", unscored: "?", waiting: "\u2026" };

/** A list of criteria; returns {element, judge, edited, finish}. */
export function criterionList(criteria) {
  const rows = new Map(criteria.map((criterion) => [criterion.number, row(criterion)]));
  return {
    element: h("ol", { class: "criteria" }, [...rows.values()].map(({ element }) => element)),
    judge({ criterion, check, ...verdict }) {
      rows.get(criterion)?.[check ? "checked" : "judged"](verdict);
    },
    edited({ criterion, accepted, reason }) {
      rows.get(criterion)?.edited(accepted, reason);
    },
    finish(judged) {
      for (const { number, before, after } of judged) {
        if (before) rows.get(number)?.judged(before);
        rows.get(number)?.ended(before, after);
      }
    },
  };
}

/** "satisfied", "unsatisfied" or "unscored". */
export function stateOf(verdict) {
  if (!verdict || verdict.satisfied === null) return "unscored";
  return verdict.satisfied ? "satisfied" : "unsatisfied";
}

/** The points of a criterion, with their sign. */
export function points(count) {
  return h("span", { class: `points ${count < 0 ? "avoid" : ""}` }, count > 0 ? `+${count}` : `\u2212${Math.abs(count)}`);
}

function row({ number, text, points: count, principle }) {
  const mark = h("span", { class: "mark", "aria-hidden": "true" }, MARKS.waiting);
  const verdict = h("span", { class: "verdict", t: "verdict.waiting" });
  const later = h("span", { class: "later" });
  const element = h("li", { id: `criterion-${number}`, data: { state: "waiting" } }, mark,
    h("div", { class: "words" },
      h("p", { class: "criterion" }, said(text), " ", points(count)),
      h("p", { class: "fine" }, verdict, " ", later,
        count < 0 ? h("span", { t: "verdict.avoid" }) : null,
        principle ? h("span", { class: "from" }, " \u00b7 ", said(principle)) : null)));
  return {
    element,
    judged(found) {
      const state = stateOf(found);
      element.dataset.state = state;
      mark.textContent = MARKS[state];
      show(verdict, h("span", { t: `verdict.${state}` }), found.probability === null ? null : h("span", { class: "number", t: "verdict.p", tv: { p: found.probability.toFixed(2) } }));
      delete verdict.dataset.t;
    },
    checked() {
      show(later, h("span", { t: "verdict.checking" }));
    },
    edited(accepted, reason) {
      show(later, accepted ? h("span", { t: "edit.accepted" }) : h("span", { t: "edit.refused" }), accepted || !reason ? null : h("code", {}, ` ${reason}`));
    },
    ended(before, after) {
      if (!after || stateOf(before) === stateOf(after)) return;
      element.dataset.after = stateOf(after);
      mark.after(h("span", { class: "mark then", "aria-hidden": "true" }, MARKS[stateOf(after)]));
      show(later, h("strong", { t: `verdict.now.${stateOf(after)}`, tv: { p: (after.probability ?? 0).toFixed(2) } }));
    },
  };
}
