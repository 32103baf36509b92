"""Owns Ray: starting it or joining a cluster, handing rows to actors, and results back as they come.

Invariant: Ray keeps nothing of a run. Actors ask engines and write no file; what is done, the driver alone decides.
"""

import asyncio
import json
import logging
import tempfile
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import pyarrow as pa  # type: ignore[import-untyped]
import ray
import ray.data
from ray.exceptions import RayError

from training.synthesise.asking import StepFailure
from training.synthesise.settings import Cluster, SynthesisError

SPARE_CPUS = 2
CALLS_PER_ACTOR = 8
"""Blocks that an actor works on at once, so that one slow row holds up its own block only."""
OPEN_PER_SLOT = 2
"""Rows that an actor holds for each request that it may have open; a kill loses no more than these."""
WAVE_ROWS = 20_000
WAVE_CHARACTERS = 64 * 2**20

Row = tuple[int, str]
"""Line in the input from 1, and the row as JSON."""


class Worker(Protocol):
    """Does one row's work; many rows at once."""

    async def row(self, value: Any) -> dict[str, Any]:
        """Return the row's result, as JSON holds it. Raises ``StepFailure``."""
        ...


class Work(Protocol):
    """What makes workers, and travels to actors."""

    def identity(self) -> dict[str, Any]:
        """What the results depend on besides the rows."""
        ...

    def build(self, concurrent: int) -> Worker:
        """Make a worker with at most so many requests open."""
        ...


class RowActor:
    """What Ray Data calls: a block of rows in, their outcomes out, in the block's order."""

    def __init__(self, work: Work, concurrent: int) -> None:
        self._worker = work.build(concurrent)

    async def __call__(self, block: Mapping[str, Any]) -> dict[str, Any]:
        """``line`` and ``row`` of each row in; ``line`` and ``outcome``, both JSON, out."""
        outcomes = await asyncio.gather(*map(self._outcome, block["row"]))
        return {"line": block["line"], "outcome": [json.dumps(outcome) for outcome in outcomes]}

    async def _outcome(self, row: str) -> dict[str, Any]:
        value = json.loads(row)
        try:
            return {"done": await self._worker.row(value)}
        except StepFailure as failure:
            id_ = value.get("id") or value.get("prompt_id")
            found = {"id": id_, "step": failure.step, "reason": str(failure.reason)}
            return {"failed": {**found, "message": failure.message, "attempts": failure.attempts}}


def outcomes(
    rows: Iterable[Row], work: Work, cluster: Cluster, concurrent: int
) -> Generator[list[dict[str, Any]], None, None]:
    """Yield entries (line, and ``done`` or ``failed``) as blocks of them come, in no order. Close it to stop the work.

    Rows go in waves, which bound the object store. Raises ``SynthesisError`` where Ray cannot be reached or gives up.
    """
    try:
        with running(cluster):
            for wave in waves(rows):
                yield from _wave(wave, work, cluster, max(1, concurrent // cluster.actors))
    except RayError as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise SynthesisError(f"Ray gave up: {said[-1]}; the same command goes on") from error


def waves(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Cut rows into lists of at most ``WAVE_ROWS``, and of ``WAVE_CHARACTERS`` and one row more."""
    wave: list[Row] = []
    characters = 0
    for row in rows:
        wave.append(row)
        characters += len(row[1])
        if len(wave) == WAVE_ROWS or characters >= WAVE_CHARACTERS:
            yield wave
            wave, characters = [], 0
    if wave:
        yield wave


def block_rows(concurrent: int) -> int:
    """Rows of one block: as few as keep an actor's requests busy, since results come by the block."""
    return max(1, -(-OPEN_PER_SLOT * concurrent // CALLS_PER_ACTOR))


def _wave(wave: list[Row], work: Work, cluster: Cluster, concurrent: int) -> Iterator[list[dict[str, Any]]]:
    size = block_rows(concurrent)
    blocks = [_block(wave[start : start + size]) for start in range(0, len(wave), size)]
    strategy = ray.data.ActorPoolStrategy(
        size=cluster.actors,
        max_concurrent_calls_per_actor=CALLS_PER_ACTOR,
        max_tasks_in_flight_per_actor=2 * CALLS_PER_ACTOR,
    )
    mapped = ray.data.from_blocks(blocks).map_batches(
        RowActor, fn_constructor_args=(work, concurrent), batch_size=None, compute=strategy, num_cpus=1
    )
    for block in mapped.iter_batches(batch_size=None, batch_format="pyarrow"):
        lines, found = block["line"].to_pylist(), block["outcome"].to_pylist()
        yield [{"line": line, **json.loads(outcome)} for line, outcome in zip(lines, found, strict=True)]


def _block(rows: list[Row]) -> pa.Table:
    return pa.table({"line": [line for line, _ in rows], "row": [row for _, row in rows]})


@contextmanager
def running(cluster: Cluster) -> Iterator[None]:
    """Ray for the block; one that runs already in this process is used and left running."""
    if ray.is_initialized():
        _quieten()
        yield
        return
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        try:
            _start(cluster, folder)
            _quieten()
            yield
        finally:
            ray.shutdown()


def _start(cluster: Cluster, folder: str) -> None:
    """A Ray of our own reports no usage (its default for ``init``) and starts no dashboard."""
    if cluster.address is None:
        ray.init(
            address="local",
            num_cpus=cluster.cpus or cluster.actors + SPARE_CPUS,
            object_store_memory=cluster.object_store_mb * 2**20,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _temp_dir=folder,
        )
        return
    try:
        ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    except ConnectionError as error:
        raise SynthesisError(f"no Ray cluster at {cluster.address}: {error}") from error


def _quieten() -> None:
    """No bars and no logs but errors: the run has its own. Ray's own deprecated defaults warn when they are made."""
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
