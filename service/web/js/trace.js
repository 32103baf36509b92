// The trace: every model call on one line of time, with its tokens, the share of them that was cached, and its length.

import { h, svg } from "./dom.js";

/** The waterfall and the table are one: the bars are for the eye, the numbers for everyone. */
export function traceView({ usage, timings_ms: timings, rounds, prompts, id }) {
  const steps = [...usage.steps].sort((a, b) => a.start_ms - b.start_ms);
  const whole = Math.max(timings.total ?? 0, ...steps.map((step) => step.start_ms + step.ms), 1);
  return h("div", { class: "trace" },
    h("dl", { class: "facts" }, fact("trace.id", id), fact("trace.rounds", rounds), fact("trace.prompts", prompts),
      fact("trace.calls", steps.length), ...Object.entries(timings).map(([name, ms]) => fact(`timing.${name}`, `${ms.toFixed(0)} ms`))),
    h("div", { class: "scroll", tabindex: "0", role: "region", tLabel: "trace.steps" },
      h("table", { class: "waterfall" },
        h("caption", { class: "hidden-words", t: "trace.steps" }),
        h("thead", {}, h("tr", {}, ["step", "tokens.in", "tokens.cached", "tokens.out", "ms", "when"].map((name) => h("th", { scope: "col", t: `trace.${name}` })))),
        h("tbody", {}, steps.map((step) => stepRow(step, whole))))));
}

function stepRow(step, whole) {
  const share = step.prompt_tokens ? step.cached_tokens / step.prompt_tokens : 0;
  return h("tr", { data: { step: step.step } },
    h("th", { scope: "row", t: `call.${step.step}` }),
    h("td", {}, String(step.prompt_tokens)),
    h("td", {}, `${Math.round(share * 100)}%`),
    h("td", {}, String(step.completion_tokens)),
    h("td", {}, step.ms.toFixed(1)),
    h("td", { class: "time" }, bar(step, whole)));
}

/** Length and place are attributes of an SVG: the page's policy allows no inline style. */
function bar({ start_ms: start, ms, step }, whole) {
  const width = Math.max((ms / whole) * 100, 0.6);
  return svg("svg", { viewBox: "0 0 100 14", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { x: (start / whole) * 100, y: 3, width, height: 8, class: `bar ${step}` }));
}

function fact(key, value) {
  return h("div", {}, h("dt", { t: key }), h("dd", {}, String(value)));
}
