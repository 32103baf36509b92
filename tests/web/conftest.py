"""What the page's tests share: a browser, and gateways to look at.

Invariant: a browser lives for one module only; while it does, no event loop of ours can run in this thread.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, sync_playwright
from starlette.types import ASGIApp, Receive, Scope, Send

from principles.retrieve import Retriever, build_retriever
from service.app import create_app
from service.settings import Settings
from tests.clients.running_gateway import Gateway, running_gateway
from tests.service.api.scripted_engine import Script, engine_app
from tests.service.api.serving import eventually, served

LOCK = Path(tempfile.gettempdir()) / "preceptor-tests-apt.lock"
INSTALL_SECONDS = 600
Serve = Callable[..., str]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test of a browser may have to wait for its installation."""
    for item in items:
        asks = "chromium" in getattr(item, "fixturenames", ())
        if asks and not item.get_closest_marker("timeout") and not item.get_closest_marker("engine"):
            item.add_marker(pytest.mark.timeout(INSTALL_SECONDS))


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is; installed as root where it is missing, with a font for Chinese."""
    if shutil.which("chromium") is None:
        install("chromium")
    if not subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True, check=False).stdout.strip():
        install("fontconfig", "fonts-wqy-microhei")
    found = shutil.which("chromium")
    assert found is not None, "these tests need Chromium: install Debian's package chromium, as root"
    return found


def install(*packages: str) -> None:
    """Install Debian's packages, where that is possible; what cannot be is told by the test that misses it."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    for words in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        command = ["apt-get", "-o", "DPkg::Lock::Timeout=300", *words]
        with LOCK.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()[-500:]}"


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def gateway(engine_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway of its own process before the real engine."""
    folder = tmp_path_factory.mktemp("web")
    database = f"sqlite:///{folder / 'feedback.sqlite'}"
    log = folder / "gateway.log"
    with running_gateway(engine_url, log, feedback_database=database, feedback_content=True) as running:
        yield running


@pytest.fixture(scope="session")
def retriever() -> Retriever:
    return build_retriever()


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def serve(retriever: Retriever, script: Script) -> Iterator[Serve]:
    """Runs a gateway before the scripted engine, with settings of its own, under a path if one is given."""
    with ExitStack() as stack:
        engine_url = stack.enter_context(served(engine_app(script)))

        def run(*, under: str = "", **settings: object) -> str:
            chosen = Settings.model_validate({"engine_url": engine_url, "feedback_database": "off", **settings})
            app: ASGIApp = create_app(chosen, retriever=retriever)
            url = stack.enter_context(served(Under(app, under) if under else app, lifespan="on"))
            eventually(lambda: httpx.get(f"{url}{under}/readyz").status_code == 200, 60.0)
            return f"{url}{under}/"

        yield run


class Under:
    """A proxy's part: takes what is under a path, and passes it on without."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self.app = app
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            assert scope["path"].startswith(f"{self.path}/"), f"{scope['path']} is not under {self.path}"
            scope = {**scope, "path": scope["path"].removeprefix(self.path)}
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def screenshots(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go."""
    given = request.config.getoption("--screenshots")
    folder = Path(given) if given else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def axe_options() -> Mapping[str, object]:
    """Every rule of WCAG 2.2 A and AA, and axe's own best practices."""
    return {"resultTypes": ["violations"], "runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
