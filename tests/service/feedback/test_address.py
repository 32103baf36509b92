from pathlib import Path

import pytest

from service.feedback.address import database_url, file_of


def test_feedback_can_be_off() -> None:
    assert database_url("off") is None


def test_as_it_comes_it_is_a_file_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ward")
    url = database_url("")
    assert url is not None
    assert file_of(url) == Path("/home/ward/.local/state/preceptor/feedback.db")


@pytest.mark.parametrize("kind", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_a_server_has_its_driver_and_ssl_as_that_spells_it(kind: str) -> None:
    url = database_url(f"{kind}://u:p@db.example/name?sslmode=require")
    assert url is not None
    assert url.render_as_string(hide_password=False) == "postgresql+asyncpg://u:p@db.example/name?ssl=require"
    assert file_of(url) is None


@pytest.mark.parametrize("wrong", ["on", "mysql://u:hidden@h/n", "sqlite://", "sqlite:///:memory:", "postgresql://h"])
def test_what_is_neither_is_refused_and_not_quoted(wrong: str) -> None:
    with pytest.raises(ValueError, match="needs to be off") as refused:
        database_url(wrong)
    assert "hidden" not in str(refused.value)
