import sys

import pytest

from tests.clients.program import HERE, installed, scenes


def test_a_client_that_is_not_there_fails_with_the_command_that_makes_it() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"^tests/clients/nothing is missing; `make clients` makes it$"):
        installed(HERE / "nothing", "clients")


def test_what_a_program_prints_last_is_read() -> None:
    code = "import sys; print('advice'); print('{\"argument\": \"' + sys.argv[1] + '\"}')"
    assert scenes([sys.executable, "-c", code], "given") == {"argument": "given"}


def test_a_program_gets_no_settings_of_whoever_runs_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "elsewhere")
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    found = scenes([sys.executable, "-c", code])
    assert "OPENAI_BASE_URL" not in found
    assert found["LANGSMITH_TRACING"] == "false"


def test_a_program_that_fails_is_shown() -> None:
    with pytest.raises(AssertionError, match="no such luck"):
        scenes([sys.executable, "-c", "raise SystemExit('no such luck')"])
