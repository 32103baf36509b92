import math

import pytest

from tests.training.feedback.records import by, record
from training.feedback.agreement import agreement, cohen_kappa, conflicts, preference_ratings, verdict_ratings


def test_cohens_own_formula() -> None:
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert cohen_kappa(pairs) == pytest.approx(0.4)


@pytest.mark.parametrize("pairs", [[], [("yes", "yes")] * 3])
def test_kappa_without_meaning_is_none(pairs: list[tuple[str, str]]) -> None:
    assert math.isnan(cohen_kappa(pairs))


def test_reviewers_of_one_revision_are_compared() -> None:
    records = [
        record(id="a", reviewer=by("r1"), preferred="revision"),
        record(id="b", reviewer=by("r2"), preferred="draft"),
        record(id="c", reviewer=by("r1"), preferred="revision", revision_id="rev-2"),
        record(id="d", reviewer=by("r2"), preferred="revision", revision_id="rev-2"),
        record(id="e", reviewer=by("r1"), revision_id="rev-3"),
    ]
    found = agreement(preference_ratings(records))
    assert (found.units, found.reviewers, found.pairs, found.agreed) == (2, 2, 2, 0.5)
    assert found.kappa == pytest.approx(0.0)
    assert [(c.unit, c.ratings) for c in conflicts(preference_ratings(records))] == [
        ("rev-1", {"ward-app:r1": "revision", "ward-app:r2": "draft"})
    ]


def test_the_last_word_of_a_reviewer_counts() -> None:
    records = [
        record(id="b", created=2.0, reviewer=by("r1"), preferred="revision"),
        record(id="a", created=1.0, reviewer=by("r1"), preferred="draft"),
    ]
    assert preference_ratings(records) == {"rev-1": {"ward-app:r1": "revision"}}


def test_verdicts_are_compared_by_criterion_and_subject() -> None:
    def said(pseudonym: str, first: bool) -> object:
        verdicts = [
            {"criterion": 1, "subject": "draft", "met": first},
            {"criterion": 2, "subject": "revision", "met": True},
        ]
        return record(id=pseudonym, reviewer=by(pseudonym), verdicts=verdicts)

    ratings = verdict_ratings([said("r1", True), said("r2", False), said("r3", False)])  # type: ignore[list-item]
    found = agreement(ratings)
    assert (found.units, found.pairs) == (2, 6)
    assert found.agreed == pytest.approx(4 / 6)
    assert [c.unit for c in conflicts(ratings)] == ["rev-1/draft/1"]


def test_nothing_reviewed_twice_has_no_figure() -> None:
    found = agreement(preference_ratings([record()]))
    assert found.units == 0
    assert math.isnan(found.kappa)
    assert math.isnan(found.alpha)
