"""The project's own 119 principles, and what loading says about a bad file."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import get_args

import pytest

import principles.corpus
from principles.corpus import Corpus, CorpusError, load_corpus, load_sources
from principles.listing import check, list_json, list_text, show_text
from principles.schema import Dimension, Expertise, Scenario, TaskType, Uncertainty, Urgency

GOOD = """
- id: urgency.call-first
  dimension: urgency
  title: Call for help first
  applies: {urgency: [emergent]}
  polarity: do
  statement: Tells the reader to call for help.
  why: Help takes time to arrive.
  points: 8
"""
SCENARIOS = tuple(
    Scenario(urgency=urgency, uncertainty=uncertainty, expertise=expertise, task_type=task_type)
    for urgency, uncertainty, expertise, task_type in itertools.product(
        get_args(Urgency), get_args(Uncertainty), get_args(Expertise), get_args(TaskType)
    )
)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


def faults_of(path: Path) -> tuple[str, ...]:
    with pytest.raises(CorpusError) as caught:
        load_corpus(path)
    return caught.value.faults


def test_the_module_wins_over_the_data_folder_of_the_same_name() -> None:
    assert Path(principles.corpus.__file__).name == "corpus.py"
    assert principles.corpus.CORPUS_FOLDER.is_dir()


def test_there_are_119_with_unique_texts(corpus: Corpus) -> None:
    assert len(corpus) == 119
    for name in ("id", "title", "statement", "why"):
        assert len({getattr(principle, name) for principle in corpus.principles}) == 119, name


def test_each_file_holds_its_own_dimension(corpus: Corpus) -> None:
    counts = {}
    for dimension in get_args(Dimension):
        own = load_corpus(principles.corpus.CORPUS_FOLDER / f"{dimension}.yaml")
        assert {principle.dimension for principle in own.principles} == {dimension}
        counts[dimension] = len(own)
    assert counts == {"urgency": 30, "uncertainty": 25, "expertise": 21, "task_type": 43}


def test_each_principle_constrains_its_own_dimension(corpus: Corpus) -> None:
    loose = [p.id for p in corpus.principles if not getattr(p.applies, p.dimension)]
    assert loose == []


def test_every_scenario_admits_enough(corpus: Corpus) -> None:
    assert min(len(corpus.admitted(scenario)) for scenario in SCENARIOS) >= 30


@pytest.mark.parametrize(
    ("dimension", "value"),
    [
        (dimension, value)
        for dimension, values in zip(get_args(Dimension), (Urgency, Uncertainty, Expertise, TaskType), strict=True)
        for value in get_args(values)
    ],
)
def test_every_value_is_admitted_by_at_least_8(corpus: Corpus, dimension: str, value: str) -> None:
    admitting = [p for p in corpus.principles if value in (getattr(p.applies, dimension) or (value,))]
    assert len(admitting) >= 8


def test_statements_are_one_sentence(corpus: Corpus) -> None:
    for principle in corpus.principles:
        assert principle.statement.endswith("."), principle.id
        assert ". " not in principle.statement, principle.id


def test_every_basis_is_a_source(corpus: Corpus) -> None:
    assert {principle.basis for principle in corpus.principles} <= {source.key for source in load_sources()}


def test_nothing_claims_to_be_reviewed(corpus: Corpus) -> None:
    assert {principle.review.status for principle in corpus.principles} == {"unreviewed"}
    for file in principles.corpus.CORPUS_FOLDER.glob("*.yaml"):
        assert "Not verified by a physician" in file.read_text(encoding="utf-8").splitlines()[0]


def test_admitted_gives_ascending_indices(corpus: Corpus) -> None:
    scenario = Scenario(urgency="emergent", uncertainty="none", expertise="lay", task_type="triage")
    indices = corpus.admitted(scenario)
    assert list(indices) == sorted(set(indices))
    titles = {corpus.principles[i].title for i in indices}
    assert "Call emergency services first" in titles
    assert "Sending minor complaints to emergency" not in titles
    assert "Use precise terms for professionals" not in titles


def test_by_id(corpus: Corpus) -> None:
    assert corpus.by_id("urgency.choking").title == "Relieve choking without delay"
    with pytest.raises(KeyError):
        corpus.by_id("urgency.absent")


def test_sha8_follows_the_content(corpus: Corpus, tmp_path: Path) -> None:
    assert corpus.sha8 == load_corpus().sha8
    file = tmp_path / "one.yaml"
    file.write_text(GOOD, encoding="utf-8")
    before = load_corpus(file).sha8
    file.write_text(GOOD.replace("points: 8", "points: 9"), encoding="utf-8")
    assert len(before) == 8
    assert load_corpus(file).sha8 != before


def test_faults_name_file_id_and_field(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        GOOD.replace("points: 8", "points: 80").replace("emergent", "soon") + "- title: Only a title here\n", "utf-8"
    )
    faults = faults_of(file)
    assert "bad.yaml: urgency.call-first: points: Input should be less than or equal to 10" in faults
    assert any(fault.startswith("bad.yaml: urgency.call-first: applies.urgency.0: ") for fault in faults)
    assert "bad.yaml: item 1: statement: Field required" in faults


def test_an_unknown_basis_is_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(GOOD + "  basis: hearsay\n", encoding="utf-8")
    assert faults_of(file) == ("bad.yaml: urgency.call-first: basis: 'hearsay' is not a key of sources.yaml",)


def test_a_repeated_id_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(GOOD, encoding="utf-8")
    assert faults_of(tmp_path) == ("urgency.call-first: id: used 2 times in a.yaml, b.yaml",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [("a: [", "bad.yaml: not readable as YAML"), ("a: 1", "bad.yaml: expected a list, found dict")],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text, encoding="utf-8")
    assert faults_of(file)[0].startswith(fault)


def test_an_empty_folder_is_a_fault(tmp_path: Path) -> None:
    assert faults_of(tmp_path) == (f"{tmp_path}: no *.yaml file",)


def test_sources_may_not_repeat_a_key(tmp_path: Path) -> None:
    file = tmp_path / "sources.yaml"
    file.write_text("- {key: who, name: A, kind: body}\n- {key: who, name: B, kind: body}\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"sources\.yaml: who: key: used 2 times"):
        load_sources(file)


def test_listing_text_and_json(corpus: Corpus) -> None:
    lines = list_text(corpus, "urgency").splitlines()
    assert len(lines) == 30
    assert lines[0].split() == ["urgency.call-emergency-services", "+10", "Call", "emergency", "services", "first"]
    assert f'"sha8": "{corpus.sha8}",\n  "count": 119' in list_json(corpus)


def test_show_spells_out_the_source(corpus: Corpus) -> None:
    text = show_text(corpus.by_id("urgency.sepsis"))
    assert "basis      NICE guidance on suspected sepsis" in text
    assert "applies    urgency emergent/conditionally_emergent" in text
    assert "polarity   do (+10)" in text


def test_check_reports_counts_or_faults(tmp_path: Path) -> None:
    valid, report = check()
    assert valid
    assert "urgency 30, uncertainty 25, expertise 21, task_type 43" in report
    (tmp_path / "bad.yaml").write_text(GOOD.replace("points: 8", "points: -8"), encoding="utf-8")
    valid, report = check(tmp_path)
    assert not valid
    assert report.endswith("\nfaults: 1\n")
    assert '"valid": false' in check(tmp_path, as_json=True)[1]
