# ruff: noqa: RUF001 - full-width marks are what Chinese texts hold
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.mlb.verdicts import chosen, extracted, joined, settled_by_rule, unscored_in, values_of

SETS = st.frozensets(st.text("甲乙丙丁ＡＢ", min_size=1, max_size=2), max_size=6)


def judges(*met: bool | None) -> list[dict[str, Any]]:
    return [
        {"role": f"judge {place}", "met": value, "raw": str(value), "failed": None} for place, value in enumerate(met)
    ]


@pytest.mark.parametrize(
    ("met", "settled", "status", "by"),
    [
        ((True,), True, "settled", "one judge"),
        ((False,), False, "settled", "one judge"),
        ((None,), None, "unreadable", None),
        ((True, True), True, "settled", "agreement"),
        ((False, False), False, "settled", "agreement"),
        ((True, False), None, "disagreed", None),
        ((True, None), None, "unreadable", None),
        ((None, None), None, "unreadable", None),
        ((True, False, True), True, "settled", "third judge"),
        ((None, False, False), False, "settled", "third judge"),
        ((None, True, False), None, "disagreed", None),
        ((True, False, None), None, "disagreed", None),
        ((None, None, True), None, "unreadable", None),
    ],
)
def test_two_that_agree_settle(met: tuple[bool | None, ...], settled: bool | None, status: str, by: str | None) -> None:
    verdict = joined("甲", judges(*met))
    assert (verdict["met"], verdict["status"], verdict["by"]) == (settled, status, by)
    assert verdict["needs_review"] is (status == "disagreed")
    assert verdict["raw"] == str(met[0])
    assert [judge["met"] for judge in verdict["judges"]] == list(met)


@given(
    st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=3).flatmap(
        lambda m: st.tuples(st.just(m), st.permutations(m))
    )
)
def test_the_order_of_judges_decides_nothing(met: tuple[list[bool | None], list[bool | None]]) -> None:
    first, second = (joined("甲", judges(*order)) for order in met)
    assert (first["met"], first["status"]) == (second["met"], second["status"])


def test_values_from_verdicts_alone() -> None:
    points = [settled_by_rule("家族史：不详"), joined("主诉：咳", judges(False)), joined("诊断：肺炎", judges(True))]
    assert values_of({"dataset": "MARecord"}, points) == {"score": pytest.approx(2 / 3)}
    assert unscored_in(points) == 0
    six = [joined(str(place), judges(place != 0)) for place in range(6)]
    assert values_of({"dataset": "MAEthic", "combination": "veto"}, six) == {"score": 0.0}
    assert values_of({"dataset": "MAEthic", "combination": "mean_of_six"}, six) == {"score": pytest.approx(5 / 6)}


def test_an_open_verdict_leaves_the_sample_unscored() -> None:
    opened = [joined("主诉：咳", judges(True, False)), joined("诊断：肺炎", judges(True, True))]
    assert math.isnan(values_of({"dataset": "MARecord"}, opened)["score"])
    assert unscored_in(opened) == 1


def test_items_by_hand() -> None:
    verdict = extracted({"咳", "痰", "热"}, {"咳", "痛"}, "原文")
    assert (verdict["met"], verdict["read"], verdict["raw"]) == (False, True, "原文")
    assert (verdict["right"], sorted(verdict["wrong"]), verdict["missed"]) == (["咳"], ["热", "痰"], ["痛"])
    assert values_of({"dataset": "CMeEE"}, [verdict]) == {"score": pytest.approx(2 / 5), "tp": 1, "fp": 2, "fn": 1}
    unread = values_of({"dataset": "CMeIE"}, [extracted(None, {"咳", "痛"}, "?")])
    assert unread == {"score": 0, "tp": 0, "fp": 0, "fn": 2}
    assert values_of({"dataset": "CHIP-CDN"}, [extracted(frozenset(), frozenset(), "")])["score"] == 1


@given(SETS, SETS)
def test_items_are_all_counted_once(said: frozenset[str], gold: frozenset[str]) -> None:
    values = values_of({"dataset": "MAEESymp"}, [extracted(said, gold, "")])
    turned = values_of({"dataset": "MAEESymp"}, [extracted(gold, said, "")])
    assert (values["tp"] + values["fp"], values["tp"] + values["fn"]) == (len(said), len(gold))
    assert (values["tp"], values["fp"], values["fn"]) == (turned["tp"], turned["fn"], turned["fp"])
    assert (values["score"] == 1) is (said == gold)


@given(st.frozensets(st.sampled_from("ABCDE")), st.frozensets(st.sampled_from("ABCDE"), min_size=1))
def test_choices_are_right_as_whole_sets(said: frozenset[str], gold: frozenset[str]) -> None:
    verdict = chosen(said, gold, "原文")
    assert values_of({"dataset": "CMExam"}, [verdict]) == {"score": float(said == gold)}
    assert values_of({"dataset": "CMExam"}, [chosen(None, gold, "原文")]) == {"score": 0.0}
    assert frozenset(verdict["said"]) == said
