"""Asks what the API's examples ask, of a real gateway.

Invariant: an exchange is sent as the document shows it; only the id of a thing that has to be made first is put in.
"""

from collections.abc import Mapping
from typing import Any

import httpx

from service.api.examples import Exchange, Exchanges

# A path parameter that names what an earlier exchange has made: nobody can know it beforehand.
MADE_BY: Mapping[str, str] = {"feedback_id": "POST /v1/feedback"}
EVENTS = "text/event-stream"


def asked(client: httpx.Client, operation: str, exchange: Exchange, made: Mapping[str, str]) -> httpx.Response:
    """The answer to one exchange; ``made`` has the ids of what was made before."""
    method, _, template = operation.partition(" ")
    parameters = exchange.parameters | {name: id_ for name, id_ in made.items() if f"{{{name}}}" in template}
    path = template.format_map(parameters)
    query = {name: value for name, value in parameters.items() if f"{{{name}}}" not in template}
    # httpx would take an empty mapping for "no query at all", which is what is meant.
    return client.request(method, path, params=query, json=exchange.body, headers=exchange.headers)


def make(client: httpx.Client, operation: str, exchanges: Exchanges) -> dict[str, str]:
    """Make what the operation's path names, by the first exchange of the operation that makes it."""
    made = {}
    for name, maker in MADE_BY.items():
        if f"{{{name}}}" in operation:
            # Without its headers: an idempotency key would be used up.
            answer = asked(client, maker, exchanges[maker][0].model_copy(update={"headers": {}}), {})
            made[name] = str(answer.json()["id"])
    return made


def shown(exchange: Exchange, response: httpx.Response) -> Any:
    """The answer as an example shows it."""
    if exchange.media_type == "application/json":
        return response.json()
    if exchange.excerpt:
        return "".join(line + "\n" for line in response.text.splitlines() if line.startswith(exchange.excerpt))
    return response.text


def events_in(text: str) -> list[dict[str, str]]:
    """The events of a stream: name, "message" where there is none, and data."""
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    rows = [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
    return [{"event": "message"} | row for row in rows]


def kind(response: httpx.Response) -> str:
    """The media type without its parameters."""
    return response.headers["content-type"].partition(";")[0]
