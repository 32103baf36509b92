// Tabs as the ARIA pattern has them: arrow keys, Home and End move, one stop in the order of focus.

import { h } from "./dom.js";

let made = 0;

/** Tabs of {name, label (a word's key), panel}; returns {element, choose}. */
export function tabs(label, items, chosen = items[0].name) {
  const id = `tabs-${(made += 1)}`;
  const buttons = items.map(({ name, label: key }) =>
    h("button", {
      type: "button", role: "tab", id: `${id}-${name}`, "aria-controls": `${id}-${name}-panel`, class: "tab", t: key,
      on: { click: () => choose(name) }, data: { name },
    }),
  );
  const panels = items.map(({ name, panel }) => {
    for (const [key, value] of Object.entries({ role: "tabpanel", id: `${id}-${name}-panel`, tabindex: "0", "aria-labelledby": `${id}-${name}` })) panel.setAttribute(key, value);
    return panel;
  });
  const list = h("div", { role: "tablist", class: "tablist", tLabel: label, on: { keydown: move } }, buttons);

  function choose(name, { focus = false } = {}) {
    for (const [place, button] of buttons.entries()) {
      const is = button.dataset.name === name;
      button.setAttribute("aria-selected", String(is));
      button.tabIndex = is ? 0 : -1;
      panels[place].hidden = !is;
      if (is && focus) button.focus();
    }
  }

  function move(event) {
    const at = buttons.indexOf(event.target);
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || next === undefined) return;
    event.preventDefault();
    choose(buttons.at(next % buttons.length).dataset.name, { focus: true });
  }

  choose(chosen);
  return { element: h("div", { class: "tabs" }, list, panels), choose };
}
