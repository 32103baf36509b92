import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from principles.retrieve import Retriever, build_retriever
from service.app import create_app
from service.settings import Settings
from tests.service.api.scripted_engine import Script, engine_app
from tests.service.api.serving import eventually, served

Serve = Callable[..., str]


@pytest.fixture(scope="session")
def retriever() -> Retriever:
    return build_retriever()


@pytest.fixture(scope="session")
def _running(retriever: Retriever, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Script, str, str]]:
    script = Script()
    feedback = f"sqlite:///{tmp_path_factory.mktemp('feedback')}/feedback.db"
    with served(engine_app(script)) as engine_url:
        settings = Settings(engine_url=engine_url, open_after_s=1.0, heartbeat_s=0.2, feedback_database=feedback)
        with served(create_app(settings, retriever=retriever), lifespan="on") as url:
            eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
            yield script, engine_url, url


@pytest.fixture
def script(_running: tuple[Script, str, str]) -> Script:
    """The engine's script, as good as new."""
    shared = _running[0]
    for field in dataclasses.fields(Script):
        setattr(shared, field.name, getattr(Script(), field.name))
    return shared


@pytest.fixture
def url(_running: tuple[Script, str, str], script: Script) -> str:
    """A gateway in front of the scripted engine."""
    return _running[2]


@pytest.fixture
def engine_base(_running: tuple[Script, str, str]) -> str:
    return _running[1]


@pytest.fixture
def serve(retriever: Retriever, engine_base: str, script: Script) -> Iterator[Serve]:
    """Runs a further gateway with settings of its own."""
    with ExitStack() as stack:

        def run(**settings: object) -> str:
            chosen = Settings.model_validate({"engine_url": engine_base, "feedback_database": "off", **settings})
            return stack.enter_context(served(create_app(chosen, retriever=retriever), lifespan="on"))

        yield run
