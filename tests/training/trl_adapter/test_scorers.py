from collections.abc import Sequence

import pytest

from service.revision.prompts import Message
from training.judges.errors import JudgeUnreachable
from training.methods.comparisons import Better
from training.methods.counterparts import Counterpart, Counterparts
from training.trl_adapter.counterpart_store import CounterpartStore
from training.trl_adapter.questions import Graded, Question
from training.trl_adapter.scorers import (
    AbsoluteScorer,
    ComparisonScorer,
    RubricScorer,
    mean_scores,
    mean_win_rates,
)

PROMPT = ({"role": "user", "content": "My head hurts."},)
QUESTION = Question(
    "a",
    PROMPT,
    (Graded("asks", 6, "completeness"), Graded("warns", 4, "accuracy"), Graded("errs", -5, "accuracy")),
)


class WordJudge:
    """A criterion is met by an answer that holds its word; 'unreadable' cannot be judged."""

    async def verdicts(self, prompt: Sequence[Message], answer: str, criteria: Sequence[str]) -> list[bool | None]:
        return [None if "unreadable" in answer else word in answer for word in criteria]


class LongerIsBetter:
    """On the first two dimensions the longer answer is better, on the others none."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def compare(self, prompt: Sequence[Message], first: str, second: str) -> tuple[Better | None, ...]:
        self.asked.append((first, second))
        better: Better = "tie" if len(first) == len(second) else "first" if len(first) > len(second) else "second"
        return (better, better, "tie", "tie")


class Scores:
    async def scores(self, prompt: Sequence[Message], answer: str) -> tuple[int | None, ...]:
        return (None,) * 4 if answer == "unreadable" else (1, 3, 5, len(answer))


class Deaf:
    async def verdicts(self, prompt: Sequence[Message], answer: str, criteria: Sequence[str]) -> list[bool | None]:
        raise JudgeUnreachable("judge at http://127.0.0.1:1: refused")


async def test_a_rubric_is_scored_as_a_whole_and_by_axis() -> None:
    group = await RubricScorer(WordJudge()).score(QUESTION, ["asks warns", "asks errs", "nothing", "unreadable"])
    assert [scored.reward.value for scored in group.scored_G] == [1.0, 0.1, 0.0, None]
    assert [dict(scored.scores) for scored in group.scored_G] == [
        {"completeness": 1.0, "accuracy": 1.0},
        {"completeness": 1.0, "accuracy": -1.25},
        {"completeness": 0.0, "accuracy": 0.0},
        {"completeness": None, "accuracy": None},
    ]
    assert group.scored_G[1].detail == {"verdicts": [True, False, True]}
    assert mean_scores([group]) == {"completeness": pytest.approx(2 / 3), "accuracy": pytest.approx(-0.25 / 3)}


async def test_a_judge_that_is_not_there_ends_the_scoring() -> None:
    with pytest.raises(JudgeUnreachable, match="refused"):
        await RubricScorer(Deaf()).score(QUESTION, ["asks", "warns"])


async def test_comparisons_with_counterparts_are_worth_their_strict_wins() -> None:
    judge = LongerIsBetter()
    store = CounterpartStore({"a": Counterparts("a", (Counterpart("short", "."), Counterpart("long", "." * 9)))})
    group = await ComparisonScorer(judge, store).score(QUESTION, ["...", "." * 9, "..."])
    # Two of four dimensions are won against the short one; the long one is at most tied.
    assert [scored.reward.value for scored in group.scored_G] == [0.25, 0.25, 0.25]
    assert group.win_rates == {"short": 0.5, "long": 0.0}
    assert mean_win_rates([group]) == {"short": 0.5, "long": 0.0}
    assert group.scored_G[0].detail == {"cells": {"short": [1.0, 1.0, 0.0, 0.0], "long": [0.0, 0.0, 0.0, 0.0]}}
    assert (
        len(judge.asked) == len(set(judge.asked)) == 2 * 2 * 2 - 1
    )  # both orders of what differs, and one of what not


async def test_a_beaten_counterpart_gives_way_to_the_first_of_the_best_answers() -> None:
    class FirstWins:
        async def compare(self, prompt: Sequence[Message], first: str, second: str) -> tuple[Better | None, ...]:
            return (("first" if len(first) > len(second) else "second"),) * 4

    store = CounterpartStore({"a": Counterparts("a", (Counterpart("one", "."), Counterpart("two", "..")))})
    await ComparisonScorer(FirstWins(), store, refresh=True).score(QUESTION, ["....", "....."])
    assert [(c.answer, c.refreshes) for c in store.of("a").answers_C] == [("....", 1), ("..", 0)]


async def test_within_a_group_every_pair_is_compared_and_half_ties_add_up() -> None:
    group = await ComparisonScorer(LongerIsBetter(), half_ties=True).score(QUESTION, [".", "..", "..."])
    values = [scored.reward.value for scored in group.scored_G]
    assert values == [0.25, 0.5, 0.75]
    assert group.win_rates == {}


async def test_absolute_scores_are_averaged_and_named_by_dimension() -> None:
    group = await AbsoluteScorer(Scores()).score(QUESTION, ["ab", "unreadable"])
    assert [scored.reward.value for scored in group.scored_G] == [pytest.approx(11 / 20), None]
    assert dict(group.scored_G[0].scores) == {
        "proactiveness": 1,
        "accuracy": 3,
        "usefulness": 5,
        "language_quality": 2,
    }
