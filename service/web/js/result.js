// What came of it: the outcome, and tabs for answer, changes, trace, JSON and the call that asks for the same.

import { codeView } from "./code.js";
import { changes } from "./changes.js";
import { copyButton, escaped } from "./copy.js";
import { h, said, scrollable } from "./dom.js";
import { tabs } from "./tabs.js";
import { traceView } from "./trace.js";
import { knows } from "./words.js";

/** The result of POST /v1/revisions and the request that led to it. */
export function resultView(result, request) {
  const changed = result.draft !== result.answer;
  const json = JSON.stringify(result, null, 2);
  const items = [
    { name: "changes", label: "tab.changes", panel: changes(result) },
    { name: "answer", label: "tab.answer", panel: h("div", {}, scrollable(said(result.answer, { class: "prose", dir: "auto" }))) },
    { name: "trace", label: "tab.trace", panel: traceView(result) },
    { name: "json", label: "tab.json", panel: h("div", {}, copyButton(() => json), h("pre", { class: "code", tabindex: "0", tLabel: "tab.json", data: { tabJson: "" } }, escaped(json))) },
    { name: "code", label: "tab.code", panel: codeView(request) },
  ];
  return h("div", { class: "result", data: { outcome: result.outcome } }, outcome(result), tabs("tabs", items, changed ? "changes" : "answer").element);
}

function outcome({ outcome: name, reason, timings_ms: timings, usage }) {
  const share = usage.prompt_tokens ? (usage.prompt_tokens_details?.cached_tokens ?? 0) / usage.prompt_tokens : 0;
  return h("p", { class: "outcome", data: { outcome: name } },
    h("strong", { t: `outcome.${name}` }), " ", h("span", { t: `outcome.${name}.more` }), " ",
    reason ? h("span", { class: "reason" }, knows(`reason.${reason}`) ? h("span", { t: `reason.${reason}` }) : h("code", {}, reason)) : null, " ",
    h("span", { class: "fine", t: "outcome.cost", tv: { seconds: ((timings.total ?? 0) / 1000).toFixed(2), tokens: usage.total_tokens, cached: Math.round(share * 100) } }));
}
