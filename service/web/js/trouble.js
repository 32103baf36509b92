// Says what went wrong in the reader's language, and in the gateway's own words.

import { Refusal } from "./api.js";
import { h, said } from "./dom.js";
import { knows } from "./words.js";

/** A panel about an error; where a key is missing, with a way to give one. */
export function trouble(error) {
  const code = error instanceof Refusal ? error.code ?? `status_${error.status}` : "unreachable";
  const key = `trouble.${code}`;
  const known = knows(key) ? key : "trouble.other";
  const wantsKey = error instanceof Refusal && (error.status === 401 || error.code === "missing_scope");
  return h("div", { class: "trouble", role: "alert", data: { code } },
    h("p", {}, h("strong", { t: known })),
    error.message ? h("p", {}, said(error.message)) : null,
    error.requestId ? h("p", { class: "fine" }, h("span", { t: "trouble.request" }), " ", said(error.requestId)) : null,
    wantsKey ? h("button", { type: "button", class: "plain", t: "key.open", on: { click: () => document.dispatchEvent(new Event("ask-key")) } }) : null,
  );
}
