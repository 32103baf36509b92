// What changed between two answers: sentences first, then words within a sentence that was rewritten.
// Invariant: the work is bounded; beyond the bound a stretch counts as replaced whole, which is true, if less fine.

import { sentences } from "./sentences.js";

const MOST_CHANGES = 400;
const MOST_WORDS = 2000;
const LIKENESS = 0.35;
const LOOKAHEAD = 12;

/** Runs of [kind, items from before, items from after], kind being "same" or "changed". */
export function runs(before, after) {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const middle = common(before.slice(head, before.length - tail), after.slice(head, after.length - tail));
  return grouped(before, after, pairs(before, after, head, tail, middle));
}

/** Index pairs of what both have, in order. */
function pairs(before, after, head, tail, middle) {
  const found = [];
  for (let i = 0; i < head; i += 1) found.push([i, i]);
  for (const [i, j] of middle) found.push([head + i, head + j]);
  for (let i = tail; i > 0; i -= 1) found.push([before.length - i, after.length - i]);
  return found;
}

function grouped(before, after, kept) {
  const out = [];
  let [i, j] = [0, 0];
  for (const [a, b] of [...kept, [before.length, after.length]]) {
    if (a > i || b > j) out.push(["changed", before.slice(i, a), after.slice(j, b)]);
    if (a < before.length) {
      if (out.at(-1)?.[0] === "same") {
        out.at(-1)[1].push(before[a]);
        out.at(-1)[2].push(after[b]);
      } else out.push(["same", [before[a]], [after[b]]]);
    }
    [i, j] = [a + 1, b + 1];
  }
  return out;
}

/** Myers' greedy algorithm: index pairs of a longest common subsequence, or none beyond MOST_CHANGES changes. */
export function common(a, b) {
  const most = Math.min(a.length + b.length, MOST_CHANGES);
  const reached = new Map([[1, 0]]);
  const steps = [];
  for (let d = 0; d <= most; d += 1) {
    steps.push(new Map(reached));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (reached.get(k - 1) ?? -1) < (reached.get(k + 1) ?? -1));
      let x = down ? reached.get(k + 1) ?? 0 : (reached.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      reached.set(k, x);
      if (x >= a.length && x - k >= b.length) return traced(a, b, steps);
    }
  }
  return [];
}

function traced(a, b, steps) {
  const found = [];
  let [x, y] = [a.length, b.length];
  for (let d = steps.length - 1; d >= 0; d -= 1) {
    const reached = steps[d];
    const k = x - y;
    const down = k === -d || (k !== d && (reached.get(k - 1) ?? -1) < (reached.get(k + 1) ?? -1));
    const before = down ? k + 1 : k - 1;
    const px = reached.get(before) ?? 0;
    const py = px - before;
    while (x > px && y > py && x > 0 && y > 0) found.push([(x -= 1), (y -= 1)]);
    if (d > 0) [x, y] = [px, py];
  }
  return found.reverse();
}

/** The pieces of a rewritten sentence: [kind, text], kind being "same", "removed" or "added". */
export function wordPieces(before, after) {
  const [a, b] = [before, after].map((text) => text.split(/(\s+)/).filter(Boolean));
  if (a.length > MOST_WORDS || b.length > MOST_WORDS) return [["removed", before], ["added", after]];
  return runs(a, b).flatMap(([kind, old, fresh]) =>
    kind === "same" ? [["same", fresh.join("")]] : [["removed", old.join("")], ["added", fresh.join("")]].filter(([, text]) => text),
  );
}

/** Rows of a sentence diff: {kind: same|added|removed|replaced, before, after, number}; number is the draft's, from 1. */
export function sentenceRows(draft, answer) {
  const [old, fresh] = [sentences(draft), sentences(answer)];
  const keys = (list) => list.map((text) => text.trim());
  const rows = [];
  let [i, j] = [0, 0];
  for (const [kind, gone, come] of runs(keys(old), keys(fresh))) {
    const [before, after] = [old.slice(i, i + gone.length), fresh.slice(j, j + come.length)];
    if (kind === "same") rows.push({ kind, before: before.join(""), after: after.join(""), number: i + 1 });
    else rows.push(...changedRows(before, after, i));
    [i, j] = [i + gone.length, j + come.length];
  }
  return rows;
}

/** Pair what was rewritten with what it became, in order; the rest was taken out, or put in. */
function changedRows(before, after, offset) {
  const rows = [];
  const [olds, news] = [before.map(wordSet), after.map(wordSet)];
  let next = 0;
  const put = (end) => {
    for (; next < end; next += 1) rows.push({ kind: "added", before: "", after: after[next], number: null });
  };
  for (const [place, old] of before.entries()) {
    const number = offset + place + 1;
    const near = news.slice(next, next + LOOKAHEAD).findIndex((words) => likeness(olds[place], words) >= LIKENESS);
    if (near < 0) {
      rows.push({ kind: "removed", before: old, after: "", number });
      continue;
    }
    put(next + near);
    rows.push({ kind: "replaced", before: old, after: after[next], number });
    next += 1;
  }
  put(after.length);
  return rows;
}

/** The share of words that two sentences have in common. */
function likeness(one, other) {
  const both = [...one].filter((word) => other.has(word)).length;
  return both / Math.max(one.size, other.size, 1);
}

function wordSet(text) {
  return new Set(text.toLowerCase().split(/\s+/).filter(Boolean).slice(0, MOST_WORDS));
}
