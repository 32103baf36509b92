// The diff: the draft's text with what was struck out and put in, and in the margin the criterion behind each change.

import { sentenceRows, wordPieces } from "./diff.js";
import { h, said, scrollable, visible } from "./dom.js";
import { points } from "./verdicts.js";

/** The changes of a result, in the order of the text. */
export function changes(result) {
  if (result.draft === result.answer) return h("div", { class: "changes" }, h("p", { class: "fine", t: "changes.none" }), scrollable(said(result.answer, { class: "prose", dir: "auto" })));
  const rows = sentenceRows(result.draft, result.answer);
  const reasons = reasonsOf(result);
  return h("div", { class: "changes" },
    h("p", { class: "fine", t: result.outcome === "rewritten" ? "changes.rewritten" : "changes.about", tv: { count: rows.filter((row) => row.kind !== "same").length } }),
    h("div", { class: "sheet" }, rows.map((row) => line(row, reasons))));
}

function line(row, reasons) {
  if (row.kind === "same") return h("div", { class: "line same" }, scrollable(said(row.after.trimEnd(), { class: "prose text", dir: "auto" })));
  const found = reasons(row);
  return h("div", { class: `line ${row.kind}`, data: { kind: row.kind, criterion: found.map(({ number }) => number).join(" ") } },
    scrollable(h("bdi", { class: "said prose text", dir: "auto" }, text(row))),
    h("div", { class: "margin" }, h("span", { class: "kind", t: `changes.${row.kind}` }), found.length ? found.map(note) : h("p", { class: "fine", t: "changes.unattributed" })));
}

function text(row) {
  if (row.kind === "added") return h("ins", {}, visible(row.after.trimEnd()));
  if (row.kind === "removed") return h("del", {}, visible(row.before.trimEnd()));
  return wordPieces(row.before.trimEnd(), row.after.trimEnd()).map(([kind, piece]) =>
    kind === "same" ? visible(piece) : h(kind === "added" ? "ins" : "del", {}, visible(piece)));
}

function note({ number, text: words, points: count }) {
  return h("p", { class: "note" }, h("a", { href: `#criterion-${number}`, class: "number", tLabel: "changes.criterion", tv: { number }, on: { click: (event) => seek(event, number) } }, String(number)), " ", said(words), " ", points(count));
}

function seek(event, number) {
  event.preventDefault(); // the fragment names the view
  const row = document.getElementById(`criterion-${number}`);
  row.tabIndex = -1;
  row.focus();
  row.scrollIntoView({ block: "center" });
}

/** Which criteria stand behind a changed row: by the accepted edits' own texts, else by the sentence they name. */
export function reasonsOf({ edits, criteria }) {
  const accepted = edits.filter((edit) => edit.accepted && edit.operation);
  const criterion = new Map(criteria.map((row) => [row.number, row]));
  return (row) => {
    const after = plain(row.after);
    const fits = accepted.filter((edit) => {
      const put = plain(edit.text ?? "");
      if (after) return put !== "" && (put.includes(after) || after.includes(put));
      return edit.operation !== "insert_after" && edit.number === row.number;
    });
    const behind = fits.length || new Set(accepted.map((edit) => edit.criterion)).size !== 1 ? fits : accepted.slice(0, 1);
    return [...new Set(behind.map((edit) => edit.criterion))].map((number) => criterion.get(number)).filter(Boolean);
  };
}

function plain(text) {
  return text.replace(/\s+/g, " ").trim();
}
