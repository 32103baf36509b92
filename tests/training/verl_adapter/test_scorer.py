import json
from pathlib import Path
from typing import Any

import pytest

from tests.training.verl_adapter.judging import settings
from training.data.jsonl import UnreadableFile
from training.judges.comparisons import EngineComparisonJudge
from training.judges.criteria import EngineCriterionJudge
from training.methods.counterparts import Counterpart, Counterparts
from training.trl_adapter.counterpart_store import CounterpartStore
from training.trl_adapter.scorers import AbsoluteScorer, ComparisonScorer, RubricScorer
from training.verl_adapter.scorer import RefreshedCounterparts, build_scorer

FIXED = Counterparts("q-1", (Counterpart("m", "Rest."),))


@pytest.fixture
def counterparts(tmp_path: Path) -> Path:
    path = tmp_path / "counterparts.jsonl"
    path.write_text(json.dumps({"prompt_id": "q-1", "counterparts": [{"label": "m", "answer": "Rest."}]}) + "\n")
    return path


def test_each_method_has_its_scorer(tmp_path: Path, counterparts: Path) -> None:
    rubric = build_scorer(settings(tmp_path))
    assert isinstance(rubric, RubricScorer)
    assert isinstance(rubric.judge, EngineCriterionJudge)
    assert isinstance(build_scorer(settings(tmp_path, method="absolute")), AbsoluteScorer)
    within = build_scorer(settings(tmp_path, method="crpo", pairs="group", half_ties=True))
    assert isinstance(within, ComparisonScorer)
    assert (within.store, within.half_ties, within.refresh) == (None, True, False)
    assert isinstance(within.judge, EngineComparisonJudge)
    fixed = build_scorer(settings(tmp_path, method="crpo", counterparts=counterparts))
    assert isinstance(fixed, ComparisonScorer)
    assert fixed.store is not None
    assert (fixed.store.of("q-1"), fixed.refresh) == (FIXED, False)


def test_what_gave_way_outlives_the_process(tmp_path: Path, counterparts: Path) -> None:
    options: dict[str, Any] = {"method": "crpo", "counterparts": counterparts, "refreshed": tmp_path / "run" / "log"}
    source = counterparts.read_bytes()
    for answer in ("Rest, and call if it lasts.", "Rest, drink, and call if it lasts."):
        scorer = build_scorer(settings(tmp_path, **options))
        assert isinstance(scorer, ComparisonScorer)
        assert scorer.store is not None
        scorer.store.put(scorer.store.of("q-1").refreshed(["m"], answer))
    again = build_scorer(settings(tmp_path, **options))
    assert isinstance(again, ComparisonScorer)
    assert again.store is not None
    assert again.refresh
    assert again.store.of("q-1").answers_C == (Counterpart("m", "Rest, drink, and call if it lasts.", 2),)
    assert counterparts.read_bytes() == source


def test_a_line_that_a_kill_left_unended_is_dropped(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text('{"prompt_id": "q-1", "counterp')
    store = RefreshedCounterparts(CounterpartStore({"q-1": FIXED}), log)
    assert store.of("q-1") == FIXED
    store.put(FIXED.refreshed(["m"], "Call."))
    assert RefreshedCounterparts(CounterpartStore({}), log).of("q-1").answers_C[0].answer == "Call."


def test_an_absent_file_of_counterparts_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"absent\.jsonl: No such file"):
        build_scorer(settings(tmp_path, method="crpo", counterparts=tmp_path / "absent.jsonl"))
