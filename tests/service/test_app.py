"""What holds for the app as a whole: its parts are its own, and its logs say nothing of prompts."""

import io
import logging
import sys

import pytest

from models.engine import EngineRefused, EngineTimeout, EngineUnavailable
from service.app import create_app
from service.errors import api_error
from service.logs import JsonLines
from service.observe import sane_request_id
from service.settings import Settings


def test_two_apps_share_nothing() -> None:
    first, second = create_app(Settings()), create_app(Settings(slug="other"))
    assert first.router is not second.router
    assert {type(m.cls).__name__ for m in first.user_middleware} == {"type"}
    assert first.user_middleware[0].kwargs["metrics"] is not second.user_middleware[0].kwargs["metrics"]


def test_a_log_line_is_json_without_the_exceptions_message() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("preceptor.test_app")
    logger.addHandler(handler)
    try:
        raise ValueError("the patient's own words")
    except ValueError:
        logger.error("failed", exc_info=sys.exc_info(), extra={"request_id": "r1", "status": 500})
    finally:
        logger.removeHandler(handler)
    line = stream.getvalue()
    assert "own words" not in line
    assert '"request_id":"r1"' in line
    assert '"exception":"ValueError"' in line


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (EngineUnavailable("away"), 503, {"retry-after": "2"}),
        (EngineUnavailable("later", retry_after=7.2), 503, {"retry-after": "8"}),
        (EngineTimeout("total", 9.0), 504, {"x-should-retry": "false"}),
        (EngineRefused("no", status=422, type="x", body={"message": "no"}), 422, {}),
        (RuntimeError("secret"), 500, {}),
    ],
)
def test_errors_are_classified_once(error: Exception, status: int, headers: dict[str, str]) -> None:
    found = api_error(error)
    assert (found.status, found.headers) == (status, headers)
    assert b"secret" not in found.body()


@pytest.mark.parametrize(("offered", "kept"), [("abc", True), ("a\nb", False), (None, False), ("x" * 200, False)])
def test_only_sane_request_ids_are_kept(offered: str | None, kept: bool) -> None:
    assert (sane_request_id(offered) == offered) is kept
