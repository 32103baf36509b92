// What a screen reader is told while an answer comes: the latest news, politely, and not more often than one can hear.

const PAUSE_MS = 1200;

/** Returns say(text): fills `region`, a live region; news that is overtaken before its turn is left out. */
export function announcer(region) {
  let waiting = null;
  let pending = null;
  const tell = (text) => {
    region.textContent = text;
    waiting = setTimeout(() => {
      waiting = null;
      const next = pending;
      pending = null;
      if (next !== null) tell(next);
    }, PAUSE_MS);
  };
  return (text) => {
    if (waiting === null) tell(text);
    else pending = text;
  };
}
