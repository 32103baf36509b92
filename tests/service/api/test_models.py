"""What the list of models tells of the model that answers."""

from pathlib import Path

import httpx

from tests.service.api.conftest import Serve
from tests.service.api.scripted_engine import ENGINE_MODEL
from tests.service.api.serving import eventually


def test_both_names_say_whether_they_are_guided_and_who_answers(url: str) -> None:
    rows = httpx.get(f"{url}/v1/models").json()["data"]
    known = {"engine_model": ENGINE_MODEL, "bundled": False, "notice": None}
    assert {row["id"]: row["preceptor"] for row in rows} == {
        "preceptor": {"guided": True, **known},
        ENGINE_MODEL: {"guided": False, **known},
    }


def test_a_bundled_model_says_so(serve: Serve, tmp_path: Path) -> None:
    registry = tmp_path / "registry.toml"
    registry.write_text(f'[models.{ENGINE_MODEL}]\nbundled = true\nnotice = "A toy."\n', encoding="utf-8")
    url = serve(registry=registry)
    eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
    told = httpx.get(f"{url}/v1/models/preceptor").json()["preceptor"]
    assert told == {"guided": True, "engine_model": ENGINE_MODEL, "bundled": True, "notice": "A toy."}


def test_steps_of_a_revision_say_when_they_began(url: str) -> None:
    body = {"messages": [{"role": "user", "content": "My chest hurts."}]}
    found = httpx.post(f"{url}/v1/revisions", json=body).json()
    starts = {step["step"]: (step["start_ms"], step["start_ms"] + step["ms"]) for step in found["usage"]["steps"]}
    assert 0 <= starts["draft"][0] < starts["draft"][1] <= starts["verdict"][0]
    assert starts["rubric"][1] <= starts["verdict"][0] < starts["edit"][0] < starts["check"][0]
    assert starts["check"][1] <= found["timings_ms"]["total"]
