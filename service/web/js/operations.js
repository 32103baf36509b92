// How this gateway does, from its own /metrics. Invariant: nothing is asked while nobody looks.

import { call } from "./api.js";
import { buckets, by, quantile, samples, sum } from "./exposition.js";
import { h, said, show, svg } from "./dom.js";
import { trouble } from "./trouble.js";
import { knows } from "./words.js";

const EVERY_MS = 2000;
const KEPT = 150; // five minutes
const QUIET = new Set(["/metrics", "/healthz", "/readyz", "/", "/static/{name:path}", "/openapi.json"]);
const GUIDED = new Set(["/v1/chat/completions", "/v1/revisions"]);

/** Draws into `root` while the view is entered. */
export function operationsView(root) {
  const body = h("div", { class: "operations" });
  const state = { timer: null, past: [], paused: false };
  const pause = h("button", { type: "button", class: "plain", t: "operations.pause", "aria-pressed": "false", on: { click: toggle } });
  root.append(h("h1", { id: "operations-title", tabindex: "-1", t: "operations.title" }), h("p", { class: "lead", t: "operations.lead" }), h("p", { class: "buttons" }, pause), body);
  document.addEventListener("visibilitychange", () => document.hidden || root.hidden || look());

  function toggle() {
    state.paused = !state.paused;
    pause.setAttribute("aria-pressed", String(state.paused));
    if (!state.paused) look();
  }

  async function look() {
    clearTimeout(state.timer);
    if (root.hidden || document.hidden || state.paused) return;
    try {
      const found = samples(await (await call("metrics")).text());
      state.past = [...state.past, moment(found)].slice(-KEPT);
      show(body, drawn(found, state.past));
    } catch (error) {
      show(body, trouble(error));
    }
    state.timer = setTimeout(look, EVERY_MS);
  }

  return { enter: look, leave: () => clearTimeout(state.timer) };
}

function moment(found) {
  return {
    at: performance.now(),
    inFlight: sum(found, "preceptor_in_flight_requests"),
    requests: sum(found, "preceptor_requests_total", ({ route }) => !QUIET.has(route)),
  };
}

function drawn(found, past) {
  const latency = buckets(found, "preceptor_request_duration_seconds", ({ route }) => GUIDED.has(route));
  const seconds = (q) => (quantile(q, latency) === null ? "\u2013" : `${quantile(q, latency).toFixed(2)} s`);
  const overhead = quantile(0.5, buckets(found, "preceptor_overhead_seconds"));
  return [
    h("div", { class: "tiles" },
      tile("operations.in_flight", `${sum(found, "preceptor_in_flight_requests")} / ${sum(found, "preceptor_max_in_flight_requests")}`, spark(past.map((m) => m.inFlight))),
      tile("operations.queued", `${sum(found, "preceptor_queued_requests")} / ${sum(found, "preceptor_max_queued_requests")}`),
      tile("operations.rate", rates(past).at(-1)?.toFixed(1) ?? "\u2013", spark(rates(past))),
      tile("operations.p50", seconds(0.5)),
      tile("operations.p95", seconds(0.95)),
      tile("operations.overhead", overhead === null ? "\u2013" : `${(overhead * 1000).toFixed(1)} ms`),
      tile("operations.cached", share(sum(found, "preceptor_cached_tokens_total"), sum(found, "preceptor_prompt_tokens_total"))),
      tile("operations.engines", `${sum(found, "preceptor_engines_ready")} / ${new Set((found.get("preceptor_engine_health") ?? []).map(({ labels }) => labels.engine)).size}`)),
    h("div", { class: "columns" },
      bars("operations.outcomes", by(found, "preceptor_outcomes_total", "outcome"), "outcome"),
      bars("operations.stages", means(found), "timing", (s) => `${(s * 1000).toFixed(0)} ms`),
      bars("operations.refused", by(found, "preceptor_refused_total", "reason"), "trouble"),
      bars("operations.failures", by(found, "preceptor_failures_total", "error"), "trouble")),
    h("p", { class: "fine", t: "operations.since" }),
  ];
}

function means(found) {
  const [sums, counts] = ["sum", "count"].map((part) => by(found, `preceptor_stage_duration_seconds_${part}`, "stage"));
  return new Map([...counts].filter(([, count]) => count).map(([stage, count]) => [stage, sums.get(stage) / count]));
}

function rates(past) {
  return past.slice(1).map((now, place) => Math.max(0, ((now.requests - past[place].requests) * 1000) / (now.at - past[place].at)));
}

function share(part, whole) {
  return whole ? `${Math.round((part / whole) * 100)}%` : "\u2013";
}

function tile(key, text, chart = null) {
  return h("div", { class: "card tile", data: { tile: key } }, h("p", { class: "fine", t: key }), h("p", { class: "figure" }, text), chart);
}

function spark(values) {
  const most = Math.max(...values, 1);
  const points = values.map((value, place) => `${(place / Math.max(values.length - 1, 1)) * 100},${22 - (value / most) * 20}`).join(" ");
  return svg("svg", { viewBox: "0 0 100 24", preserveAspectRatio: "none", class: "spark", "aria-hidden": "true" }, svg("polyline", { points }));
}

function bars(title, values, words, written = (value) => String(value)) {
  const rows = [...values].filter(([, value]) => value > 0 || words === "outcome");
  const most = Math.max(...rows.map(([, value]) => value), 1e-9);
  return h("section", { class: "card bars" }, h("h2", { t: title }),
    rows.length ? h("dl", {}, rows.map(([name, value]) => h("div", {},
      h("dt", {}, knows(`${words}.${name}`) ? h("span", { t: `${words}.${name}` }) : said(name)),
      h("dd", {}, svg("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { width: (value / most) * 100, height: 8, rx: 1, class: `bar ${name}` })), h("span", { class: "number" }, written(value)))))) : h("p", { class: "fine", t: "operations.nothing" }));
}
