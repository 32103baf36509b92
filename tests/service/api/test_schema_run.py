"""schemathesis' whole run over the document of a real server, as its command line does it: every route there is, every
phase, every check that `schemathesis.toml` does not take out by name.

Longer: SCHEMA_EXAMPLES=500 python -m pytest -m slow --timeout 3600 tests/service/api/test_schema_run.py
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.service.api.conftest import Serve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]
EXAMPLES = os.environ.get("SCHEMA_EXAMPLES", "5")
KEY = "a-key-for-the-schema-run-of-32-chars"
SEED = "1"


def ran(url: str, *options: str) -> tuple[int, str]:
    """Run every phase against a gateway; the exit status and what was printed."""
    command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(HERE / "schemathesis.toml")]
    command += ["run", f"{url}/openapi.json", "--phases", "examples,coverage,fuzzing,stateful", "--no-color"]
    command += ["--seed", SEED, "--max-examples", EXAMPLES, "--continue-on-failure", "--warnings", "off", *options]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.service.api.schema_hooks", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def counted(output: str) -> tuple[int, int]:
    """How many routes were tested, and with how many requests."""
    routes, cases = re.search(r"Tested: (\d+)", output), re.search(r"(\d+) generated", output)
    assert routes is not None
    assert cases is not None
    return int(routes[1]), int(cases[1])


def test_every_route_keeps_to_its_document(url: str) -> None:
    status, output = ran(url)
    paths = httpx.get(f"{url}/openapi.json").json()["paths"]
    assert status == 0, output[-6000:]
    assert counted(output)[0] == sum(len(methods) for methods in paths.values())
    assert counted(output)[1] >= 300


def test_every_route_keeps_to_its_document_behind_keys(serve: Serve) -> None:
    status, output = ran(serve(api_keys=[KEY]), "-H", f"Authorization: Bearer {KEY}", "--phases", "coverage")
    assert status == 0, output[-6000:]
    assert counted(output)[1] >= 200


def test_without_a_key_every_route_answers_as_its_document_says(serve: Serve) -> None:
    status, output = ran(serve(api_keys=[KEY]), "--phases", "fuzzing", "--exclude-checks", "positive_data_acceptance")
    assert status == 0, output[-6000:]


def test_every_answer_and_every_error_is_described(url: str) -> None:
    """No route may promise "any object": a fault in it could not be seen. New routes are held to this too."""
    document = httpx.get(f"{url}/openapi.json").json()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"]
            for kind, content in answers["200"].get("content", {}).items():
                if kind == "application/json":
                    name = content["schema"]["$ref"].rsplit("/", 1)[-1]
                    assert document["components"]["schemas"][name]["properties"], (method, path)
            if path.startswith("/v1/"):
                assert {"400", "401", "403", "404", "405", "413", "429", "500", "503"} <= set(answers), (method, path)
