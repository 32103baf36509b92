// Texts to be taken along: written so that nothing in them acts unseen.

import { h } from "./dom.js";

/** JSON with everything but plain characters written out, so that it can be shown and copied as it stands. */
export function escaped(json) {
  return json.replace(/[\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** A button that copies what `text` returns, and says so. */
export function copyButton(text) {
  const button = h("button", { type: "button", class: "plain copy", t: "copy", on: { click: copy } });
  async function copy() {
    try {
      await navigator.clipboard.writeText(escaped(text()));
      tell("copy.done");
    } catch {
      tell("copy.refused"); // told: the text is there to be marked by hand
    }
  }
  function tell(key) {
    button.replaceChildren(h("span", { t: key, role: "status" }));
    delete button.dataset.t;
  }
  return button;
}
