"""Judges by script and rollouts for the tests of the group judge, here and in verl's own environment."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.judges.errors import JudgeUnreachable
from training.methods.comparisons import Better
from training.trl_adapter.questions import Graded, Question
from training.trl_adapter.scorers import ComparisonScorer, GroupScorer, RubricScorer
from training.verl_adapter.rollout import Rollout
from training.verl_adapter.settings import Judging

RUBRIC = (Graded("asks when it began", 6, "accuracy"), Graded("names the red flags", 4, "completeness"))
PROMPT = ({"role": "user", "content": "My head hurts."},)


class WordJudge:
    """A criterion is met by an answer that holds its last word. "mumble" cannot be read, "away" finds no judge."""

    async def verdicts(self, prompt: Sequence[Any], answer: str, criteria: Sequence[str]) -> list[bool | None]:
        if "away" in answer:
            raise JudgeUnreachable("judge m at http://judge, 1 attempt: refused")
        return [None if "mumble" in answer else criterion.split()[-1] in answer for criterion in criteria]


class LengthJudge:
    """Better is the longer answer."""

    async def compare(self, prompt: Sequence[Any], first: str, second: str) -> tuple[Better | None, ...]:
        longer: Better = "tie" if len(first) == len(second) else "first" if len(first) > len(second) else "second"
        return (longer,) * 4


def by_words(judging: Judging) -> GroupScorer:
    """The scorer of a rubric, judged by words."""
    return RubricScorer(WordJudge())


def by_length_in_group(judging: Judging) -> GroupScorer:
    """The scorer of comparisons within the group."""
    return ComparisonScorer(LengthJudge(), half_ties=judging.half_ties)


def settings(folder: Path, **changes: Any) -> Judging:
    """A run's settings; nobody is asked at the judge's address."""
    given: dict[str, Any] = {
        "method": "grpo",
        "judge": {"urls": ["http://judge"], "model": "m"},
        "wait_seconds": 30.0,
        "buffer_tokens": 10,
        "rollouts": folder / "rollouts.jsonl",
    }
    return Judging.model_validate(given | changes)


def rollout(uid: str, session: int, answer: str = "began", group: int = 2, tokens: int = 3) -> Rollout:
    """One rollout of a question; ``answer`` decides what the judges above say of it."""
    question = Question(f"q-{uid}", PROMPT, RUBRIC)
    return Rollout(uid, str(session), group, 1, "train", question, answer, tuple(range(tokens)))
