// The question: a conversation, perhaps a draft of one's own, and how the loop is to run.

import { h, show } from "./dom.js";

const ROLES = ["user", "assistant", "system"];

/** Returns {element, busy, offer, continueWith}; `ask` gets the body of POST /v1/revisions. */
export function questionForm({ ask, stop }) {
  const question = h("textarea", { id: "question", rows: "4", dir: "auto", required: true, data: { tPlaceholder: "ask.placeholder" } });
  const draft = h("textarea", { id: "draft", rows: "5", dir: "auto" });
  const ownDraft = h("details", { class: "fold" }, h("summary", { t: "ask.draft" }),
    h("label", { for: "draft", class: "fine", t: "ask.draft.more" }), draft);
  const turns = h("ol", { class: "turns" });
  const history = h("details", { class: "fold" }, h("summary", { t: "ask.history" }), turns,
    h("button", { type: "button", class: "plain", t: "ask.history.add", on: { click: () => addTurn("user", "", true) } }));
  const { element: options, chosen } = loopOptions();
  const send = h("button", { type: "submit", class: "main", id: "send", t: "ask.send" });
  const halt = h("button", { type: "button", class: "plain", id: "stop", hidden: true, t: "ask.stop", on: { click: stop } });
  const examples = h("div", { class: "examples" });
  const needed = h("p", { class: "trouble", id: "needed", role: "alert", hidden: true, t: "ask.needed" });
  const element = h("form", { class: "question card", novalidate: true, on: { submit, keydown: hurry } },
    h("label", { for: "question", class: "title", t: "ask.question" }), question, needed,
    examples, history, ownDraft, options,
    h("p", { class: "buttons" }, send, halt, h("button", { type: "button", class: "plain", t: "ask.clear", on: { click: clear } })));

  function submit(event) {
    event.preventDefault();
    needed.hidden = Boolean(question.value.trim());
    if (!needed.hidden) return question.focus();
    const body = { messages: [...spoken(), { role: "user", content: question.value }] };
    if (draft.value.trim()) body.draft = draft.value;
    ask({ ...body, ...chosen() });
  }

  function hurry(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) element.requestSubmit();
  }

  function spoken() {
    return [...turns.children]
      .map((turn) => ({ role: turn.querySelector("select").value, content: turn.querySelector("textarea").value }))
      .filter(({ content }) => content.trim());
  }

  function addTurn(role, content, focus = false) {
    const words = h("textarea", { rows: "2", dir: "auto", tLabel: "ask.history.words" });
    words.value = content;
    const who = h("select", { tLabel: "ask.history.role" }, ROLES.map((name) => h("option", { value: name, t: `role.${name}` })));
    who.value = role;
    const turn = h("li", {}, h("div", { class: "row" }, who,
      h("button", { type: "button", class: "plain", t: "ask.history.remove", on: { click: () => remove(turn) } })), words);
    turns.append(turn);
    history.open = true;
    if (focus) words.focus();
  }

  function remove(turn) {
    turn.remove();
    history.querySelector("summary").focus();
  }

  function fill({ messages, draft: given = "" }) {
    show(turns);
    for (const { role, content } of messages.slice(0, -1)) addTurn(role, content);
    history.open = messages.length > 1;
    question.value = messages.at(-1).content;
    draft.value = given;
    ownDraft.open = Boolean(given);
    needed.hidden = true;
  }

  function clear() {
    fill({ messages: [{ role: "user", content: "" }] });
    question.focus();
  }

  return {
    element,
    busy(is) {
      send.disabled = is;
      halt.hidden = !is;
    },
    offer(rows) {
      const names = rows.map((row) => h("button", { type: "button", class: "chip", t: `example.${row.name}`, data: { case: row.case }, on: { click: () => fill(row) } }));
      show(examples, h("p", { class: "fine", id: "examples-about", t: "ask.examples" }),
        h("div", { class: "chips", role: "group", "aria-labelledby": "examples-about" }, names));
    },
    continueWith(messages) {
      fill({ messages: [...messages, { role: "user", content: "" }] });
      question.focus();
    },
  };
}

function loopOptions() {
  const rounds = h("select", { id: "rounds" }, h("option", { value: "", t: "options.default" }),
    ["0", "1", "2", "3"].map((n) => h("option", { value: n }, n)));
  const principles = h("select", { id: "choice" }, ["retrieved", "none", "all"].map((name) => h("option", { value: name, t: `options.principles.${name}` })));
  const seed = h("input", { id: "seed", inputmode: "numeric", pattern: "[0-9]{1,9}", autocomplete: "off" });
  const element = h("details", { class: "fold" }, h("summary", { t: "options" }),
    h("div", { class: "fields" },
      h("label", { for: "rounds", t: "options.rounds" }), rounds,
      h("label", { for: "choice", t: "options.principles" }), principles,
      h("label", { for: "seed", t: "options.seed" }), seed));
  const chosen = () => {
    const options = {};
    if (rounds.value) options.rounds = Number(rounds.value);
    if (principles.value !== "retrieved") options.principles = principles.value;
    const body = Object.keys(options).length ? { options } : {};
    if (/^\d{1,9}$/.test(seed.value.trim())) body.seed = Number(seed.value);
    return body;
  };
  return { element, chosen };
}
