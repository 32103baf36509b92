import pytest

from tests.training.data.rows import example
from training.data.check import Rules, row_faults
from training.data.faults import Fault, FaultKind
from training.data.jsonl import RawRow
from training.data.kinds import KINDS


def messages(**changes: object) -> list[str]:
    row = example("query") | changes
    return [f"{f.field}: {f.message}" for f in row_faults(RawRow(1, row, (), 1.0), Rules(KINDS["query"]))]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompt": "text"}, "prompt: should be a list, found text"),
        ({"prompt": [None]}, "prompt.0: should be an object, found null"),
        ({"id": 3}, "id: should be text, found a number"),
        ({"id": True}, "id: should be text, found true or false"),
        ({"colour": 1}, "colour: this kind has no such field"),
        ({"prompt": [{"role": "user"}]}, "prompt.0.content: is missing"),
        ({"prompt": [{"role": "poet", "content": "x"}]}, "prompt.0.role: should be 'system', 'user' or 'assistant'"),
        ({"prompt": []}, "prompt: should have at least 1 item after validation, not 0"),
    ],
)
def test_a_fault_says_what_is_wrong(changes: dict[str, object], message: str) -> None:
    assert messages(**changes) == [message]


def test_a_faulty_item_does_not_make_its_list_short() -> None:
    prompt = [{"role": "user", "content": ""}]
    assert messages(prompt=prompt) == ["prompt.0.content: has no visible character"]


def test_a_key_that_cannot_be_printed_is_escaped_and_a_long_one_cut() -> None:
    fault = Fault(1, FaultKind.UNKNOWN_FIELD, ("a\x1b[31m", "", "k" * 100, 0), "this kind has no such field")
    assert fault.field == "'a\\x1b[31m'.''." + "k" * 60 + "....0"
    assert Fault(1, FaultKind.BLANK_LINE, (), "").field == "row"
