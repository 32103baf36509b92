"""What is hostile in questions, drafts, notes and principles stays text: it runs nowhere and breaks nothing."""

import json
import time
from pathlib import Path

import httpx
import pytest
import yaml
from playwright.sync_api import Browser, Page

from service.settings import Settings
from tests.service.api.scripted_engine import Script
from tests.web.conftest import Serve
from tests.web.watched import ask, fits, watched

pytestmark = pytest.mark.browser
MARKUP = (
    '<img src=x onerror="window.ran=1"><script>window.ran=2</script><svg onload="window.ran=3">{{constructor}}</bdi>'
)
OVERRIDE = "Take \u202e5 gm\u202c not \u2066 now \u2069 \u200fand\u0000 \u200bmore\ufeff"
LONG = "w" * 100_000
TEXTS = {"markup": MARKUP, "override": OVERRIDE, "long": LONG}
ACTING = "\u202e\u202c\u2066\u2069\u200f\u200b\ufeff\u0000"


def unharmed(page: Page) -> None:
    """Nothing ran, nothing that acts unseen is on the page, nothing juts out."""
    assert page.evaluate("window.ran") is None
    assert page.locator("main img, main script, #run svg[onload]").count() == 0
    text = page.evaluate("document.body.textContent")
    assert not set(text) & set(ACTING)
    assert fits(page)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("width", [1280, 320])
def test_hostile_questions_drafts_and_answers(
    browser: Browser, serve: Serve, script: Script, name: str, width: int
) -> None:
    text = TEXTS[name]
    script.rubric = [{"principle": 1, "criterion": f"Says to call an ambulance {text[:200]}", "points": 9}]
    script.edit = {"insert_after": 1, "text": f"Call an ambulance now. {text[:1500]}".replace("\u0000", "")}
    with watched(browser, serve(), settings={"viewport": {"width": width, "height": 800}}) as page:
        page.click("summary[data-t='ask.draft']")
        page.fill("#draft", f"Rest for a while. {text} Chest pain can have many causes.")
        ask(page, f"My chest hurts. {text}")
        for tab in ("answer", "trace", "json", "code", "changes"):
            page.click(f"[role=tab][data-name={tab}]")
            unharmed(page)
        result = json.loads(page.text_content("[data-tab-json]") or "")
        assert text in result["draft"]
        shown = page.inner_text(".part.draft .prose")
        if name == "override":
            assert "\u2039U+202E\u203a5 gm" in shown
        else:
            assert text in shown
        isolated = page.locator(".said").evaluate_all(
            "all => all.every((e) => getComputedStyle(e).unicodeBidi === 'isolate')"
        )
        assert isolated


def test_a_draft_written_by_the_model_is_only_text(browser: Browser, serve: Serve, script: Script) -> None:
    script.draft = f"Rest. {MARKUP} {OVERRIDE} Wait."
    with watched(browser, serve()) as page:
        ask(page, "My chest hurts.")
        unharmed(page)
        assert MARKUP in page.inner_text(".part.draft .prose")


def test_hostile_principles(browser: Browser, serve: Serve, tmp_path: Path) -> None:
    rows = [
        {
            "id": f"urgency.hostile-{name}", "dimension": "urgency", "title": "Hostile on purpose here",
            "applies": {}, "polarity": "do", "statement": f"Says {text}".replace("\u0000", ""),
            "why": f"Because {text[:3000]}".replace("\u0000", ""), "points": 5,
        }
        for name, text in TEXTS.items()
    ]  # fmt: skip
    (tmp_path / "hostile.yaml").write_text(yaml.safe_dump(rows, allow_unicode=False), encoding="utf-8")
    settings = {"viewport": {"width": 390, "height": 800}}
    url = serve(corpus=tmp_path / "hostile.yaml")
    with watched(browser, f"{url}#principles", settings=settings) as page:
        page.wait_for_selector(".principle")
        assert page.locator(".principle").count() == len(TEXTS)
        unharmed(page)
        assert page.locator(".principle", has_text="U+202E").count() == 1
        assert page.locator(".principle", has_text="<script>window.ran=2</script>").count() == 1


def test_a_refusal_and_a_stop_are_told(browser: Browser, serve: Serve, script: Script) -> None:
    script.gap_s = 0.5
    script.draft = " ".join(["word"] * 100)
    with watched(browser, serve()) as page:
        page.fill("#question", "My chest hurts.")
        page.click("#send")
        page.locator(".part.draft .prose", has_text="word word").wait_for()
        page.click("#stop")
        page.locator("[data-t='run.stopped']").first.wait_for()
        assert page.is_enabled("#send")
        deadline = time.monotonic() + 10
        while script.open_calls and time.monotonic() < deadline:
            time.sleep(0.05)
        assert script.open_calls == 0
        page.click("[data-t='ask.clear']")
        page.click("#send")
        assert page.is_visible("#needed")


def test_a_key_is_asked_for_kept_in_the_tab_and_never_shown(browser: Browser, serve: Serve) -> None:
    with watched(browser, serve(api_keys="right"), allowed=("401",)) as page:
        page.fill("#question", "My chest hurts.")
        page.click("#send")
        page.wait_for_selector("[data-code=invalid_api_key]")
        page.click("[data-code=invalid_api_key] button")
        page.fill("#key-field", "right")
        page.keyboard.press("Enter")
        ask(page)
        assert page.evaluate("JSON.stringify(localStorage)").find("right") == -1
        page.click("[role=tab][data-name=code]")
        assert "right" not in (page.text_content(".part.revision") or "")
        assert "$PRECEPTOR_API_KEY" in (page.text_content("[data-call=curl]") or "")


def test_it_works_under_a_path_of_a_proxy(browser: Browser, serve: Serve) -> None:
    url = serve(under="/apps/preceptor")
    with watched(browser, url) as page:
        ask(page, "My chest hurts.")
        assert f"{url}v1/revisions" in (page.text_content("[data-call=curl]") or "")
        page.select_option("#language", "zh")
        page.locator("#send", has_text="提问").wait_for()
        assert page.inner_text(".outcome strong") == "已修订"


def test_the_page_says_when_it_is_not_the_bundled_model(browser: Browser, serve: Serve) -> None:
    assert Settings().registry is None
    with watched(browser, serve()) as page:
        assert page.is_hidden("#model")
        assert page.inner_text("#engine-model") == "scripted-engine"


def test_the_page_says_plainly_that_a_gateway_takes_no_feedback(browser: Browser, serve: Serve) -> None:
    # The browser reports the 404 of its own accord.
    with watched(browser, serve(feedback_database="off"), allowed=("/v1/feedback",)) as page:
        ask(page, "My chest hurts.")
        page.click("#feedback > summary")
        page.wait_for_selector("[data-feedback=off]")
        assert "takes no feedback" in page.inner_text("#feedback")


def test_hostile_feedback_is_stored_as_it_is(browser: Browser, serve: Serve, tmp_path: Path) -> None:
    url = serve(feedback_database=f"sqlite:///{tmp_path / 'feedback.sqlite'}", feedback_content=True)
    with watched(browser, url) as page:
        ask(page, "My chest hurts.")
        page.click("#feedback > summary")
        page.check("input[name=preferred][value=neither]")
        page.fill("#reviewer-name", "r-17")
        page.fill("#note", f"{MARKUP} {LONG}")
        unharmed(page)
        page.click("[data-t='feedback.send']")
        page.wait_for_selector(".thanks")
        unharmed(page)
        (row,) = httpx.get(f"{url}v1/feedback/export").text.splitlines()
        assert json.loads(row)["note"] == f"{MARKUP} {LONG}"
