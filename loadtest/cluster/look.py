"""What engines and gateways tell: which calls were served, prefix cache, moves.

Invariant: one look is one moment; a source that does not answer is left out of it and named.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from loadtest.cluster.affinity import Life, Served
from loadtest.cluster.conversations import request_of
from loadtest.cluster.processes import Cluster
from loadtest.quantiles import gauge
from loadtest.stats import share

_QUERIES, _HITS = "vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total"
_MOVES = re.compile(r'^preceptor_engine_moves_total\{reason="(\w+)"\} (\S+)', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Look:
    """``queried`` and ``hit`` prompt tokens by engine and life; ``moves`` by reason, of all gateways together."""

    queried: Mapping[Life, float]
    hit: Mapping[Life, float]
    moves: Mapping[str, float]
    missing: Sequence[str]


async def look(cluster: Cluster, client: httpx.AsyncClient) -> Look:
    """Ask all for their metrics."""
    queried, hit, missing = {}, {}, []
    for engine in cluster.engines:
        text = await _text(client, f"{engine.url}/metrics")
        if text is None:
            missing.append(engine.name)
            continue
        queried[engine.life], hit[engine.life] = gauge(text, _QUERIES) or 0.0, gauge(text, _HITS) or 0.0
    moves: dict[str, float] = {}
    for place, gateway in enumerate(cluster.gateways):
        text = await _text(client, f"{gateway.address.url}/metrics")
        if text is None:
            missing.append(f"gateway-{place}")
            continue
        for reason, count in _MOVES.findall(text):
            moves[reason] = moves.get(reason, 0.0) + float(count)
    return Look(queried, hit, moves, missing)


def cached_share(before: Look, after: Look) -> float | None:
    """The share of prompt tokens between two looks that engines had cached; of an engine started since, all of them."""
    queried = sum(count - before.queried.get(life, 0.0) for life, count in after.queried.items())
    hit = sum(count - before.hit.get(life, 0.0) for life, count in after.hit.items())
    return share(hit, queried)


def moves(before: Look, after: Look) -> dict[str, int]:
    """Moves between two looks by reason, those that there were."""
    found = {reason: round(count - before.moves.get(reason, 0.0)) for reason, count in after.moves.items()}
    return {reason: count for reason, count in found.items() if count}


async def ledger(cluster: Cluster, client: httpx.AsyncClient) -> dict[Life, list[Served]]:
    """Which calls each engine has served since it was started; nothing of engines that keep no ledger."""
    found = {}
    for engine in cluster.engines:
        text = await _text(client, f"{engine.url}/ledger") if engine.child else None
        if text is not None:
            found[engine.life] = [
                Served(engine.life, request, prompt, cached)
                for call, prompt, cached in json.loads(text)
                if (request := request_of(call)) is not None
            ]
    return found


async def _text(client: httpx.AsyncClient, url: str) -> str | None:
    try:
        return (await client.get(url)).raise_for_status().text
    except httpx.HTTPError:
        return None
