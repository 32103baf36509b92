"""Owns having a model merge clusters: bounded concurrency, and each answer on disk before the next is asked for.

Invariant: a cluster ends as a principle or as a failure with its reason. What a killed run had is not asked for again;
failures are. An engine that is gone stops the run.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from models.engine import ChatRequest, Engine, EngineError, EngineUnavailable
from training.distil.clusters import Cluster
from training.distil.merge_prompt import MergePrompt
from training.distil.merged import MergedPrinciple, MergeFailure, merge_schema, parse_merged
from training.distil.settings import Merging
from training.runs.files import RunError, append, json_line, keep_lines, read_lines

MERGED, FAILED = "merged.jsonl", "failed.jsonl"
MAX_ANSWER_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a cluster is not merged, and what the model answered, if it did."""

    reason: str
    answer: str | None = None


@dataclass(slots=True)
class Merges:
    """Principles and failures by the cluster's id."""

    principles: dict[str, MergedPrinciple] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)


class Merger:
    """Merges clusters into ``folder``, by one prompt and one engine."""

    def __init__(self, engine: Engine, prompt: MergePrompt, settings: Merging, folder: Path) -> None:
        self._engine, self._prompt, self._settings = engine, prompt, settings
        self._path = folder / MERGED
        self._failed = folder / FAILED

    async def merge(self, clusters: Sequence[Cluster], tell: Callable[[int], None] = lambda _done: None) -> Merges:
        """Merge every cluster; ``tell`` is given how many are done.

        Raises ``EngineUnavailable`` when the engine is gone, and ``RunError`` for files; what was merged stays.
        """
        merges = Merges(principles=self._resumed(clusters))
        waiting = iter([cluster for cluster in clusters if cluster.id not in merges.principles])
        tell(len(merges.principles))
        workers = [asyncio.create_task(self._work(waiting, merges, tell)) for _ in range(self._settings.concurrent)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        return merges

    async def _work(self, waiting: Iterator[Cluster], merges: Merges, tell: Callable[[int], None]) -> None:
        for cluster in waiting:
            made = await self._ask(cluster)
            if isinstance(made, Failure):
                merges.failures[cluster.id] = made
                row = {"cluster": cluster.id, **asdict(made), "examples": list(cluster.examples)}
                append(self._failed, json_line(row, self._failed))
            else:
                merges.principles[cluster.id] = made
                row = {"cluster": cluster.id, "request": self._request_id(cluster), "principle": asdict(made)}
                append(self._path, json_line(row, self._path))
            tell(len(merges.principles) + len(merges.failures))

    async def _ask(self, cluster: Cluster) -> MergedPrinciple | Failure:
        request = ChatRequest(
            messages=tuple(self._prompt.render(cluster.examples)),
            max_tokens=self._settings.max_tokens,
            temperature=self._settings.temperature,
            json_schema=merge_schema(self._prompt.whole),
        )
        try:
            answer = await self._engine.chat(request)
        except EngineUnavailable:
            raise
        except EngineError as error:
            return Failure(f"{error.type}: {error.detail}")
        if answer.finish_reason == "length":
            return Failure(f"cut off after {self._settings.max_tokens} tokens", answer.text[:MAX_ANSWER_CHARS])
        try:
            return parse_merged(answer.text)
        except MergeFailure as error:
            return Failure(str(error), answer.text[:MAX_ANSWER_CHARS])

    def _request_id(self, cluster: Cluster) -> str:
        """Hash of all that the answer depends on."""
        asked = [self._engine.model, self._prompt.version, self._settings.temperature, *cluster.examples]
        return sha256(json.dumps(asked).encode()).hexdigest()[:16]

    def _resumed(self, clusters: Sequence[Cluster]) -> dict[str, MergedPrinciple]:
        """What the folder holds for these very requests; an earlier run's failures are dropped, to be tried again."""
        wanted = {cluster.id: self._request_id(cluster) for cluster in clusters}
        keep_lines(self._path, lambda _row: True)
        keep_lines(self._failed, lambda _row: False)
        found: dict[str, MergedPrinciple] = {}
        for number, (_, row) in enumerate(read_lines(self._path), start=1):
            if wanted.get(str(row.get("cluster"))) == row.get("request"):
                found[row["cluster"]] = _principle(row, f"{self._path}:{number}")
        return found


def _principle(row: Mapping[str, object], where: str) -> MergedPrinciple:
    try:
        return parse_merged(json.dumps(row.get("principle")))
    except MergeFailure as error:
        raise RunError(f"{where}: no principle: {error}") from error
