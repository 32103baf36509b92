"""The README's own examples, word for word: nothing is changed but the address.

Invariant: a block that is marked as run is run here, and every one of the languages has one.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping

import httpx
import pytest

from tests.clients.asked import LOOP_OUTCOMES
from tests.clients.program import HERE, ROOT, installed
from tests.clients.running_gateway import Gateway, running_gateway

ADDRESS = "127.0.0.1:8000"
MARKED = re.compile(r"<!-- run: ([a-z-]+) -->\n```(\w+)\n(.*?)```", re.DOTALL)
COMMANDS = {
    "sh": ["bash", "-euo", "pipefail", "-s"],
    "python": [sys.executable, "-"],
    "javascript": ["node", "--input-type=module", "-"],
}
NAMES = {"revision", "stages", "feedback", "openai-python", "openai-javascript"}


def blocks() -> Mapping[str, tuple[str, str]]:
    """Language and text of each marked block."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return {name: (language, code) for name, language, code in MARKED.findall(text)}


def test_every_marked_block_is_run_here() -> None:
    assert set(blocks()) == NAMES
    assert {language for language, _ in blocks().values()} == set(COMMANDS)
    assert all(ADDRESS in code for _, code in blocks().values())
    assert (ROOT / "README.md").read_text(encoding="utf-8").count("<!-- run: ") == len(NAMES)


@pytest.fixture(scope="module")
def keeping(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway as it comes, but with its feedback in a folder of the tests'."""
    folder = tmp_path_factory.mktemp("readme")
    database = f"sqlite:///{folder / 'feedback.db'}"
    with running_gateway(engine_url, folder / "gateway.log", feedback_database=database) as running:
        yield running


def printed(name: str, gateway: Gateway) -> str:
    """What the block prints."""
    language, code = blocks()[name]
    if language == "javascript":
        installed(HERE / "node_modules" / "openai" / "package.json", "clients")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "PRECEPTOR_"))}
    done = subprocess.run(
        COMMANDS[language],
        input=code.replace(ADDRESS, gateway.url.removeprefix("http://")),
        cwd=HERE,
        env=inherited | {"NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.engine
def test_curl_prints_a_whole_revision(keeping: Gateway) -> None:
    found = json.loads(printed("revision", keeping))
    assert found["outcome"] in LOOP_OUTCOMES
    assert found["answer"]
    assert found["criteria"]


@pytest.mark.engine
def test_httpx_follows_the_stages(keeping: Gateway) -> None:
    *verdicts, last = printed("stages", keeping).splitlines()
    outcome, _, answer = last.partition(": ")
    assert outcome in LOOP_OUTCOMES
    assert answer.startswith("Thank you for writing")
    assert verdicts
    assert all(re.fullmatch(r"verdict on criterion \d+ \S+ (True|False|None)", line) for line in verdicts)


@pytest.mark.engine
def test_feedback_is_stored_without_its_texts(keeping: Gateway) -> None:
    *criteria, last = printed("feedback", keeping).splitlines()
    id_, content = last.split()
    assert criteria
    assert content == "withheld"
    assert httpx.get(f"{keeping.base}/feedback/{id_}").json()["preferred"] == "revision"


@pytest.mark.engine
def test_the_python_client_shows_the_stages_and_then_the_answer(keeping: Gateway) -> None:
    told = printed("openai-python", keeping)
    assert "Verdicts:" in told
    assert told.index("Principles:") < told.index("Verdicts:")
    assert len(told.rpartition("\n")[2]) > 100


@pytest.mark.engine
def test_the_javascript_client_prints_answer_and_outcome(keeping: Gateway) -> None:
    *answer, outcome = printed("openai-javascript", keeping).splitlines()
    assert len(" ".join(answer)) > 100
    assert outcome in LOOP_OUTCOMES
