import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from loadtest.child import Child, ChildFailure, free_address, running, stopping_on_sigterm

SERVE = "import http.server, sys; http.server.test(http.server.SimpleHTTPRequestHandler, port=int(sys.argv[1]))"
# A server's own child, which does not hear of its parent's end, and whose number is told in the log.
FORKING = "import subprocess, sys, time; print(subprocess.Popen(['sleep', '300']).pid, flush=True); time.sleep(300)"


def test_a_child_that_ends_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print('first'); sys.exit('no such model')"]
    with (
        running(command, free_address(), tmp_path / "peer.log") as child,
        pytest.raises(ChildFailure, match=r"(?s)peer ended with status 1.*no such model"),
    ):
        child.await_answer("/", 30.0)


def test_a_child_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(300)"]
    with (
        running(command, free_address(), tmp_path / "peer.log") as child,
        pytest.raises(ChildFailure, match="did not answer /health within 0 s"),
    ):
        child.await_answer("/health", 0.3)


def test_nothing_of_a_child_is_left(tmp_path: Path) -> None:
    log = tmp_path / "peer.log"
    with running([sys.executable, "-c", FORKING], free_address(), log) as child:
        while not log.read_text(encoding="utf-8").strip():
            time.sleep(0.02)
    assert child.process.returncode == -signal.SIGTERM
    grandchild = int(log.read_text(encoding="utf-8"))
    deadline = time.monotonic() + 20
    while is_running(grandchild) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(grandchild)


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_sigterm_leaves_the_block_and_stops_what_runs_in_it(tmp_path: Path) -> None:
    started: list[Child] = []

    def wait_for_the_end() -> None:
        command = [sys.executable, "-c", "import time; time.sleep(300)"]
        with stopping_on_sigterm(), running(command, free_address(), tmp_path / "peer.log") as child:
            started.append(child)
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(20)

    with pytest.raises(SystemExit) as stopped:
        wait_for_the_end()
    assert stopped.value.code == 128 + signal.SIGTERM
    assert [child.process.returncode for child in started] == [-signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_free_address_can_be_listened_at() -> None:
    address = free_address()
    with socket.create_server((address.host, address.port)):
        assert address.url == f"http://127.0.0.1:{address.port}"


def test_a_child_is_run_without_our_standard_input(tmp_path: Path) -> None:
    log = tmp_path / "peer.log"
    command = [sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"]
    with running(command, free_address(), log) as child:
        assert child.process.wait(30) == 0
    assert log.read_text(encoding="utf-8") == "''\n"
    assert isinstance(child.process, subprocess.Popen)
