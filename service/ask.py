"""``preceptor ask``: puts a question to a running gateway and shows the stages as they come.

Invariant: it knows the gateway by its public API alone.
"""

import difflib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
from rich.console import Console
from rich.text import Text

TIMEOUT = httpx.Timeout(600.0, connect=5.0)
_WORDS = re.compile(r"\s+|[^\s]+")


class AskError(Exception):
    """The gateway cannot be reached, or answered with an error."""


def ask(
    url: str,
    question: str,
    *,
    draft: str | None = None,
    api_key: str | None = None,
    as_json: bool = False,
    console: Console | None = None,
    transport: httpx.BaseTransport | None = None,
) -> dict[str, Any]:
    """Ask, show, and return the revision. Raises ``AskError``."""
    body: dict[str, Any] = {"messages": [{"role": "user", "content": question}], "stream": True}
    if draft is not None:
        body["draft"] = draft
    headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
    view = None if as_json else View(console or Console(highlight=False))
    result: dict[str, Any] | None = None
    with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT, transport=transport) as client:
        for name, content in _events(client, body):
            if name == "result":
                result = content
            if view is not None:
                view.show(name, content)
    if result is None:
        raise AskError("the gateway ended the stream without a result")
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False, indent=2) + "\n")
    return result


def _events(client: httpx.Client, body: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    with _told_apart(client.base_url), client.stream("POST", "/v1/revisions", json=body) as response:
        if response.status_code != 200:
            response.read()
            raise AskError(_message(response.text) or f"the gateway answered with status {response.status_code}")
        name = ""
        for line in _lines(response):
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: ") and line != "data: [DONE]":
                content = json.loads(line.removeprefix("data: "))
                if "error" in content:
                    raise AskError(content["error"]["message"])
                yield name, content


def _lines(response: httpx.Response) -> Iterator[str]:
    """The lines of an event stream: httpx's own would also break at U+2028, which may stand in an answer."""
    rest = ""
    for text in response.iter_text():
        *lines, rest = (rest + text).split("\n")
        yield from lines
    yield rest


@contextmanager
def _told_apart(url: httpx.URL) -> Iterator[None]:
    try:
        yield
    except httpx.ConnectError as error:
        raise AskError(f"no gateway at {url}; start one with: preceptor serve") from error
    except httpx.HTTPError as error:
        raise AskError(f"the connection to {url} broke: {error}") from error


def _message(text: str) -> str | None:
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return None


class View:
    """Shows stages on a console, one section each; what comes while the draft is being written waits for its end."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._section = ""
        self._criteria: list[dict[str, Any]] = []
        self._held: Mapping[str, Any] | None = None

    def show(self, name: str, content: Mapping[str, Any]) -> None:
        """Show one event."""
        if name == "principles" and self._section == "Draft":
            self._held = content
            return
        if name not in ("draft", "rubric") and self._held is not None:
            held, self._held = self._held, None
            self._principles(held)
        if name == "draft":
            self._head("Draft")
            self.console.print(Text(content["delta"]), end="")
        elif name == "principles":
            self._principles(content)
        elif name == "rubric":
            self._criteria = content["criteria"]
        elif name == "verdict":
            self._verdict(content)
        elif name == "edit":
            self._edit(content)
        elif name == "result":
            self._result(content)

    def _head(self, title: str) -> None:
        if title != self._section:
            gap = "\n\n" if self._section == "Draft" else "\n" if self._section else ""
            self.console.print(f"{gap}[bold]{title}[/bold]")
            self._section = title

    def _principles(self, content: Mapping[str, Any]) -> None:
        self._head("Principles")
        self.console.print(Text(", ".join(content["scenario"].values()), style="dim"))
        for row in content["principles"]:
            self.console.print(Text(f"  {row['similarity']:.2f}  {row['id']}  {row['title']}"))

    def _verdict(self, content: Mapping[str, Any]) -> None:
        self._head("Edits, each checked" if content["check"] else "Verdicts")
        criterion = self._criteria[content["criterion"] - 1]
        mark, style = {True: ("+", "green"), False: ("-", "red"), None: ("?", "yellow")}[content["satisfied"]]
        sure = "" if content["probability"] is None else f"P {content['probability']:.2f}"
        self.console.print(Text(f"  {mark} {sure:6} ({criterion['points']:+d}) {criterion['text']}", style=style))

    def _edit(self, content: Mapping[str, Any]) -> None:
        self._head("Edits, each checked")
        what = f"{content['operation'] or 'no edit'} {content['number'] or ''}".rstrip()
        ending = "" if content["accepted"] else f" (refused: {content['reason']})"
        new = f": {content['text']}" if content.get("text") else ""
        self.console.print(Text(f"  {what}{new}{ending}", style="" if content["accepted"] else "dim"))

    def _result(self, content: Mapping[str, Any]) -> None:
        self._head("Answer")
        self.console.print(coloured_diff(content["draft"], content["answer"]))
        reason = f" ({content['reason']})" if content["reason"] else ""
        usage, total_ms = content["usage"], content["timings_ms"].get("total", 0.0)
        tokens = f"{usage['prompt_tokens']} + {usage['completion_tokens']} tokens"
        self.console.print(Text(f"\n{content['outcome']}{reason}, {total_ms / 1000:.2f} s, {tokens}", style="dim"))


def coloured_diff(draft: str, answer: str) -> Text:
    """The answer with what was added in green and what was struck out in red, word by word."""
    before, after = _WORDS.findall(draft), _WORDS.findall(answer)
    text = Text()
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            text.append("".join(after[j1:j2]))
            continue
        text.append("".join(before[i1:i2]), style="red strike")
        text.append("".join(after[j1:j2]), style="green")
    return text
