from pathlib import Path

import pytest

from training.miniclinic.answers import full_answer, text_of
from training.miniclinic.cases import make_case
from training.miniclinic.knowledge import Knowledge, load_knowledge
from training.reproduce.drafts import Draft, comparisons, read_drafts, write_drafts
from training.reproduce.figures import collect
from training.reproduce.report import write_report
from training.reproduce.settings import load_config
from training.runs.stages import Results

CONFIG = load_config(Path("training/configs/reproduce/smoke.toml"))


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load_knowledge()


def answered(knowledge: Knowledge, seed: int, sentences: int | None, score: float) -> Draft:
    import random

    case = make_case(knowledge, seed, "heldout")
    return Draft(seed, text_of(full_answer(knowledge, case, random.Random(seed))[:sentences]), score, 100)


def test_drafts_are_read_as_they_were_written(tmp_path: Path) -> None:
    drafts = [Draft(1, "One \u2028 line.", 0.5, 7), Draft(2, "Two.", -0.25, 9)]
    write_drafts(tmp_path / "drafts" / "a.jsonl", drafts)
    assert read_drafts(tmp_path / "drafts" / "a.jsonl") == drafts


def test_a_whole_answer_beats_half_of_itself_and_ties_with_itself(knowledge: Knowledge) -> None:
    whole, half = ([answered(knowledge, seed, n, 1.0) for seed in range(6)] for n in (None, 3))
    better, same = comparisons(knowledge, whole, half), comparisons(knowledge, whole, whole)
    assert all(sum(cells) > 2.0 for cells in better)
    assert same == [(0.5,) * 4] * 6
    assert comparisons(knowledge, half, whole) == [tuple(1 - cell for cell in cells) for cells in better]


def test_drafts_of_different_cases_are_not_compared(knowledge: Knowledge) -> None:
    with pytest.raises(ValueError, match="different cases"):
        comparisons(knowledge, [answered(knowledge, 1, None, 1.0)], [answered(knowledge, 2, None, 1.0)])


def test_figures_are_paired_by_case_and_shares_are_of_the_exact_lift(knowledge: Knowledge, tmp_path: Path) -> None:
    levels = {"sft": 0.4, "grpo-1": 0.8, "synthesised-1": 0.76, "generic-1": 0.5, "crpo-1": 0.7, "absolute-1": 0.6}
    for name, level in levels.items():
        sentences = 3 if name == "absolute-1" else None
        drafts = [answered(knowledge, seed, sentences, level + seed / 100) for seed in range(5)]
        write_drafts(tmp_path / "drafts" / f"{name}.jsonl", drafts)
    Results(tmp_path).put("judge", {"seconds": 3.0, "figures": {"kappa": 0.9}})
    figures = collect(CONFIG, tmp_path)
    assert figures["sft"]["draft"] == pytest.approx(0.42)
    # Every case differs by the same, so that the interval of a paired difference has no width.
    assert figures["rubric_lift_exact_ci"] == pytest.approx([0.4, 0.4])
    assert figures["rubric_lift_synthesised_share"] == pytest.approx(0.9)
    assert figures["rubric_lift_generic_share"] == pytest.approx(0.25)
    assert figures["crpo_winrate_vs_absolute"] > 0.6
    assert figures["crpo_against_absolute"]["losses"] == 0
    assert figures["judge"] == {"kappa": 0.9}
    assert figures["start"] == {}
    assert figures["seconds"] == {"judge": 3.0}


def test_a_report_is_written_of_what_there_is(knowledge: Knowledge, tmp_path: Path) -> None:
    write_drafts(tmp_path / "drafts" / "sft.jsonl", [answered(knowledge, seed, None, 0.4) for seed in range(3)])
    page = write_report(collect(CONFIG, tmp_path), CONFIG, tmp_path).read_text(encoding="utf-8")
    assert "0 of 23 stages are done. Figures of the others are missing." in page
    assert "0.400 [0.400, 0.400]" in page
    assert "<script" not in page
    assert {path.name for path in (tmp_path / "plots").iterdir()} == {"scores.png"}
