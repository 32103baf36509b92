"""A real PostgreSQL from Debian's package, in a folder of its own, that can be killed and started again.

Invariant: it listens on loopback only, runs without rights, and is gone with its folder at the end.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import asyncpg  # type: ignore[import-untyped]

LOCK = Path(tempfile.gettempdir()) / "preceptor-tests-apt.lock"
USER = "postgres"


def programs() -> Path:
    """The folder with initdb and postgres; installed as root where they are missing. Fails with what to do."""
    if _found() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for words in (["update"], ["install", "--yes", "--no-install-recommends", "postgresql"]):
            command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", *words]
            with LOCK.open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()[-500:]}"
    found = _found()
    assert found is not None, "these tests need PostgreSQL: install Debian's package postgresql, as root"
    return found


def _found() -> Path | None:
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = packaged[-1] if packaged else shutil.which("initdb")
    return None if initdb is None else Path(initdb).parent


class Postgres:
    """One server. ``data`` is its data folder."""

    def __init__(self) -> None:
        self._programs = programs()
        self.folder = Path(tempfile.mkdtemp(prefix="preceptor-postgres-"))
        self.data = self.folder / "data"
        self._user = USER if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(self.folder, USER)
        self._port = _free_port()
        self._databases = 0
        command: list[str | Path] = [
            self._programs / "initdb",
            "--auth=trust",
            "--username=preceptor",
            "--encoding=UTF8",
        ]
        self._run([*command, "--locale=C.UTF-8", f"--pgdata={self.data}"])

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "60"}
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.data, "-p", str(self._port), *words],
                stdout=log, stderr=log, user=self._user, cwd=self.folder,
            )  # fmt: skip
        ready: list[str | Path] = [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self._port)]
        deadline = time.monotonic() + 30
        while subprocess.run(ready, check=False).returncode:
            assert self._process.poll() is None, (self.folder / "log").read_text()[-1000:]
            assert time.monotonic() < deadline, "PostgreSQL did not start"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a power cut would: the server and every process of its own."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        self._process.kill()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End it, and leave nothing behind."""
        if self._process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder)

    async def new_database(self) -> str:
        """The address of a database that holds nothing."""
        self._databases += 1
        name = f"test_{self._databases}"
        connection = await asyncpg.connect(self.address("postgres"))
        try:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        finally:
            await connection.close()
        return self.address(name)

    def address(self, database: str) -> str:
        """Where a database is."""
        return f"postgresql://preceptor@127.0.0.1:{self._port}/{database}"

    def _run(self, command: list[str | Path]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, user=self._user, cwd=self.folder, check=False)
        assert done.returncode == 0, done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
