"""What a log's header says: which benchmark and arm, asked of whom, judged by whom, how far it got, with what.

Invariant: nothing is made up; what a header does not say is empty, or 'not said'.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspect_ai.log import EvalLog

from training.runs.files import RunError

UNSAID = "not said"


@dataclass(frozen=True, slots=True)
class Used:
    """Tokens that one model or role read and wrote; ``cached_tokens`` came from the provider's cache, out of ``input``.

    Calls that inspect's cache answered are in none of them.
    """

    name: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Facts:
    """One log's header. ``planned`` counts samples times epochs; ``data`` tells two sets of samples apart."""

    log: Path
    benchmark: str
    arm: str
    target: str
    judge: str
    world: str
    notes: tuple[str, ...]
    status: str
    problem: str | None
    created: str
    completed: str
    planned: int
    data: str
    versions: Mapping[str, str]
    revision: str | None
    used: tuple[Used, ...]

    @property
    def whole(self) -> bool:
        """Whether the log was written to its end."""
        return self.status == "success"

    @property
    def day(self) -> str:
        """The date on which the log was begun, ISO 8601, UTC."""
        return self.created[:10]


def facts_of(log: Path, header: EvalLog) -> Facts:
    """Return what the header says. Raises ``RunError`` naming the log where it names no benchmark."""
    told = header.metadata
    if "benchmark" not in told:
        raise RunError(f"{log}: its header names no benchmark; it is no log of this evaluation")
    samples, epochs = header.eval.dataset.samples or 0, header.eval.config.epochs or 1
    return Facts(
        log=log,
        benchmark=str(told["benchmark"]),
        arm=str(told.get("arm") or told["benchmark"]),
        target=str(told.get("target") or UNSAID),
        judge=str(told.get("judge") or UNSAID),
        world=str(told.get("world") or UNSAID),
        notes=tuple(map(str, told.get("notes") or ())),
        status="invalidated" if header.invalidated else header.status,
        problem=None if header.error is None else first_line(header.error.message),
        created=header.eval.created,
        completed=header.stats.completed_at,
        planned=samples * epochs,
        data=str(told.get("data") or _hash_of_ids(header)),
        versions=header.eval.packages,
        revision=_revision(header),
        used=_used(header),
    )


def first_line(message: str) -> str:
    """The first line of an error that says anything."""
    return next((line.strip() for line in message.splitlines() if line.strip()), "no message")


def _hash_of_ids(header: EvalLog) -> str:
    ids: list[Any] = sorted(map(str, header.eval.dataset.sample_ids or ()))
    return "ids-" + hashlib.sha256(json.dumps(ids).encode()).hexdigest()[:12]


def _revision(header: EvalLog) -> str | None:
    revision = header.eval.revision
    return None if revision is None else revision.commit + (", with uncommitted changes" if revision.dirty else "")


def _used(header: EvalLog) -> tuple[Used, ...]:
    counted = header.stats.model_usage | {f"role {name}": used for name, used in header.stats.role_usage.items()}
    found = []
    for name, usage in counted.items():
        cached = usage.input_tokens_cache_read or 0
        read = usage.input_tokens + cached + (usage.input_tokens_cache_write or 0)
        found.append(Used(name, read, cached, usage.output_tokens))
    return tuple(found)
