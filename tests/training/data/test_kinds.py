from collections.abc import Iterator

import pytest

from tests.training.data.rows import example
from training.data.jsonl import RawRow
from training.data.kinds import KINDS, UntoldKind, kind_of, told_kind


def raw(*values: object) -> Iterator[RawRow]:
    return (RawRow(line, value, (), 1.0) for line, value in enumerate(values, start=1))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_told_by_its_fields_alone(kind: str) -> None:
    found = kind_of(example(kind))
    assert found is not None
    assert found.name == kind
    required = {name: None for name, field in KINDS[kind].record.model_fields.items() if field.is_required()}
    assert [other.name for other in KINDS.values() if other.fits(required)] == [kind]


def test_a_later_row_may_tell_the_kind() -> None:
    kind, line = told_kind(raw(None, [], {"id": "q"}, example("comparison"), example("query")))
    assert (kind.name, line) == ("comparison", 4)


@pytest.mark.parametrize("value", [{}, [], None, {"id": "q"}, {"id": "q", "prompt": [], "colour": 1}])
def test_no_kind_is_guessed(value: object) -> None:
    with pytest.raises(UntoldKind, match=r"none of the first 1 rows .* --kind health_rubric\|healthbench"):
        told_kind(raw(value))
