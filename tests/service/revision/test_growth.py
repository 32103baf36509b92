"""Hostile texts cost time in proportion to their length: processor time at 8n stays far below 64 times that at n.

The least of several runs is compared with itself in one process, so that a slow or busy machine changes nothing.
"""

import gc
from collections.abc import Callable
from time import process_time

import pytest

from models.sse import EventDecoder
from service.revision.edits import Edit, apply_edits
from service.revision.facts import drugs, is_emergency_instruction, quantities
from service.revision.guard import fitted, refusal
from service.revision.markdown import is_open
from service.revision.prompts import fenced
from service.revision.rubric import Criterion
from service.revision.sentences import numbered, separator_between, split

CHARS = 1_500
MORE = 8
MOST_GROWTH = 28  # 8 for work in proportion, 64 for quadratic work
RUNS = 3
PATTERNS = {
    "abbreviations": "dr. ",
    "initials": "a. ",
    "ends": ".",
    "cjk ends": "。",
    "closed ends": '."',
    "one word": "a.b",
    "digits": "1",
    "decimals": "1.",
    "blank lines": "\n",
    "line separators": "\u2028",
    "spaces": " ",
    "combining marks": "a\u0301",
    "pipes": "|",
    "backticks": "`",
    "open fences": "```a`\n",
    "fences": "```\n",
    "quotes": "> - ",
    "brackets": "[",
    "numbers in brackets": "[[1",
    "tags": "<answer ",
    "spaced tags": "< ",
    "hidden letters": "<c\u200b",
    "control tokens": "<|a",
    "directions": "go to the ",
    "stems": "prazole",
    "rules": "- ",
}
POSITIVE = Criterion("Asks about allergies", 5)
WORK: dict[str, Callable[[str], object]] = {
    "split": split,
    "numbered": lambda text: numbered(split(text)),
    "fenced": fenced,
    "separator": lambda text: separator_between(text, text),
    "is open": is_open,
    "facts": lambda text: (quantities(text), drugs(text), is_emergency_instruction(text)),
    "fitted": lambda text: fitted(("- One.\n", "- Two.\n"), Edit("replace", 1, text)),
    "edits": lambda text: apply_edits(units := split(text), [Edit("delete", n + 1) for n in range(len(units))]),
    "guard": lambda text: refusal(split(text), Edit("replace", 1, "New."), POSITIVE),
}


def least_seconds(work: Callable[[str], object], text: str) -> float:
    times = []
    for _ in range(RUNS):
        started = process_time()
        work(text)
        times.append(process_time() - started)
    return min(times)


@pytest.mark.parametrize("name", WORK)
def test_work_grows_with_the_text(name: str) -> None:
    gc.collect()
    too_much = {}
    for kind, pattern in PATTERNS.items():
        text = pattern * (CHARS // len(pattern))
        before, after = least_seconds(WORK[name], text), least_seconds(WORK[name], text * MORE)
        if after > max(before * MOST_GROWTH, 0.001):
            too_much[kind] = after / before
    assert too_much == {}


def test_a_stream_in_small_pieces_costs_what_it_holds() -> None:
    def feed(text: str) -> None:
        decoder, piece = EventDecoder(), b"x" * 256
        for _ in range(len(text)):
            decoder.feed(piece)

    before, after = least_seconds(feed, "." * 2_000), least_seconds(feed, "." * 16_000)
    assert after <= before * MOST_GROWTH


def test_quadratic_work_is_noticed() -> None:
    def quadratic(text: str) -> int:
        return sum(len(text[at:].strip("x")) for at in range(len(text)))

    before, after = least_seconds(quadratic, "x" * 500), least_seconds(quadratic, "x" * 500 * MORE)
    assert after > before * MOST_GROWTH
