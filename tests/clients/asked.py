"""What the clients ask, and what may come back for it."""

from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam

QUESTION = "I have had a bad headache for two days."
MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": QUESTION}]
LOOP_OUTCOMES = frozenset({"accepted", "revised", "rewritten", "kept_draft", "round_limit", "degraded"})

# One transparent pixel.
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WITH_IMAGE: list[ChatCompletionMessageParam] = [
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is this rash?"},
            {"type": "image_url", "image_url": {"url": PIXEL}},
        ],
    }
]

TRIAGE: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "triage",
        "description": "File how urgent it is.",
        "parameters": {
            "type": "object",
            "properties": {"urgency": {"type": "string", "enum": ["now", "later"]}},
            "required": ["urgency"],
            "additionalProperties": False,
        },
    },
}
URGENCIES = frozenset({"now", "later"})
# The bundled model calls no tool of its own accord; held to the one text that is such a call, it does.
CALLS_TRIAGE = {
    "structured_outputs": {
        "choice": ['<tool_call>\n{"name": "triage", "arguments": {"urgency": "now"}}\n</tool_call>'],
    }
}
# The engine writes until it has written them all, some seconds on two cores.
LONG = {"max_tokens": 1900, "ignore_eos": True}
