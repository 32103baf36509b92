"""Another principle set comes in whole or not at all, and its faults can be found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import principles.importer
from principles.corpus import CorpusError, load_corpus
from principles.importer import FieldMapping, comment, import_principles, load_mapping, write_corpus
from principles.schema import Applies

CLINALIGN = Path(principles.importer.__file__).with_name("mappings") / "clinalign.toml"
IDENTITY = FieldMapping(
    fields={
        "id": "id", "dimension": "dimension", "title": "title", "polarity": "polarity", "statement": "statement",
        "why": "why", "points": "points", "basis": "basis", "applies.urgency": "applies.urgency",
        "applies.uncertainty": "applies.uncertainty", "applies.expertise": "applies.expertise",
        "applies.task_type": "applies.task_type",
    }
)  # fmt: skip


def foreign(**changes: Any) -> dict[str, Any]:
    return {
        "dimension": "Urgency",
        "value": "emergent, non-emergent",
        "title": "Name the danger signs",
        "principle": "Names the danger signs of the complaint.",
        "rationale": "People return in time when they know the signs.",
        "polarity": "positive",
    } | changes


def write_json(path: Path, *records: object) -> Path:
    path.write_text(json.dumps({"principles": list(records)}), encoding="utf-8")
    return path


def faults_of(path: Path, mapping: FieldMapping) -> tuple[str, ...]:
    with pytest.raises(CorpusError) as caught:
        import_principles(path, mapping)
    return caught.value.faults


def test_the_example_mapping_renames_translates_and_signs(tmp_path: Path) -> None:
    file = write_json(
        tmp_path / "p.json",
        foreign(),
        foreign(title="Hiding the danger signs", polarity="negative", dimension="Task type", value="triage"),
    )
    corpus = import_principles(file, load_mapping(CLINALIGN))
    first, second = corpus.principles
    assert first.id == "urgency.name-the-danger-signs"
    assert first.applies == Applies(urgency=("emergent", "non_emergent"))
    assert (first.polarity, first.points, first.basis) == ("do", 5, "clinalign-healthprinciples")
    assert first.statement == "Names the danger signs of the complaint."
    assert second.applies == Applies(task_type=("triage",))
    assert (second.polarity, second.points) == ("avoid", -5)
    assert second.review.status == "unreviewed"


def test_the_example_mapping_says_that_it_is_a_guess() -> None:
    assert CLINALIGN.read_text(encoding="utf-8").startswith("# A guess")


def test_our_own_corpus_survives_json_and_yaml(tmp_path: Path) -> None:
    ours = load_corpus()
    file = tmp_path / "ours.jsonl"
    file.write_text("".join(p.model_dump_json() + "\n" for p in ours.principles), encoding="utf-8")
    imported = import_principles(file, IDENTITY)
    assert imported.principles == ours.principles
    written = write_corpus(imported, tmp_path / "out", header="First line\n\nThird line")
    assert [path.name for path in written] == ["urgency.yaml", "uncertainty.yaml", "expertise.yaml", "task_type.yaml"]
    assert written[0].read_text(encoding="utf-8").startswith("# First line\n#\n# Third line\n")
    again = load_corpus(tmp_path / "out")
    assert again.sha8 == ours.sha8


def test_existing_files_are_kept(tmp_path: Path) -> None:
    (tmp_path / "urgency.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match=r"urgency\.yaml exists"):
        write_corpus(load_corpus(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["urgency.yaml"]


def test_faults_name_file_index_and_field(tmp_path: Path) -> None:
    file = write_json(
        tmp_path / "p.json", foreign(), foreign(rationale=None), foreign(polarity="maybe", title="Hm"), "text"
    )
    faults = faults_of(file, load_mapping(CLINALIGN))
    assert "p.json[1]: why: source field 'rationale' is absent or null" in faults
    assert "p.json[2]: polarity: Input should be 'do' or 'avoid'" in faults
    assert "p.json[2]: title: title has 1 words, 3 to 7 allowed" in faults
    assert "p.json[3]: record: expected an object, found str" in faults


def test_faults_in_jsonl_name_the_line(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    good = json.dumps(foreign())
    file.write_text(f"{good}\n\n{json.dumps(foreign(dimension='Style', title='Write in good style'))}\n", "utf-8")
    faults = faults_of(file, load_mapping(CLINALIGN))
    assert "p.jsonl:3: dimension: Input should be 'urgency', 'uncertainty', 'expertise' or 'task_type'" in faults
    file.write_text(f"{good}\n{{broken\n", encoding="utf-8")
    assert faults_of(file, load_mapping(CLINALIGN))[0].startswith("p.jsonl:2: not JSON: ")


def test_equal_titles_collide_on_the_made_id(tmp_path: Path) -> None:
    file = write_json(tmp_path / "p.json", foreign(), foreign())
    assert faults_of(file, load_mapping(CLINALIGN)) == ("urgency.name-the-danger-signs: id: used 2 times",)


def test_a_document_without_the_list_is_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text('{"items": []}', encoding="utf-8")
    assert faults_of(file, load_mapping(CLINALIGN)) == ("p.json: principles: expected a list, found NoneType",)


def test_values_can_turn_words_into_points(tmp_path: Path) -> None:
    mapping = load_mapping(CLINALIGN)
    fields = mapping.fields | {"points": "weight"}
    constants = {target: value for target, value in mapping.constants.items() if target != "points"}
    values = mapping.values | {"points": {"Essential": 9}}
    graded = mapping.model_copy(update={"fields": fields, "constants": constants, "values": values})
    corpus = import_principles(write_json(tmp_path / "p.json", foreign(weight="Essential")), graded)
    assert corpus.principles[0].points == 9


@pytest.mark.parametrize(
    ("toml", "fault"),
    [
        ("fields = [", "m.toml: not readable as TOML"),
        ('[fields]\ntitle = "title"', "m.toml: record: neither field nor constant for: dimension, polarity"),
        ('[fields]\ncolour = "c"', "m.toml: fields.colour.[key]: Input should be 'id'"),
        ('[fields]\ntitle = "t"\n[constants]\ntitle = "T"', "m.toml: record: in both fields and constants: title"),
        ("strict = true", "m.toml: strict: Extra inputs are not permitted"),
    ],
)
def test_a_bad_mapping_is_named(tmp_path: Path, toml: str, fault: str) -> None:
    file = tmp_path / "m.toml"
    file.write_text(toml, encoding="utf-8")
    with pytest.raises(CorpusError) as caught:
        load_mapping(file)
    assert any(line.startswith(fault) for line in caught.value.faults), caught.value.faults


def test_comment_lines() -> None:
    assert comment("a\n\nb") == "# a\n#\n# b\n"
