from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import sse
from models.sse import EventDecoder, EventTooLong

BODY = b': ping\n\ndata: {"a":1}\r\n\r\nevent: x\ndata:one\ndata: two\n\ndata: caf\xc3\xa9\n\ndata: [DONE]\n\n'
EVENTS = [b'{"a":1}', b"one\ntwo", "café".encode(), b"[DONE]"]


@given(st.lists(st.integers(min_value=0, max_value=len(BODY))))
def test_events_do_not_depend_on_the_cuts(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(BODY)]
    decoder = EventDecoder()
    pieces = [BODY[a:b] for a, b in pairwise(edges)]
    assert [event for piece in pieces for event in decoder.feed(piece)] + decoder.flush() == EVENTS


def test_an_event_without_its_blank_line_comes_at_the_end() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"data: last") == []
    assert decoder.flush() == [b"last"]


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 10)
    with pytest.raises(EventTooLong):
        EventDecoder().feed(b"x" * 11)


def test_an_event_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 10)
    with pytest.raises(EventTooLong):
        EventDecoder().feed(b"data: 123456\ndata: 123456\n")
