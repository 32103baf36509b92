"""A page that is watched: whatever it complains of, and whatever it asks of anybody but its gateway, fails the test."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page

READY = "html[data-ready]"


@contextmanager
def watched(
    browser: Browser, url: str, *, allowed: tuple[str, ...] = (), settings: Mapping[str, Any] | None = None
) -> Iterator[Page]:
    """The playground at ``url``, ready. Errors of the console that contain one of ``allowed`` are expected."""
    own = url.partition("#")[0]
    complaints: list[str] = []
    foreign: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        expected = any(part in f"{message.text} {message.location}" for part in allowed)
        if message.type in ("error", "warning") and not expected:
            complaints.append(f"{message.text} {message.location}")

    def refuse(dialog: Dialog) -> None:
        complaints.append("a dialog")
        dialog.dismiss()

    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en", **(settings or {})})
    page = context.new_page()
    page.on("console", heard)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", refuse)
    page.on("request", lambda request: None if request.url.startswith(own) else foreign.append(request.url))
    page.goto(url)
    page.wait_for_selector(READY)
    try:
        yield page
    finally:
        context.close()
    assert (complaints, foreign) == ([], [])


def ask(page: Page, question: str | None = None) -> None:
    """Ask, the question that stands there if none is given, and wait for the result."""
    if question is not None:
        page.fill("#question", question)
    page.click("#send")
    page.wait_for_selector(".result", timeout=120_000)


def fits(page: Page) -> bool:
    """Whether nothing makes the page wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))
