"""The page end to end, before the real engine: asked, watched, compared, told what one thinks of it."""

import json
import sys
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.clients.running_gateway import Gateway
from tests.web.watched import READY, ask, fits, watched

pytestmark = [pytest.mark.browser, pytest.mark.engine]
CASE = "heldout-10"
MOST_BYTES = 200_000
MOST_PICTURE_BYTES = 300_000


def choose(page: Page, case: str = CASE) -> None:
    """An example case, with a seed, so that its draft is the same each time."""
    page.click(f'[data-case="{case}"]')
    page.click("summary[data-t=options]")
    page.fill("#seed", "7")
    page.click("summary[data-t=options]")


def picture(page: Page, folder: Path, name: str) -> None:
    path = folder / f"{name}.png"
    page.screenshot(path=path)
    assert path.stat().st_size < MOST_PICTURE_BYTES


def test_a_question_is_asked_and_its_revision_watched(browser: Browser, gateway: Gateway, screenshots: Path) -> None:
    with watched(browser, f"{gateway.url}/") as page:
        assert "toy model" in page.inner_text("#model")
        picture(page, screenshots, "start")
        choose(page)
        page.evaluate(WATCH)
        ask(page)
        stages = page.evaluate("window.stages")
        assert [stage for stage in stages if stage != "verdict"] == ["draft", "rubric", "result"]
        assert stages.count("verdict") >= 3
        result = json.loads(page.text_content("[data-tab-json]") or "")
        assert result["outcome"] == "revised"
        assert page.inner_text(".part.draft .prose") == result["draft"]
        assert page.locator(".scenario dt").count() == 4
        assert page.locator(".found > li").count() == len(result["principles"])
        marks = page.locator(".criteria > li").evaluate_all("rows => rows.map(row => row.dataset.state)")
        wanted = [
            {True: "satisfied", False: "unsatisfied", None: "unscored"}[c["before"]["satisfied"]]
            for c in result["criteria"]
        ]
        assert marks == wanted
        page.evaluate("scrollTo(0, 0)")
        picture(page, screenshots, "stages")
        page.evaluate("document.querySelector('.part.verdicts').scrollIntoView()")
        picture(page, screenshots, "revision")
        check_diff(page, result)
        check_trace(page, result)
        check_calls(page, result)
        assert page.evaluate("sessionStorage.length") == 0


WATCH = """() => {
  window.stages = [];
  new MutationObserver(() => {
    const now = {
      draft: document.querySelector(".part.draft .prose")?.textContent ? 1 : 0,
      rubric: document.querySelector(".criteria > li") ? 1 : 0,
      verdict: document.querySelectorAll('.criteria > li:not([data-state="waiting"])').length,
      result: document.querySelector(".result") ? 1 : 0,
    };
    for (const [name, count] of Object.entries(now)) {
      const seen = window.stages.filter((stage) => stage === name).length;
      for (let place = seen; place < count; place += 1) window.stages.push(name);
    }
  }).observe(document.getElementById("run"), { childList: true, subtree: true, attributes: true });
}"""


def check_diff(page: Page, result: dict[str, object]) -> None:
    """The lines make up the draft without what was put in, the answer without what was struck out."""
    page.click("[role=tab][data-name=changes]")
    lines = page.locator(".sheet .line").evaluate_all(
        "rows => rows.map(row =>"
        " [row.dataset.kind ?? 'same', row.dataset.criterion, row.querySelector('.text').innerText])"
    )
    told = {kind: [text for k, _, text in lines if k == kind] for kind in ("same", "added", "removed", "replaced")}
    assert told["added"]
    for kind, text in (("same", result["draft"]), ("same", result["answer"]), ("added", result["answer"])):
        assert all(piece in str(text) for piece in told[kind])
    edits = result["edits"]
    assert isinstance(edits, list)
    behind = {edit["text"]: str(edit["criterion"]) for edit in edits if edit["accepted"]}
    assert {text: criterion for kind, criterion, text in lines if kind == "added"} == behind


def check_trace(page: Page, result: dict[str, object]) -> None:
    page.click("[role=tab][data-name=trace]")
    usage = result["usage"]
    assert isinstance(usage, dict)
    shown = page.locator(".waterfall tbody tr").evaluate_all("rows => rows.map(row => row.dataset.step)")
    assert shown == [step["step"] for step in sorted(usage["steps"], key=lambda step: step["start_ms"])]
    assert set(shown[:2]) == {"draft", "rubric"}
    starts = [
        float(x or 0) for x in page.locator(".waterfall rect").evaluate_all("r => r.map(x => x.getAttribute('x'))")
    ]
    assert starts == sorted(starts)
    assert max(starts) > 0


def check_calls(page: Page, result: dict[str, object]) -> None:
    """The Python call that is shown asks for the very same, and is answered."""
    page.click("[role=tab][data-name=code]")
    code = page.text_content("[data-call=python]") or ""
    said: list[object] = []
    exec(compile(code, "shown", "exec"), {"print": lambda *words: said.extend(words)})
    assert said == [result["outcome"], result["answer"]]
    assert '-d \'{"messages":' in (page.text_content("[data-call=curl]") or "")


def test_an_own_draft_is_checked_and_a_conversation_goes_on(browser: Browser, gateway: Gateway) -> None:
    with watched(browser, f"{gateway.url}/") as page:
        page.click('[data-case="heldout-15"]')
        draft = page.input_value("#draft")
        ask(page)
        result = json.loads(page.text_content("[data-tab-json]") or "")
        assert result["draft"] == draft == page.inner_text(".part.draft .prose")
        assert {step["step"] for step in result["usage"]["steps"]}.isdisjoint({"draft"})
        page.click("[data-t='run.continue']")
        assert (
            page.locator(".turns textarea").evaluate_all("rows => rows.map(row => row.value)")[-1] == result["answer"]
        )
        ask(page, "And what if I feel faint?")
        sent = json.loads((page.text_content("[data-call=curl]") or "").partition("-d '")[2].replace("'\\''", "'")[:-1])
        assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "user"]


def test_principles_are_searched_and_filtered(browser: Browser, gateway: Gateway, screenshots: Path) -> None:
    with watched(browser, f"{gateway.url}/#principles") as page:
        total = httpx.get(f"{gateway.base}/principles").json()["total"]
        page.wait_for_selector(".principle")
        picture(page, screenshots, "principles")
        assert page.inner_text("#count").startswith(f"{total} of {total}")
        page.select_option("#by-expertise", "professional")
        page.select_option("#by-dimension", "expertise")
        some = page.locator(".principle").evaluate_all("rows => rows.map(row => row.dataset.id)")
        assert 0 < len(some) < total
        assert all(name.startswith("expertise.") for name in some)
        page.select_option("#by-review", "accepted")
        assert page.inner_text("#count").startswith(f"0 of {total}")
        for name in ("review", "expertise", "dimension"):
            page.select_option(f"#by-{name}", "")
        page.fill("#search", "blood thinner bleeding")
        page.click("[data-t='principles.nearest']")
        page.locator("#count", has_text="nearest").wait_for()
        wanted = httpx.post(
            f"{gateway.base}/principles/search", json={"query": "blood thinner bleeding", "top_k": 20}
        ).json()
        nearest = page.locator(".principle").evaluate_all("rows => rows.map(row => row.dataset.id)")
        assert nearest == [row["id"] for row in wanted["data"]]


def test_operations_show_what_the_metrics_say(browser: Browser, gateway: Gateway, screenshots: Path) -> None:
    httpx.post(
        f"{gateway.base}/revisions", json={"messages": [{"role": "user", "content": "My chest hurts."}]}, timeout=60
    )
    with watched(browser, f"{gateway.url}/#operations") as page:
        page.wait_for_selector("[data-tile='operations.rate'] polyline[points*=' ']", timeout=10_000)
        assert page.inner_text("[data-tile='operations.in_flight'] .figure") == "0 / 48"
        assert page.inner_text("[data-tile='operations.engines'] .figure") == "1 / 1"
        assert page.locator(".bars").first.locator("dt").count() == 7
        picture(page, screenshots, "operations")


@pytest.mark.parametrize(("width", "scheme", "language"), [(390, "dark", "zh"), (320, "light", "en")])
def test_it_fits_a_narrow_window(
    browser: Browser, gateway: Gateway, screenshots: Path, width: int, scheme: str, language: str
) -> None:
    settings = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme, "locale": language}
    with watched(browser, f"{gateway.url}/", settings=settings) as page:
        assert fits(page)
        choose(page)
        ask(page)
        for tab in ("answer", "trace", "json", "code", "changes"):
            page.click(f"[role=tab][data-name={tab}]")
            assert fits(page)
        page.locator(".part.revision").scroll_into_view_if_needed()
        page.evaluate("document.querySelector('.part.revision').scrollIntoView()")
        picture(page, screenshots, f"narrow-{language}")
        for view in ("principles", "operations"):
            page.click(f'nav a[href="#{view}"]')
            page.wait_for_selector(".principle" if view == "principles" else ".tile")
            assert fits(page)


def test_a_cold_load_is_small(browser: Browser, gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    with watched(browser, f"{gateway.url}/") as page:
        entries = page.evaluate(
            "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
            ".map((entry) => [entry.name, entry.transferSize])"
        )
        milliseconds = page.evaluate("performance.getEntriesByName('usable')[0].startTime")
        transferred = sum(size for _, size in entries)
        with capsys.disabled():
            sys.stdout.write(f"\nplayground: usable after {milliseconds:.0f} ms, {transferred} bytes transferred\n")
        assert len(entries) > 20
        assert 10_000 < transferred < MOST_BYTES
        assert page.locator(READY).count() == 1


def test_feedback_is_given_and_found_in_the_export(browser: Browser, gateway: Gateway, screenshots: Path) -> None:
    with watched(browser, f"{gateway.url}/") as page:
        choose(page)
        ask(page)
        result = json.loads(page.text_content("[data-tab-json]") or "")
        page.click("#feedback > summary")
        page.check("input[name=preferred][value=own_edit]")
        page.fill("#own-edit", "Call an ambulance now.")
        page.select_option("#v-draft-1", "met")
        page.select_option("#a-2", "remove")
        page.click("[data-t='feedback.add']")
        page.fill("fieldset:has([data-t='feedback.add']) textarea", "Asks about allergies")
        page.select_option("#reviewer-role", "nurse")
        page.fill("#reviewer-name", "r-17")
        page.fill("#patient", "p-4711")
        page.fill("#note", "Too <b>long</b> \u202e.")
        page.evaluate("document.querySelector('#feedback').scrollIntoView()")
        picture(page, screenshots, "feedback")
        page.click("[data-t='feedback.send']")
        page.wait_for_selector(".thanks")
        told = page.locator(".thanks")
        assert told.get_attribute("data-content") == "stored"
        export = httpx.get(f"{gateway.base}/feedback/export", params={"patient": "p-4711"}).text.splitlines()
        record = json.loads(export[-1])
        assert record["id"] == told.get_attribute("data-id")
        assert (record["revision_id"], record["preferred"]) == (result["id"], "own_edit")
        assert record["own_edit"] == "Call an ambulance now."
        assert record["reviewer"] == {"role": "nurse", "pseudonym": "r-17"}
        assert record["verdicts"] == [{"criterion": 1, "subject": "draft", "met": True}]
        assert [row["action"] for row in record["rubric"]] == ["remove", "add"]
        assert record["rubric"][1]["text"] == "Asks about allergies"
        assert record["note"] == "Too <b>long</b> \u202e."
        assert record["revision"]["answer"] == result["answer"]
        assert record["messages"][0]["role"] == "user"
