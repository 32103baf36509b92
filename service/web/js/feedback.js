// What a reviewer thinks of a revision, sent to POST /v1/feedback.

import { json } from "./api.js";
import { h, said, show } from "./dom.js";
import { points, stateOf } from "./verdicts.js";
import { trouble } from "./trouble.js";
import { keep, recall } from "./words.js";

const PREFERRED = ["draft", "revision", "neither", "own_edit"];
const ROLES = ["physician", "nurse", "pharmacist", "other_clinician", "product", "patient", "other"];
const REFERENCE = "[A-Za-z0-9][A-Za-z0-9._:\\-]{0,127}";
const NOBODY_S = 3999999999; // a time without feedback: asks only whether the gateway takes any
const NAME = "preceptor.reviewer";

/** A fold with the form; whether the gateway takes feedback is asked when it is opened. */
export function feedbackForm(result, request) {
  const body = h("div", { class: "feedback-body" });
  let drawn = false;
  const element = h("details", { class: "fold feedback card", id: "feedback", on: { toggle: open } }, h("summary", { t: "feedback" }), body);

  async function open() {
    if (!element.open || drawn) return;
    drawn = true;
    try {
      await json(`v1/feedback?limit=1&since=${NOBODY_S}`);
      show(body, form(result, request));
    } catch (error) {
      drawn = false; // asked again when it is opened again
      show(body, isOff(error) ? h("p", { class: "notice", data: { feedback: "off" }, t: "feedback.off" }) : trouble(error));
    }
  }
  return element;
}

/** An older gateway knows no such path; one without a database says `feedback_off`. */
function isOff(error) {
  return error.status === 404;
}

function form(result, request) {
  const fields = { preferred: preferences(), rows: result.criteria.map(criterionFields), added: addedFields(), ...plainFields() };
  const send = h("button", { type: "submit", class: "main", t: "feedback.send" });
  const told = h("div", { role: "status" });
  const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;
  const element = h("form", { on: { submit: post } }, fields.preferred.element,
    h("fieldset", {}, h("legend", { t: "feedback.criteria" }), fields.rows.length ? h("ol", { class: "reviewed" }, fields.rows.map((row) => row.element)) : h("p", { class: "fine", t: "feedback.criteria.none" })),
    fields.added.element, fields.element, h("p", { class: "buttons" }, send), told);

  async function post(event) {
    event.preventDefault();
    send.disabled = true;
    try {
      keep(NAME, fields.name());
      const stored = await json("v1/feedback", { body: bodyOf(fields, result, request), headers: { "idempotency-key": id } });
      show(element, h("p", { class: "thanks", tabindex: "-1", data: { id: stored.id, content: stored.content } }, h("strong", { t: "feedback.thanks" }), " ", h("span", { t: `feedback.content.${stored.content}` }), " ", h("span", { class: "fine" }, said(stored.id))));
      element.firstChild.focus();
    } catch (error) {
      send.disabled = false;
      show(told, isOff(error) ? h("p", { class: "notice", t: "feedback.off" }) : trouble(error));
    }
  }
  return element;
}

function bodyOf(fields, result, request) {
  const { preferred, own } = fields.preferred.read();
  const rows = fields.rows.map((row) => row.read());
  return {
    revision_id: result.id,
    preferred,
    ...(preferred === "own_edit" ? { own_edit: own } : {}),
    reviewer: { role: fields.role(), pseudonym: fields.name() },
    ...(fields.patient() ? { patient: fields.patient() } : {}),
    verdicts: rows.flatMap((row) => row.verdicts),
    rubric: [...rows.flatMap((row) => row.rubric), ...fields.added.read()],
    ...(fields.note() ? { note: fields.note() } : {}),
    ...(fields.whole() ? { messages: request.messages, revision: result } : {}),
  };
}

function preferences() {
  const own = h("textarea", { id: "own-edit", rows: "6", dir: "auto" });
  const place = h("div", { hidden: true }, h("label", { for: "own-edit", t: "feedback.own" }), own);
  const choose = () => {
    place.hidden = element.querySelector("input:checked")?.value !== "own_edit";
    own.required = !place.hidden;
  };
  const element = h("fieldset", { on: { change: choose } }, h("legend", { t: "feedback.preferred" }),
    h("div", { class: "radios" }, PREFERRED.map((name) => h("label", {}, h("input", { type: "radio", name: "preferred", value: name, required: true }), h("span", { t: `feedback.preferred.${name}` })))), place);
  return { element, read: () => ({ preferred: element.querySelector("input:checked").value, own: own.value }) };
}

function criterionFields(criterion) {
  const { number } = criterion;
  const subjects = [["draft", criterion.before], ["revision", criterion.after]].filter(([, verdict]) => verdict);
  const picks = subjects.map(([subject, verdict]) => [subject, h("select", { id: `v-${subject}-${number}` }, ["agree", "met", "not_met"].map((name) => h("option", { value: name === "agree" ? "" : name, t: `feedback.verdict.${name}` }))), verdict]);
  const action = h("select", { id: `a-${number}` }, ["keep", "change", "remove"].map((name) => h("option", { value: name, t: `feedback.rubric.${name}` })));
  const text = h("textarea", { rows: "2", dir: "auto", tLabel: "feedback.rubric.text" });
  const count = pointsField(criterion.points);
  text.value = criterion.text;
  const change = h("div", { class: "fields", hidden: true }, text, count);
  action.addEventListener("change", () => (change.hidden = action.value !== "change"));
  const element = h("li", {}, h("p", {}, said(criterion.text), " ", points(criterion.points)),
    h("div", { class: "fields" }, picks.map(([subject, select, verdict]) =>
      h("div", {}, h("label", { for: select.id }, h("span", { t: `feedback.verdict.${subject}` }), " ", h("span", { class: "fine", t: `verdict.${stateOf(verdict)}` })), select)),
      h("div", {}, h("label", { for: action.id, t: "feedback.rubric" }), action)), change);
  const rubric = () => {
    if (action.value === "remove") return [{ action: "remove", criterion: number }];
    if (action.value === "change") return [{ action: "change", criterion: number, text: text.value, points: Number(count.value) }];
    return [];
  };
  const verdicts = () => picks.filter(([, select]) => select.value).map(([subject, select]) => ({ criterion: number, subject, met: select.value === "met" }));
  return { element, read: () => ({ verdicts: verdicts(), rubric: rubric() }) };
}

function addedFields() {
  const rows = h("ol", { class: "reviewed" });
  const add = () => {
    const text = h("textarea", { rows: "2", dir: "auto", tLabel: "feedback.rubric.text" });
    rows.append(h("li", { class: "fields" }, text, pointsField(5)));
    text.focus();
  };
  const element = h("fieldset", {}, h("legend", { t: "feedback.added" }), rows, h("button", { type: "button", class: "plain", t: "feedback.add", on: { click: add } }));
  const read = () => [...rows.children].map((row) => ({ action: "add", text: row.querySelector("textarea").value, points: Number(row.querySelector("input").value) })).filter(({ text }) => text.trim());
  return { element, read };
}

function pointsField(value) {
  return h("input", { type: "number", min: "-10", max: "10", step: "1", required: true, value, tLabel: "feedback.rubric.points" });
}

function plainFields() {
  const role = h("select", { id: "reviewer-role" }, ROLES.map((name) => h("option", { value: name, t: `reviewer.${name}` })));
  const name = h("input", { id: "reviewer-name", required: true, pattern: REFERENCE, autocomplete: "off", "aria-describedby": "reviewer-about", value: recall(NAME) ?? "" });
  const patient = h("input", { id: "patient", pattern: REFERENCE, autocomplete: "off" });
  const note = h("textarea", { id: "note", rows: "3", dir: "auto" });
  const whole = h("input", { type: "checkbox", id: "whole", checked: true });
  const element = h("fieldset", {}, h("legend", { t: "feedback.about" }), h("div", { class: "fields" },
    h("label", { for: "reviewer-role", t: "feedback.role" }), role,
    h("label", { for: "reviewer-name", t: "feedback.name" }), name,
    h("label", { for: "patient", t: "feedback.patient" }), patient,
    h("label", { for: "note", t: "feedback.note" }), note),
    h("p", { class: "fine", id: "reviewer-about", t: "feedback.name.about" }),
    h("label", { class: "check" }, whole, " ", h("span", { t: "feedback.whole" })));
  return { element, role: () => role.value, name: () => name.value, patient: () => patient.value, note: () => note.value.trim() && note.value, whole: () => whole.checked };
}
