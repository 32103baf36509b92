"""Owns held-out drafts as files, and comparing two checkpoints' drafts on the same cases.

Invariant: the same seeds are the same cases for every checkpoint, so that differences are paired.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from training.judges.miniclinic import Cases, ExactComparisonJudge
from training.methods.comparisons import DIMENSIONS, Better, Comparison, in_both_orders
from training.miniclinic.cases import make_case
from training.miniclinic.knowledge import Knowledge
from training.trl_adapter.settings import ExactJudge

_WORTH: dict[Better, float] = {"first": 1.0, "tie": 0.5, "second": 0.0}


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft of a held-out case, its length, and its exact rubric score."""

    seed: int
    text: str
    score: float
    tokens: int


def write_drafts(path: Path, drafts: Sequence[Draft]) -> None:
    """Write one JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(asdict(draft), ensure_ascii=False) + "\n" for draft in drafts)
    path.write_text("".join(lines), encoding="utf-8")


def read_drafts(path: Path) -> list[Draft]:
    """Read what ``write_drafts`` wrote."""
    return [Draft(**json.loads(line)) for line in path.read_text(encoding="utf-8").split("\n") if line]


def comparisons(knowledge: Knowledge, first: Sequence[Draft], second: Sequence[Draft]) -> list[tuple[float, ...]]:
    """Compare the drafts of each case, exactly and in both orders: for each dimension 1, 0.5 (a tie) or 0.

    Raises ``ValueError`` for drafts of different cases.
    """
    if [draft.seed for draft in first] != [draft.seed for draft in second]:
        raise ValueError("drafts of different cases cannot be compared")
    cases = Cases(knowledge, [f"heldout-{draft.seed}" for draft in first])
    judge = ExactComparisonJudge(cases, ExactJudge(), seed=0)
    return asyncio.run(_compared(judge, knowledge, first, second))


async def _compared(
    judge: ExactComparisonJudge, knowledge: Knowledge, first: Sequence[Draft], second: Sequence[Draft]
) -> list[tuple[float, ...]]:
    rows: list[tuple[float, ...]] = []
    for a, b in zip(first, second, strict=True):
        if a.text == b.text:
            rows.append((0.5,) * len(DIMENSIONS))
            continue
        prompt = make_case(knowledge, a.seed, "heldout").messages
        shown = Comparison("a", "b", await judge.compare(prompt, a.text, b.text))
        swapped = Comparison("b", "a", await judge.compare(prompt, b.text, a.text))
        joined = in_both_orders(shown, swapped).better_D
        rows.append(tuple(_WORTH[better] for better in joined if better is not None))
    return rows
