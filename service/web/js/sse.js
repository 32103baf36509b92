// Reads server-sent events from a stream of bytes.

/** [name, data] of each event; comments are left out. */
export async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let parts = []; // pieces of a line that has not ended, so that a long one is joined once
  let name = "";
  let data = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = value.split("\n");
      for (const [place, piece] of lines.entries()) {
        parts.push(piece);
        if (place === lines.length - 1) break;
        const line = parts.join("").replace(/\r$/, "");
        parts = [];
        if (line === "") {
          if (data.length) yield [name, data.join("\n")];
          [name, data] = ["", []];
        } else if (line.startsWith("event:")) name = line.slice(6).trimStart();
        else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
      }
    }
  } finally {
    await reader.cancel();
  }
}
