from pathlib import Path

import pytest

from loadtest import servers
from loadtest.connection import Address
from loadtest.servers import litellm, optillm, serving

OWN, ENGINE = Address("127.0.0.1", 4000), Address("127.0.0.1", 9)


def test_servers_that_are_not_installed_are_named_with_what_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servers, "ROOT", tmp_path)
    with serving({"engine", "litellm", "optillm"}, tmp_path, ()) as running:
        assert list(running.children) == ["engine"]
        assert running.unavailable == {"litellm": "make peers", "optillm": "make peers"}


def test_a_server_that_does_not_come_up_is_named_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / ".venv-litellm" / "bin" / "litellm"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho 'no such option' >&2\nexit 3\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(servers, "ROOT", tmp_path)
    with serving({"litellm"}, tmp_path, ()) as running:
        assert running.unavailable == {"litellm": "litellm ended with status 3\nno such option"}


@pytest.mark.parametrize("server", [litellm(), optillm()], ids=lambda server: server.name)
def test_peers_are_told_where_the_engine_is_and_where_to_listen(server: servers.Server) -> None:
    words = server.command(OWN, ENGINE)
    assert "http://127.0.0.1:9/v1" in words
    assert words[words.index("--port") + 1] == "4000"
    assert words[words.index("--host") + 1] == "127.0.0.1"
