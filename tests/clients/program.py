"""Runs a client's program outside the tests' own environment and reads the JSON that it prints.

A program runs all of its scenes; its last line is one object, a scene's name to what it saw. Invariant: a client that
is not installed fails the test with the command that installs it, and nothing that it would report home leaves.
"""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PROGRAM_SECONDS = 240
_QUIET = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "LANGCHAIN_TRACING_V2": "false",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_TELEMETRY": "False",
    "NO_PROXY": "*",
    "PYTHONWARNINGS": "ignore",
}
_OF_OTHERS = ("PRECEPTOR_", "OPENAI_", "LANGCHAIN_", "LANGSMITH_", "LITELLM_")


def scenes(command: Sequence[str | Path], *arguments: str) -> Mapping[str, Any]:
    """What each scene of a program saw."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OF_OTHERS)}
    done = subprocess.run(
        [*command, *arguments],
        env=inherited | _QUIET,
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # LiteLLM writes advice of its own above.
    found: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def installed(path: Path, target: str) -> Path:
    """The path, or a failed test that says how to get what should be there."""
    if not path.exists():
        pytest.fail(f"{path.relative_to(ROOT)} is missing; `make {target}` makes it", pytrace=False)
    return path


def clients_python() -> Path:
    """The interpreter of the environment that holds LangChain and LiteLLM."""
    return installed(ROOT / ".venv-clients" / "bin" / "python", "clients")
