from pathlib import Path

from training.data.files import write_records
from training.data.healthbench import HealthBenchRow
from training.evaluation.healthbench.overlap import Overlap, criteria_in, overlap

# Full-width letters.
WIDE = "\uff21\uff53\uff4b\uff53  for WEIGHT"
CLUSTER = ["level:cluster", "axis:accuracy", "cluster:hedging_accurate"]


def row(prompt_id: str, *criteria: str, consensus: str | None = None) -> HealthBenchRow:
    rubrics = [{"criterion": text, "points": 5.0, "tags": ["level:example", "axis:accuracy"]} for text in criteria]
    rubrics += [] if consensus is None else [{"criterion": consensus, "points": 5.0, "tags": CLUSTER}]
    prompt = [{"role": "user", "content": "Question"}]
    return HealthBenchRow.model_validate(
        {"example_tags": ["theme:hedging"], "prompt": prompt, "prompt_id": prompt_id, "rubrics": rubrics}
    )


TEST = [
    row("a", "Names the dose", "Warns of bleeding", consensus="Is accurate"),
    row("b", "Names the dose", "Asks for age"),
    row("c", WIDE, consensus="Is accurate"),
]


def test_shared_criteria_and_the_examples_that_have_them() -> None:
    assert overlap(["Names the dose", "Something else"], TEST) == Overlap(1, 4, ("a", "b"))


def test_width_case_and_spacing_do_not_hide_a_criterion() -> None:
    assert overlap(["asks for\nweight "], TEST) == Overlap(1, 4, ("c",))


def test_consensus_criteria_do_not_count() -> None:
    assert overlap(["Is accurate"], TEST) == Overlap(0, 4, ())
    assert overlap([], []) == Overlap(0, 0, ())


def test_criteria_are_found_in_files_of_any_kind(tmp_path: Path) -> None:
    published, nested, parquet = tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "c.parquet"
    write_records(published, TEST, HealthBenchRow)
    write_records(parquet, TEST, HealthBenchRow)
    nested.write_text('{"reward_model": {"rubrics": [{"criterion": "Asks for age"}], "criterion": 3}}\n', "utf-8")
    everything = ["Names the dose", "Warns of bleeding", "Is accurate", "Names the dose", "Asks for age"]
    everything += [WIDE, "Is accurate"]
    assert list(criteria_in(published)) == everything
    assert list(criteria_in(parquet)) == everything
    assert list(criteria_in(nested)) == ["Asks for age"]
