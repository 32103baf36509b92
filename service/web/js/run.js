// One revision as it comes: draft, principles, verdicts, revision. Invariant: an event is drawn once, when it arrives.

import { h, said, scrollable, show, visible } from "./dom.js";
import { feedbackForm } from "./feedback.js";
import { progress } from "./introduction.js";
import { principleList, scenarioList } from "./principle.js";
import { resultView } from "./result.js";
import { criterionList } from "./verdicts.js";
import { t } from "./words.js";

/** The view of a request; returns {element, take, finished, stopped, failed}. */
export function runView(request, say, goOn) {
  const steps = progress();
  const draft = writing("draft");
  const answer = writing("answer");
  const principles = section("principles");
  const verdicts = section("verdicts");
  const revision = section("revision");
  const state = { criteria: null, done: false };
  const asked = request.messages.at(-1).content;
  const element = h("article", { class: "story-run", tabindex: "-1", tLabel: "run" }, steps.element,
    scrollable(h("blockquote", { class: "asked" }, said(asked, { dir: "auto" }))));
  steps.reach("draft", "busy");
  draftSection();

  function draftSection() {
    const part = section("draft");
    part.body.append(draft.element);
    element.append(part.element, principles.element, verdicts.element, revision.element);
    if (request.draft) {
      draft.add(request.draft);
      part.body.prepend(h("p", { class: "fine", t: "run.own-draft" }));
      draftDone();
    }
  }

  function draftDone() {
    draft.end();
    steps.reach("draft", "done");
  }

  const takers = {
    draft({ delta }) {
      draft.add(delta);
    },
    principles({ scenario, principles: found }) {
      steps.reach("principles", "done");
      show(principles.body, scenarioList(scenario), principleList(found));
      principles.element.hidden = false;
      say(t("news.principles", { count: found.length }));
    },
    rubric({ criteria }) {
      state.criteria = criterionList(criteria);
      show(verdicts.body, state.criteria.element);
      verdicts.element.hidden = false;
      steps.reach("verdicts", "busy");
      say(t("news.rubric", { count: criteria.length }));
    },
    verdict(verdict) {
      draftDone();
      state.criteria?.judge(verdict);
      if (!verdict.check) say(t("news.verdict", { number: verdict.criterion, verdict: t(wordOf(verdict)) }));
      else revising();
    },
    edit(edit) {
      revising();
      state.criteria?.edited(edit);
      if (edit.accepted) say(t("news.edit", { number: edit.criterion }));
    },
    answer({ delta }) {
      draftDone();
      revising();
      if (!answer.element.isConnected) revision.body.append(answer.element);
      answer.add(delta);
    },
    result(result) {
      state.done = true;
      finish(result);
    },
  };

  function revising() {
    steps.reach("verdicts", "done");
    steps.reach("revision", "busy");
    revision.element.hidden = false;
  }

  function finish(result) {
    draftDone();
    for (const name of ["principles", "verdicts", "revision"]) steps.reach(name, "done");
    if (!principles.body.hasChildNodes() && result.principles.length) takers.principles({ scenario: {}, principles: result.principles });
    if (Object.keys(result.scenario).length) principles.body.firstChild?.replaceWith(scenarioList(result.scenario));
    state.criteria?.finish(result.criteria);
    revision.element.hidden = false;
    show(revision.body, resultView(result, request),
      h("p", { class: "buttons" }, h("button", { type: "button", class: "plain", t: "run.continue", on: { click: () => goOn([...request.messages, { role: "assistant", content: result.answer }]) } })),
      feedbackForm(result, request));
    say(t("news.done", { outcome: t(`outcome.${result.outcome}`) }));
  }

  function end(note) {
    draft.end();
    answer.end();
    element.append(note);
    element.dataset.ended = "yes";
  }

  return {
    element,
    take: (name, content) => takers[name]?.(content),
    finished: () => state.done,
    stopped() {
      say(t("run.stopped"));
      end(h("p", { class: "notice", t: "run.stopped" }));
    },
    failed: end,
  };
}

function wordOf({ satisfied }) {
  return satisfied === null ? "verdict.unscored" : satisfied ? "verdict.satisfied" : "verdict.unsatisfied";
}

function section(name) {
  const body = h("div", { class: "body" });
  const element = h("section", { class: `part ${name}`, hidden: name !== "draft", "aria-labelledby": `part-${name}` },
    h("h2", { id: `part-${name}`, t: `step.${name}` }), body);
  return { element, body };
}

/** Text that grows: pieces are gathered and drawn once a frame. */
function writing(name) {
  const element = h("bdi", { class: `said prose writing ${name}`, dir: "auto" });
  let held = "";
  let due = 0;
  const draw = () => {
    due = 0;
    element.append(visible(held));
    held = "";
    scrollable(element);
  };
  return {
    element,
    add(text) {
      held += text;
      due ||= requestAnimationFrame(draw);
    },
    end() {
      if (due) {
        cancelAnimationFrame(due);
        draw();
      }
      element.classList.remove("writing");
    },
  };
}
