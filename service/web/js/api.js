// The gateway's public API, relative to wherever this page is served. The key lives in this tab only.

import { events } from "./sse.js";

const KEY = "preceptor.key";
export const BASE = new URL("..", new URL("..", import.meta.url));

/** What the gateway answered instead of what was asked for. */
export class Refusal extends Error {
  constructor(status, error, requestId) {
    super(error?.message ?? "");
    this.status = status;
    this.code = error?.code ?? null;
    this.requestId = requestId;
  }
}

/** The key typed into this tab; sessionStorage ends with the tab. */
export function apiKey() {
  return sessionStorage.getItem(KEY) ?? "";
}

/** Use another key, or none. */
export function useKey(key) {
  if (key) sessionStorage.setItem(KEY, key);
  else sessionStorage.removeItem(KEY);
  document.dispatchEvent(new Event("key"));
}

/** Ask for a path; throws `Refusal` unless the answer is a success. */
export async function call(path, { body, signal, headers: more = {} } = {}) {
  const headers = { ...more };
  if (apiKey()) headers.authorization = `Bearer ${apiKey()}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(new URL(path, BASE), {
    method: body === undefined ? "GET" : "POST",
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
    credentials: "omit",
    cache: "no-store",
  });
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

/** The same as JSON. */
export async function json(path, options) {
  return (await call(path, options)).json();
}

/** A revision's events, [name, content] each, as they come; throws `Refusal` for an error in the stream. */
export async function* revise(request, signal) {
  const answer = await call("v1/revisions", { body: { ...request, stream: true }, signal });
  const requestId = answer.headers.get("x-request-id");
  for await (const [name, text] of events(answer.body)) {
    if (text === "[DONE]") return;
    const content = JSON.parse(text);
    if (content.error) throw new Refusal(answer.status, content.error, requestId);
    yield [name, content];
  }
}

async function refusal(answer) {
  const text = await answer.text();
  let error = null;
  try {
    error = JSON.parse(text).error;
  } catch {
    error = null; // not ours: a proxy's page, say
  }
  return new Refusal(answer.status, error, answer.headers.get("x-request-id"));
}
