// What a visitor sees before the first question: the story of an answer, in five steps.

import { h } from "./dom.js";

export const STEPS = ["question", "draft", "principles", "verdicts", "revision"];

/** The five steps, each with a sentence. */
export function introduction() {
  return h("div", { class: "card intro" },
    h("h2", { t: "intro.title" }),
    h("p", { class: "lead", t: "intro.lead" }),
    h("ol", { class: "story" }, STEPS.map((name) =>
      h("li", {}, h("strong", { t: `step.${name}` }), h("p", { t: `intro.${name}` })))),
    h("p", { class: "fine", t: "intro.start" }));
}

/** The same five as a line of progress; returns {element, reach}. */
export function progress() {
  const marks = new Map(STEPS.map((name) => [name, h("li", { data: { state: "waiting" } }, h("span", { t: `step.${name}` }), h("span", { class: "hidden-words", t: "state.waiting" }))]));
  const reach = (name, state) => {
    const mark = marks.get(name);
    if (mark.dataset.state === state) return;
    mark.dataset.state = state;
    mark.lastChild.replaceWith(h("span", { class: "hidden-words", t: `state.${state}` }));
  };
  reach("question", "done");
  return { element: h("ol", { class: "progress", tLabel: "progress" }, [...marks.values()]), reach };
}
