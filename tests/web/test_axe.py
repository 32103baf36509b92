"""What axe finds in each view, in both languages and both schemes; and what the keyboard can do."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from tests.clients.running_gateway import Gateway
from tests.service.api.scripted_engine import Script
from tests.web.conftest import Serve
from tests.web.watched import ask, watched

pytestmark = pytest.mark.browser
VIEWS = {"principles": ".principle", "operations": ".tile"}


def findings(page: Page, options: Mapping[str, object]) -> list[str]:
    found: list[Any] = Axe().run(page, options=dict(options)).response["violations"]
    return [f"{row['id']} ({row['impact']}): {node['target']}" for row in found for node in row["nodes"]]


@pytest.mark.engine
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_axe_finds_nothing(
    browser: Browser, gateway: Gateway, axe_options: Mapping[str, object], scheme: str, language: str
) -> None:
    settings = {"color_scheme": scheme, "locale": language, "reduced_motion": "reduce"}
    with watched(browser, f"{gateway.url}/", settings=settings) as page:
        assert page.get_attribute("html", "lang") == {"en": "en", "zh": "zh-Hans"}[language]
        assert findings(page, axe_options) == []
        page.click('[data-case="heldout-12"]')
        page.click("summary[data-t=options]")
        ask(page)
        page.click(".found summary >> nth=0")
        for tab in ("changes", "answer", "trace", "json", "code"):
            page.click(f"[role=tab][data-name={tab}]")
            assert findings(page, axe_options) == [], tab
        page.click("#feedback > summary")
        page.wait_for_selector("#feedback form")
        page.click("[data-t='feedback.add']")
        assert findings(page, axe_options) == [], "feedback"
        for view, there in VIEWS.items():
            page.click(f'nav a[href="#{view}"]')
            page.wait_for_selector(there)
            assert findings(page, axe_options) == [], view
        page.click("#key-open")
        assert findings(page, axe_options) == []


@pytest.mark.engine
def test_the_keyboard_alone_is_enough(browser: Browser, gateway: Gateway) -> None:
    with watched(browser, f"{gateway.url}/") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "question"
        page.keyboard.type("I have had chest pain for an hour.")
        page.keyboard.press("Control+Enter")
        page.wait_for_selector(".result", timeout=120_000)
        assert page.evaluate("location.hash") == ""
        tabs = page.locator("[role=tab]")
        page.locator("[role=tab][aria-selected=true]").focus()
        for key, name in (("End", "code"), ("ArrowRight", "changes"), ("ArrowLeft", "code"), ("Home", "changes")):
            page.keyboard.press(key)
            assert page.evaluate("document.activeElement.dataset.name") == name
            assert page.locator("[role=tab][aria-selected=true]").get_attribute("data-name") == name
            assert page.locator("[role=tabpanel]:visible").count() == 1
        assert tabs.evaluate_all("all => all.filter((tab) => tab.tabIndex === 0).length") == 1
        # News is held back while earlier news can be heard, so that the last of it comes after the result is seen.
        expect(page.locator("#news")).to_have_text(re.compile("Revised|ready"))


@pytest.mark.parametrize("width", [1280, 390])
def test_the_keyboard_reaches_whatever_scrolls(
    browser: Browser, serve: Serve, script: Script, axe_options: Mapping[str, object], width: int
) -> None:
    long = f"Rest for {'a very ' * 400}long while."
    script.draft = f"{long} Chest pain can have many causes."
    with watched(browser, serve(), settings={"viewport": {"width": width, "height": 800}}) as page:
        ask(page, f"My chest hurts. {long}")
        scrolling = page.locator(".asked, .part.draft .prose, .line.same:first-child .prose")
        for place in scrolling.all():
            assert place.evaluate("(node) => node.scrollHeight > node.clientHeight")
            place.focus()
            assert place.evaluate("(node) => node === document.activeElement")
        assert scrolling.count() == 3
        for tab in ("answer", "changes"):
            page.click(f"[role=tab][data-name={tab}]")
            assert findings(page, axe_options) == [], tab
        page.select_option("#language", "zh")
        expect(page.locator(".asked")).to_have_attribute("aria-label", re.compile("长文本"))


def test_the_skip_link_stays_in_its_view(browser: Browser, serve: Serve) -> None:
    with watched(browser, f"{serve()}#principles") as page:
        page.wait_for_selector(".principle")
        page.focus(".skip")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        assert page.evaluate("location.hash") == "#principles"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('section').id") == "principles"
