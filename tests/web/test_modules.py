"""The page's own logic, run where it runs: sentences, differences, figures, marks that act unseen."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette

from service.api.web import page_routes
from tests.service.api.serving import served

pytestmark = pytest.mark.browser


EXPECTED_ROWS = [
    ("same", "Rest for a while.", "Rest for a while.", 1),
    ("added", "", "Call us now.", None),
    ("replaced", "Take 400 mg with food.", "Take 200 mg with food.", 2),
    ("removed", "It will do no harm.", "", 3),
    ("same", "Goodbye.", "Goodbye.", 4),
]


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with served(Starlette(routes=page_routes())) as url:
        opened = browser.new_page()
        opened.goto(f"{url}/static/icon.svg")
        yield opened
        opened.close()


def run(page: Page, module: str, call: str, *given: Any) -> Any:
    return page.evaluate(
        f"async (given) => {{ const m = await import('/static/js/{module}'); return m.{call}; }}", given
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rest now. Call Dr. Who at 5.5 p.m.? Yes!", ["Rest now. ", "Call Dr. Who at 5.5 p.m.? ", "Yes!"]),
        ("1. First\n2. Second\n\nLast.", ["1. First\n", "2. Second\n\n", "Last."]),
        ("休息。多喝水。请就诊", ["休息。", "多喝水。", "请就诊"]),
        ('He said "stop." Then left...  Well', ['He said "stop." ', "Then left...  ", "Well"]),
        ("", []),
        ("\n\n  ", ["\n\n  "]),
    ],
)
def test_sentences(page: Page, text: str, expected: list[str]) -> None:
    assert run(page, "sentences.js", "sentences(...given)", text) == expected


@pytest.mark.parametrize(
    "text", ["." * 100_000, "a" * 100_000, "a. " * 40_000, "\n" * 100_000, "." * 50_000 + "\n" + "1. " * 9]
)
def test_sentences_lose_nothing_and_take_time_in_proportion(page: Page, text: str) -> None:
    assert run(page, "sentences.js", "sentences(...given).join('') === given[0]", text) is True


@pytest.mark.parametrize(
    ("before", "after", "runs"),
    [
        ("abc", "abc", [["same", "abc", "abc"]]),
        ("abc", "axc", [["same", "a", "a"], ["changed", "b", "x"], ["same", "c", "c"]]),
        ("abcd", "bd", [["changed", "a", ""], ["same", "b", "b"], ["changed", "c", ""], ["same", "d", "d"]]),
        ("", "ab", [["changed", "", "ab"]]),
        ("ab", "xaby", [["changed", "", "x"], ["same", "ab", "ab"], ["changed", "", "y"]]),
        ("abcabba", "cbabac", [["changed", "ab", ""], ["same", "c", "c"], ["changed", "", "b"], ["same", "ab", "ab"],
                                ["changed", "b", ""], ["same", "a", "a"], ["changed", "", "c"]]),
    ],
)  # fmt: skip
def test_runs(page: Page, before: str, after: str, runs: list[Any]) -> None:
    call = "runs([...given[0]], [...given[1]]).map(([kind, old, fresh]) => [kind, old.join(''), fresh.join('')])"
    assert run(page, "diff.js", call, before, after) == runs


def test_rows_of_a_sentence_diff(page: Page) -> None:
    draft = "Rest for a while. Take 400 mg with food. It will do no harm. Goodbye."
    answer = "Rest for a while. Call us now. Take 200 mg with food. Goodbye."
    rows = run(page, "diff.js", "sentenceRows(...given)", draft, answer)
    assert [(row["kind"], row["before"].strip(), row["after"].strip(), row["number"]) for row in rows] == EXPECTED_ROWS


def test_words_within_a_sentence(page: Page) -> None:
    pieces = run(page, "diff.js", "wordPieces(...given)", "Take 400 mg now", "Take 200 mg now")
    assert pieces == [["same", "Take "], ["removed", "400"], ["added", "200"], ["same", " mg now"]]


def test_a_whole_new_text_is_compared_within_bounds(page: Page) -> None:
    one = " ".join(f"Sentence {number} of the draft." for number in range(3000))
    other = " ".join(f"Another {number} in the answer." for number in range(3000))
    call = """(() => {
      const rows = m.sentenceRows(...given);
      return ["before", "after"].map((side) => rows.map((row) => row[side]).join(""));
    })()"""
    found = page.evaluate(
        f"async (given) => {{ const m = await import('/static/js/diff.js'); return {call}; }}", [one, other]
    )
    assert found == [one, other]


def test_reasons_stand_with_their_changes(page: Page) -> None:
    edits = [
        {"criterion": 1, "operation": "insert_after", "number": 1, "text": "Call us now.", "accepted": True},
        {"criterion": 2, "operation": "delete", "number": 2, "text": "", "accepted": True},
        {"criterion": 3, "operation": "delete", "number": 1, "text": "", "accepted": False},
    ]
    criteria = [{"number": number} for number in (1, 2, 3)]
    call = "given[1].map(m.reasonsOf(given[0]))"
    rows = [
        {"before": "", "after": "Call us now. ", "number": None},
        {"before": "It will do no harm. ", "after": "", "number": 2},
        {"before": "Rest. ", "after": "", "number": 1},
    ]
    found = page.evaluate(
        f"async (given) => {{ const m = await import('/static/js/changes.js'); return {call}; }}",
        [{"edits": edits, "criteria": criteria}, rows],
    )
    assert found == [[{"number": 1}], [{"number": 2}], []]


def test_marks_that_act_unseen_are_shown(page: Page) -> None:
    assert (
        run(page, "dom.js", "visible(...given)", "a\u202eb\u2069\u0000c")
        == "a\u2039U+202E\u203ab\u2039U+2069 U+0000\u203ac"
    )
    assert run(page, "dom.js", "visible(...given)", "\u200f" * 50) == f"\u2039{' '.join(['U+200F'] * 8)} \u00d750\u203a"
    assert (
        run(page, "dom.js", "visible(...given)", "\u6f22 \u05d0\n\t\U0001f469\u200d\u2695")
        == "\u6f22 \u05d0\n\t\U0001f469\u200d\u2695"
    )
    assert run(page, "copy.js", "escaped(JSON.stringify(given[0]))", "a\u202e\ufeff") == '"a\\u202e\\ufeff"'


def test_figures_from_prometheus_text(page: Page) -> None:
    text = (
        '# HELP x y\nx_bucket{le="1.0",route="/a \\"b\\""} 2.0\nx_bucket{le="2.0",route="/a"} 3.0\n'
        'x_bucket{le="+Inf",route="/a"} 4.0\ng 7.5 1234\n'
    )
    call = """(() => {
      const s = m.samples(given[0]);
      const x = m.buckets(s, "x");
      const figures = [m.sum(s, "g"), m.quantile(0.5, x), m.quantile(0.99, x), m.quantile(0.5, [])];
      return [...figures, s.get("x_bucket")[0].labels.route];
    })()"""
    found = page.evaluate(
        f"async (given) => {{ const m = await import('/static/js/exposition.js'); return {call}; }}", [text]
    )
    assert found == [7.5, 1.0, 2.0, None, '/a \\"b\\"']


def test_an_event_stream_is_read_however_it_is_cut(page: Page) -> None:
    call = """async ([text, size]) => {
      const m = await import('/static/js/sse.js');
      const bytes = new TextEncoder().encode(text);
      const stream = new ReadableStream({ start(c) {
        for (let at = 0; at < bytes.length; at += size) c.enqueue(bytes.slice(at, at + size));
        c.close();
      } });
      const found = [];
      for await (const event of m.events(stream)) found.push(event);
      return found;
    }"""
    text = ': ping\n\nevent: draft\ndata: {"d":"漢\u2028"}\n\r\ndata: one\ndata: two\n\ndata: [DONE]\n\n'
    for size in (1, 3, 1000):
        found = page.evaluate(call, [text, size])
        assert found == [["draft", '{"d":"漢\u2028"}'], ["", "one\ntwo"], ["", "[DONE]"]]
