// Makes elements. What people and models write enters the page as text nodes only, through `said`.

import { translateNode } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

/** An element; props: class, t (a word's key), tv (its values), on (listeners), data; the rest are attributes. */
export function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(node, { t, tv, tLabel, on = {}, data = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  for (const [name, listener] of Object.entries(on)) node.addEventListener(name, listener);
  Object.assign(node.dataset, data);
  if (t) node.dataset.t = t;
  if (tv) node.dataset.tv = JSON.stringify(tv);
  if (tLabel) node.dataset.tLabel = tLabel;
  if (t || tLabel || node.dataset.tPlaceholder) translateNode(node);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// Marks that steer the direction of text, and invisible ones that can hide words or split them.
const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]+/g;
const SHOWN_CODES = 8;

/** The text with every mark that acts unseen replaced by its code, so that it shows and does nothing. */
export function visible(text) {
  return String(text).replace(UNSEEN, (run) => {
    const codes = [...run.slice(0, SHOWN_CODES)].map((c) => `U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`);
    return `\u2039${codes.join(" ")}${run.length > SHOWN_CODES ? ` \u00d7${run.length}` : ""}\u203a`;
  });
}

/** Somebody's words: isolated from the direction of what stands around them. */
export function said(text, props = {}) {
  return h("bdi", { ...props, class: `said ${props.class ?? ""}`.trim() }, visible(text));
}

// Text of fewer characters is shown whole; no place is so low that it needs to scroll.
const ROOM = 600;

/** Let text that may outgrow its place scroll there, within reach of the keyboard and with a name; returns the node. */
export function scrollable(node) {
  if (!node.hasAttribute("tabindex") && node.textContent.length > ROOM) {
    node.tabIndex = 0;
    node.setAttribute("role", "group");
    Object.assign(node.dataset, { tLabel: "text.long" });
    translateNode(node);
  }
  return node;
}

/** Put children in the place of what an element holds. */
export function show(node, ...children) {
  node.replaceChildren(...children.flat().filter(Boolean));
}
