import pytest

from service.revision.critique import critique_schema, parse_critique


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ('[{"n":1,"reason":"a","met":true},{"n":2,"reason":"b","met":false}]', [True, False]),
        ('[{"n":2,"reason":"b","met":false}]', [None, False]),
        ('[{"n":1,"met":true},{"n":1,"met":false},{"n":2,"met":true}]', [None, True]),
        ('[{"n":1,"met":"yes"},{"n":true},5,{"n":7,"met":true}]', [None, None]),
        ("{}", [None, None]),
        ("cut [", [None, None]),
    ],
)
def test_what_cannot_be_read_stays_unscored(text: str, met: list[bool | None]) -> None:
    assert parse_critique(text, 2) == met


def test_the_reason_comes_before_the_verdict() -> None:
    schema = critique_schema(3)
    assert list(schema["items"]["properties"]) == ["n", "reason", "met"]
    assert schema["minItems"] == schema["maxItems"] == 3
