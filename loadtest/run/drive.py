"""The open loop: every request put when it is due, whatever has become of those before it.

Invariant: each planned request gives exactly one row, and the gaps of its tokens are told with it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import httpx

from loadtest.client import CallFailure
from loadtest.connection import Address, chat_request
from loadtest.run.exchange import Manner, exchange
from loadtest.run.plan import GUIDED_MODEL, Planned
from loadtest.run.profile import LoadProfile
from loadtest.run.row import Row, row

OnRow = Callable[[Row, Sequence[float]], None]


@dataclass(frozen=True, slots=True)
class Target:
    """A gateway or an engine; ``guided_model`` is None for one that has no guided answers."""

    name: str
    address: Address
    guided_model: str | None
    plain_model: str
    key: str


async def known_target(name: str, url: str, key: str) -> Target:
    """Ask a target for its models, under an API key. Raises ``CallFailure``."""
    parts = httpx.URL(url)
    if parts.scheme != "http" or not parts.host:
        raise CallFailure(f"{url}: needs to be http://HOST:PORT")
    try:
        async with httpx.AsyncClient(base_url=url, headers=bearer(key), timeout=10.0, trust_env=False) as client:
            content = (await client.get("/v1/models")).raise_for_status().json()
        models = [str(model["id"]) for model in content["data"]]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        raise CallFailure(f"{url}/v1/models: {type(error).__name__}") from error
    plain = [model for model in models if model != GUIDED_MODEL]
    if not plain:
        raise CallFailure(f"{url} lists no model of an engine: is it up?")
    guided = GUIDED_MODEL if GUIDED_MODEL in models else None
    return Target(name, Address(parts.host, parts.port or 80), guided, plain[0], key)


async def drive(
    profile: LoadProfile, planned: Sequence[Planned], targets: Sequence[Target], sent: Callable[[], None], told: OnRow
) -> None:
    """Put all requests; ``sent`` is called for each, and ``told`` with its row and its tokens' gaps (milliseconds)."""
    started = perf_counter()

    async def one(request: Planned) -> None:
        target = targets[request.target]
        content = chat_request(target.address, request.body(target.guided_model, target.plain_model), target.key)
        found = await exchange(target.address, content, _manner(profile, request))
        told(
            row(request, target.name, started, found.sent, found.ended, found.end, found.status, found.reading),
            found.reading.gaps_ms,
        )

    async with asyncio.TaskGroup() as group:
        for request in planned:
            await asyncio.sleep(started + request.offset - perf_counter())
            sent()
            group.create_task(one(request))


def bearer(key: str) -> dict[str, str]:
    """The header that carries an API key."""
    return {"authorization": f"Bearer {key}"}


def _manner(profile: LoadProfile, request: Planned) -> Manner:
    leaves = None
    if profile.leaving and request.leaves_after is not None:
        leaves = (profile.leaving.after, request.leaves_after)
    return Manner(profile.timeout_seconds, leaves, request.bytes_per_second)
