// Reads Prometheus' text format, and what can be told from histograms in it.

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Samples as {name: [{labels, value}]}. */
export function samples(text) {
  const found = new Map();
  for (const line of text.split("\n")) {
    const match = line.startsWith("#") ? null : LINE.exec(line);
    if (!match) continue;
    const labels = Object.fromEntries([...(match[2] ?? "").matchAll(LABEL)].map(([, name, value]) => [name, value]));
    if (!found.has(match[1])) found.set(match[1], []);
    found.get(match[1]).push({ labels, value: Number(match[3]) });
  }
  return found;
}

/** The sum of a series over every label, or over those for which `wanted(labels)` holds. */
export function sum(found, name, wanted = () => true) {
  return (found.get(name) ?? []).filter(({ labels }) => wanted(labels)).reduce((all, { value }) => all + value, 0);
}

/** Values by one label. */
export function by(found, name, label) {
  const out = new Map();
  for (const { labels, value } of found.get(name) ?? []) out.set(labels[label], (out.get(labels[label]) ?? 0) + value);
  return out;
}

/** Cumulative counts by upper bound, in order. */
export function buckets(found, name, wanted = () => true) {
  const counts = new Map();
  for (const { labels, value } of found.get(`${name}_bucket`) ?? []) {
    const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
    if (wanted(labels)) counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  return [...counts].sort(([a], [b]) => a - b);
}

/** A quantile by linear interpolation within its bucket, as Prometheus does; null where nothing was counted. */
export function quantile(q, counted) {
  const total = counted.at(-1)?.[1] ?? 0;
  if (!total) return null;
  const rank = q * total;
  let [below, seen] = [0, 0];
  for (const [bound, count] of counted) {
    if (count >= rank) return bound === Infinity ? below : below + (bound - below) * ((rank - seen) / Math.max(count - seen, 1e-9));
    [below, seen] = [bound, count];
  }
  return below;
}
