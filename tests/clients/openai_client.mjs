// The official JavaScript client, as published. Arguments: base URL, the engine's model. Prints one JSON object.
import OpenAI from "openai";

const [baseURL, engineModel] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0 });
const messages = [{ role: "user", content: "I have had a bad headache for two days." }];
const triage = {
  type: "function",
  function: {
    name: "triage",
    parameters: {
      type: "object",
      properties: { urgency: { type: "string", enum: ["now", "later"] } },
      required: ["urgency"],
      additionalProperties: false,
    },
  },
};
// The bundled model calls no tool of its own accord; held to the one text that is such a call, it does.
const callsTriage = {
  tools: [triage],
  tool_choice: "auto",
  max_tokens: 80,
  structured_outputs: {
    choice: ['<tool_call>\n{"name": "triage", "arguments": {"urgency": "now"}}\n</tool_call>'],
  },
};
const long = { max_tokens: 1900, ignore_eos: true };

function body(model, more = {}) {
  return { model, messages, max_tokens: 64, temperature: 0, ...more };
}

async function whole(model, more = {}) {
  const { data, response } = await client.chat.completions.create(body(model, more)).withResponse();
  return { data, outcome: response.headers.get("x-preceptor-outcome"), requestId: data._request_id };
}

async function streamed(model) {
  const stream = await client.chat.completions.create(
    body(model, { stream: true, stream_options: { include_usage: true } }),
  );
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  const choices = chunks.flatMap((chunk) => chunk.choices);
  return {
    text: choices.map((choice) => choice.delta.content ?? "").join(""),
    finishReason: choices.at(-1).finish_reason,
    usages: chunks.filter((chunk) => chunk.usage).map((chunk) => chunk.usage),
    lastHasUsage: Boolean(chunks.at(-1).usage),
  };
}

async function helperStream(model) {
  const runner = client.chat.completions.stream(body(model));
  const final = await runner.finalChatCompletion();
  return { text: final.choices[0].message.content };
}

async function abortedStream() {
  const leaving = new AbortController();
  const request = body(engineModel, { stream: true, ...long });
  const stream = await client.chat.completions.create(request, { signal: leaving.signal });
  let chunks = 0;
  for await (const _ of stream) {
    chunks += 1;
    if (chunks === 5) leaving.abort();
  }
  return { chunks, aborted: leaving.signal.aborted };
}

async function abortedWhole() {
  const leaving = new AbortController();
  setTimeout(() => leaving.abort(), 300);
  return raised(() => client.chat.completions.create(body(engineModel, long), { signal: leaving.signal }));
}

async function streamedToolCall(model) {
  const stream = await client.chat.completions.create(body(model, { stream: true, ...callsTriage }));
  const names = [];
  let written = "";
  let finishReason = null;
  for await (const chunk of stream) {
    for (const choice of chunk.choices) {
      finishReason = choice.finish_reason ?? finishReason;
      for (const call of choice.delta.tool_calls ?? []) {
        if (call.function.name) names.push(call.function.name);
        written += call.function.arguments ?? "";
      }
    }
  }
  return { names, arguments: JSON.parse(written), finishReason };
}

async function raised(call) {
  try {
    await call();
  } catch (error) {
    const { status, code, param, type } = error;
    return { name: error.constructor.name, status, code, param, type, requestID: error.requestID ?? null };
  }
  return null;
}

const scenes = {
  models: async () => (await client.models.list()).data.map((model) => model.id),
  plain: () => whole(engineModel),
  guided: () => whole("preceptor", { preceptor: { trace: true } }),
  plainStream: () => streamed(engineModel),
  guidedStream: () => streamed("preceptor"),
  helperStream: () => helperStream("preceptor"),
  abortedStream,
  abortedWhole,
  toolCall: () => whole("preceptor", callsTriage),
  plainToolCall: () => whole(engineModel, callsTriage),
  streamedToolCall: () => streamedToolCall("preceptor"),
  unknownModel: () => raised(() => client.chat.completions.create(body("no-such-model"))),
  unknownKey: () => raised(() => client.chat.completions.create(body("preceptor", { preceptor: { round: 1 } }))),
  badStream: () => raised(() => client.chat.completions.create(body("preceptor", { stream: true, temperature: 9 }))),
  embeddings: () => raised(() => client.embeddings.create({ model: engineModel, input: "headache" })),
};

const seen = {};
for (const [name, scene] of Object.entries(scenes)) seen[name] = await scene();
process.stdout.write(JSON.stringify(seen));
