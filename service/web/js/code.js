// The same request from a shell and from Python, ready to be copied.

import { apiKey, BASE } from "./api.js";
import { copyButton, escaped } from "./copy.js";
import { h } from "./dom.js";

/** Both calls for a request. */
export function codeView(request) {
  const calls = { curl: curl(request), python: python(request) };
  return h("div", {}, Object.entries(calls).map(([name, text]) =>
    h("div", { class: "call" }, h("h3", {}, name === "curl" ? "curl" : "Python (httpx)"), copyButton(() => text),
      h("pre", { class: "code", tabindex: "0", tLabel: `code.${name}`, data: { call: name } }, text))));
}

/** A shell command. The key is a variable's name, never the key. */
export function curl(request) {
  const key = apiKey() ? " \\\n  -H \"authorization: Bearer $PRECEPTOR_API_KEY\"" : "";
  const body = escaped(JSON.stringify(request)).replaceAll("'", "'\\''");
  return `curl -sS ${new URL("v1/revisions", BASE)} \\\n  -H 'content-type: application/json'${key} \\\n  -d '${body}'`;
}

/** A Python programme. */
export function python(request) {
  const key = apiKey();
  return [
    ...(key ? ["import os", ""] : []),
    "import httpx",
    "",
    `request = ${literal(request)}`,
    "answer = httpx.post(",
    `    ${JSON.stringify(new URL("v1/revisions", BASE).href)},`,
    "    json=request,",
    ...(key ? ["    headers={\"authorization\": f\"Bearer {os.environ['PRECEPTOR_API_KEY']}\"},"] : []),
    "    timeout=600,",
    ").raise_for_status().json()",
    "print(answer[\"outcome\"], answer[\"answer\"])",
  ].join("\n");
}

/** A value as Python writes it; JSON's strings are Python's. */
function literal(value, indent = "") {
  const inner = `${indent}    `;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[\n${value.map((item) => `${inner}${literal(item, inner)},\n`).join("")}${indent}]`;
  if (typeof value === "object") return `{\n${Object.entries(value).map(([name, item]) => `${inner}${JSON.stringify(name)}: ${literal(item, inner)},\n`).join("")}${indent}}`;
  return escaped(JSON.stringify(value));
}
