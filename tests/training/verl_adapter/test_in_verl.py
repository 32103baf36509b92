"""Runs the checks of in_verl/ in verl's own environment, whose versions conflict with ours."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.clients.program import ROOT, installed

CHECKS = Path(__file__).parent / "in_verl"
SECONDS = 600


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 30)
@pytest.mark.parametrize("checks", sorted(path.name for path in CHECKS.glob("*_checks.py")))
def test_with_verl(checks: str) -> None:
    python = installed(ROOT / ".venv-verl" / "bin" / "python", "verl")
    command = [str(python), "-m", "pytest", "-c", "pytest.ini", "--confcutdir=.", "-q", checks]
    environment = dict(os.environ) | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        command, cwd=CHECKS, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-8000:]
