"""No word of a prompt, a draft, an edit or an engine's message stands in any log line or metric."""

import logging
from typing import Any

import httpx
import pytest

from service.logs import JsonLines
from tests.service.api.conftest import Serve
from tests.service.api.scripted_engine import ENGINE_MODEL, Script
from tests.service.api.serving import eventually

SECRET = "Zanzibarium"
MESSAGES = [{"role": "user", "content": f"My chest hurts, says Mrs {SECRET}. What now?"}]
REFUSAL = (400, {"error": {"message": f"too long: {SECRET}", "type": "BadRequestError", "param": None, "code": 400}})


@pytest.mark.parametrize(
    ("fields", "script_fields"),
    [
        ({}, {}),
        ({"stream": True}, {}),
        ({"model": ENGINE_MODEL}, {}),
        ({"preceptor": {SECRET: 1}}, {}),
        ({}, {"refusal": REFUSAL}),
        ({}, {"garbage": {"rubric": SECRET.encode(), "verdict": SECRET.encode()}}),
        ({}, {"garbage": {"draft": SECRET.encode()}}),
        ({"stream": True}, {"break_after": 2}),
        ({"model": SECRET}, {}),
    ],
)
def test_nothing_of_it_is_kept(
    serve: Serve,
    script: Script,
    caplog: pytest.LogCaptureFixture,
    fields: dict[str, Any],
    script_fields: dict[str, Any],
) -> None:
    url = serve()
    assert httpx.get(f"{url}/readyz").status_code == 200
    script.draft = f"Rest, Mrs {SECRET}. Wait for an hour."
    script.edit = {"insert_after": 1, "text": f"Call an ambulance now, Mrs {SECRET}."}
    for name, value in script_fields.items():
        setattr(script, name, value)
    body = {"model": "preceptor", "messages": MESSAGES, **fields}
    with caplog.at_level(logging.DEBUG, logger="preceptor"):
        httpx.post(f"{url}/v1/chat/completions", json=body, headers={"x-request-id": "r-7"})
        eventually(lambda: any(getattr(record, "request_id", "") == "r-7" for record in caplog.records))
    lines = [JsonLines().format(record) for record in caplog.records if record.name.startswith("preceptor")]
    assert any('"request_id":"r-7"' in line for line in lines)
    assert not [line for line in lines if SECRET in line]
    assert SECRET not in httpx.get(f"{url}/metrics").text
