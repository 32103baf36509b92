// The view in which a question is put, and its revision watched.

import { json, revise } from "./api.js";
import { announcer } from "./announce.js";
import { questionForm } from "./form.js";
import { h, show } from "./dom.js";
import { introduction } from "./introduction.js";
import { runView } from "./run.js";
import { trouble } from "./trouble.js";
import { t } from "./words.js";

/** Draws into `root`. */
export function askView(root) {
  const say = announcer(document.getElementById("news"));
  const stage = h("div", { id: "run", class: "run" }, introduction());
  const form = questionForm({ ask, stop: () => asking?.abort() });
  let asking = null;

  root.append(
    h("h1", { id: "ask-title", tabindex: "-1", t: "ask.title" }),
    h("div", { class: "ask" }, form.element, stage),
  );
  loadExamples();

  async function ask(request) {
    asking?.abort();
    const mine = (asking = new AbortController());
    const view = runView(request, say, (turns) => form.continueWith(turns));
    show(stage, view.element);
    form.busy(true);
    say(t("news.asked"));
    if (matchMedia("(max-width: 60rem)").matches) view.element.scrollIntoView({ block: "start" });
    try {
      for await (const [name, content] of revise(request, mine.signal)) view.take(name, content);
      if (!view.finished()) throw new TypeError(t("trouble.cut"));
    } catch (error) {
      if (mine.signal.aborted) view.stopped();
      else view.failed(trouble(error));
    } finally {
      if (asking === mine) form.busy(false);
    }
  }

  async function loadExamples() {
    try {
      form.offer(await json("static/examples.json"));
    } catch (error) {
      form.element.append(trouble(error));
    }
  }

  return {};
}
