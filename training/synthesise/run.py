"""Owns the course of a run: check the input, ask for what is missing, commit what comes, stop when too much fails.

Invariant: the same command again goes on where the last one ended, however it ended; a faulty input row ends it before
anything is asked.
"""

import hashlib
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict
from tqdm import tqdm

from training.data.check import Rules, check_rows
from training.data.files import described, raw_rows
from training.data.kinds import KINDS
from training.runs.files import json_line, replace_whole
from training.synthesise.asking import check_engines
from training.synthesise.cluster import Work, outcomes
from training.synthesise.journal import Journal
from training.synthesise.settings import RunSettings, SynthesisError

NAMED_FAULTS = 20
WINDOW_ROWS = 100
WINDOW_MINIMUM = 20
FINISHED = "finished.json"

S = TypeVar("S")


class Identity(BaseModel):
    """What the results of a folder depend on; a run with another identity is refused there."""

    model_config = ConfigDict(extra="allow", frozen=True)

    input_sha256: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How many rows a run asked about, and how long that took."""

    rows: int
    seconds: float


def work_through(
    source: Path, kind: str, work: Work, folder: Path, settings: RunSettings, export: Callable[[Journal], S]
) -> tuple[S, Pace]:
    """Do what is missing, then ``export`` while the folder is still locked; also when too many rows failed.

    Raises ``UnreadableFile`` and ``SynthesisError`` for the input, an engine or too many failures, ``RunError`` for the
    folder.
    """
    rows = checked(source, kind)
    identity = Identity(input_sha256=_sha256(source), **work.identity())
    if not (folder / FINISHED).exists():
        check_engines(settings.engines)
    with Journal(folder, identity, rows) as journal:
        began, missing = time.monotonic(), rows - journal.done
        if missing:
            try:
                _work(source, journal, rows, work, settings)
            except SynthesisError:
                export(journal)
                raise
        pace = Pace(missing, time.monotonic() - began)
        exported = export(journal)
        if journal.done == rows:
            journal.run.mark_finished({"rows": rows})
        return exported, pace


def checked(source: Path, kind: str) -> int:
    """Count the rows of a file in which every row is sound and no id repeats. Raises ``SynthesisError`` for others."""
    rows = 0
    faults: list[str] = []
    for raw, found in check_rows(raw_rows(source), Rules(KINDS[kind])):
        rows = raw.line
        faults += [described(source, fault) for fault in islice(found, NAMED_FAULTS + 1 - len(faults))]
        if len(faults) > NAMED_FAULTS:
            faults[NAMED_FAULTS:] = ["and more: python -m training data check names all"]
            break
    if faults:
        raise SynthesisError("\n".join(faults))
    if not rows:
        raise SynthesisError(f"{source}: holds no row")
    return rows


def _work(source: Path, journal: Journal, rows: int, work: Work, settings: RunSettings) -> None:
    missing = (
        (raw.line, json.dumps(raw.value, ensure_ascii=False))
        for raw in raw_rows(source)
        if not journal.is_done(raw.line)
    )
    watch = FailureWatch(settings.max_failed_share)
    done = journal.done
    blocks = outcomes(missing, work, settings.cluster, settings.engines.concurrent)
    bar = tqdm(total=rows, initial=done, unit="row", file=sys.stderr, mininterval=1.0, dynamic_ncols=True)
    with closing(blocks), closing(bar):
        for entries in blocks:
            journal.commit(entries)
            done += sum("done" in entry for entry in entries)
            bar.set_postfix(failed=watch.failed, refresh=False)
            bar.update(len(entries))
            if said := watch.too_many(entries):
                kept = f"{done} of {rows} rows are kept in {journal.path.parent}"
                raise SynthesisError(f"{said}; {kept}, and the same command goes on")


class FailureWatch:
    """Says when too many of the last rows failed; over a whole long run an engine's death would show too late."""

    def __init__(self, max_share: float) -> None:
        self._max_share = max_share
        self._window: deque[bool] = deque(maxlen=WINDOW_ROWS)
        self.failed = 0

    def too_many(self, entries: list[dict[str, Any]]) -> str | None:
        """Count some rows' outcomes; the message names share and last reason."""
        self._window.extend("failed" in entry for entry in entries)
        failures = [entry["failed"] for entry in entries if "failed" in entry]
        self.failed += len(failures)
        lately = sum(self._window)
        if not failures or len(self._window) < WINDOW_MINIMUM or lately <= self._max_share * len(self._window):
            return None
        last = failures[-1]
        return f"{lately} of the last {len(self._window)} rows failed, at last {last['reason']}: {last['message']}"


def write_failures(path: Path, journal: Journal) -> dict[str, int]:
    """Write id, step, reason, message and attempts of each row without result; return counts by reason."""
    counts: Counter[str] = Counter(failure["reason"] for _, failure in journal.failures())
    write_rows(path, ({"line": line, **failure} for line, failure in journal.failures()))
    return dict(counts.most_common())


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON lines whole or not at all. Raises ``RunError``."""
    replace_whole(path, (json_line(row, path) for row in rows))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
