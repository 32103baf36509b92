"""LangChain's ChatOpenAI, as published. Arguments: base URL, the engine's model. Prints one JSON object.

It runs in an environment of its own, and so imports nothing of ours.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any, Literal

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage  # type: ignore[import-not-found]
from langchain_core.tools import tool  # type: ignore[import-not-found]
from langchain_openai import ChatOpenAI  # type: ignore[import-not-found]

QUESTION = "I have had a bad headache for two days."
CALLS_TRIAGE = {
    "structured_outputs": {
        "choice": ['<tool_call>\n{"name": "triage", "arguments": {"urgency": "now"}}\n</tool_call>'],
    }
}


@tool  # type: ignore[untyped-decorator]
def triage(urgency: Literal["now", "later"]) -> str:
    """File how urgent it is."""
    return f"filed as {urgency}"


class Scenes:
    """What is asked of the gateway; every method that does not begin with an underscore is a scene."""

    def __init__(self, base_url: str, engine_model: str) -> None:
        self._base_url = base_url
        self._engine_model = engine_model

    def _chat(self, model: str = "preceptor", **fields: Any) -> Any:
        asked = {"max_tokens": 64, "temperature": 0, **fields}
        return ChatOpenAI(model=model, base_url=self._base_url, api_key="none", max_retries=0, **asked)

    def guided(self) -> dict[str, Any]:
        chat = self._chat(extra_body={"preceptor": {"trace": True}}, include_response_headers=True)
        return _shown(chat.invoke(QUESTION))

    def plain(self) -> dict[str, Any]:
        return _shown(self._chat(self._engine_model).invoke(QUESTION))

    def no_rounds(self) -> dict[str, Any]:
        return _shown(self._chat(extra_body={"preceptor": {"rounds": 0}}).invoke(QUESTION))

    def stream(self) -> dict[str, Any]:
        pieces = list(self._chat(stream_usage=True).stream(QUESTION))
        return _shown(sum(pieces[1:], pieces[0])) | {"pieces": len(pieces)}

    def asynchronous(self) -> dict[str, Any]:
        async def both() -> dict[str, Any]:
            chat = self._chat()
            whole = await chat.ainvoke(QUESTION)
            pieces = [piece async for piece in chat.astream(QUESTION)]
            return {"whole": whole.content, "streamed": "".join(piece.content for piece in pieces)}

        return asyncio.run(both())

    def conversation(self) -> dict[str, Any]:
        turns = [("system", "Be brief."), ("human", "Hello"), ("ai", "Hello."), ("human", QUESTION)]
        return _shown(self._chat().invoke(turns))

    def tool_call(self) -> dict[str, Any]:
        return _shown(self._triaging().invoke(QUESTION))

    def streamed_tool_call(self) -> dict[str, Any]:
        pieces = list(self._triaging().stream(QUESTION))
        return _shown(sum(pieces[1:], pieces[0]))

    def tool_answer(self) -> dict[str, Any]:
        asked = self._triaging().invoke(QUESTION)
        call = asked.tool_calls[0]
        turns = [HumanMessage(QUESTION), asked, ToolMessage(triage.invoke(call["args"]), tool_call_id=call["id"])]
        return _shown(self._chat().invoke(turns))

    def unknown_model(self) -> dict[str, Any]:
        return _raised(lambda: self._chat("no-such-model").invoke(QUESTION))

    def unknown_key(self) -> dict[str, Any]:
        return _raised(lambda: self._chat(extra_body={"preceptor": {"round": 1}}).invoke(QUESTION))

    def _triaging(self) -> Any:
        return self._chat(extra_body=CALLS_TRIAGE, max_tokens=80).bind_tools([triage])


def _shown(message: AIMessage) -> dict[str, Any]:
    return {
        "content": message.content,
        "usage": message.usage_metadata,
        "metadata": message.response_metadata,
        "calls": [{"name": call["name"], "args": call["args"]} for call in message.tool_calls],
    }


def _raised(call: Callable[[], Any]) -> dict[str, Any]:
    """The error of a call that must fail; its classes, since LangChain derives its own from the client's."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is to be seen
        names = [kind.__name__ for kind in type(error).__mro__]
        return {"classes": names, "status": getattr(error, "status_code", None), "code": getattr(error, "code", None)}
    return {"classes": [], "status": None, "code": None}


def main(base_url: str, engine_model: str) -> None:
    """Play every scene."""
    scenes = Scenes(base_url, engine_model)
    names = [name for name in vars(Scenes) if not name.startswith("_")]
    sys.stdout.write(json.dumps({name: getattr(scenes, name)() for name in names}, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
