"""What the gateway never loads, runs or fetches: pickles, code from a checkpoint, whatever a message points at."""

import ast
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from principles.retrieve import build_retriever
from service.app import create_app
from service.settings import Settings
from tests.service.api.scripted_engine import ENGINE_MODEL, Script, engine_app
from tests.service.api.serving import eventually, served

ROOT = Path(__file__).parents[2]
SERVED = ("service", "models", "principles")
PICKLING = frozenset({"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"})
FORBIDDEN_WORDS = frozenset({"trust_remote_code", "allow_pickle", "weights_only"})
PICKLED_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".h5")


def sources() -> Iterator[Path]:
    for part in SERVED:
        yield from sorted((ROOT / part).rglob("*.py"))


def risks(code: str) -> set[str]:
    """What in this code could run what it reads."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Import(names=names):
                found |= {name.name for name in names if name.name.partition(".")[0] in PICKLING}
            case ast.ImportFrom(module=str(module)) if module.partition(".")[0] in PICKLING:
                found.add(module)
            case ast.keyword(arg=str(arg)) if arg in FORBIDDEN_WORDS:
                found.add(arg)
            case ast.Constant(value=str(value)) if "trust-remote-code" in value or "trust_remote_code" in value:
                found.add("trust_remote_code")
            case ast.Call(func=ast.Name(id="eval" | "exec" as name)):
                found.add(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="torch"), attr="load")):
                found.add("torch.load")
            case ast.Call(func=ast.Attribute(value=ast.Name(id="yaml"), attr="load" | "unsafe_load" | "full_load")):
                found.add("yaml.load")
    return found


def test_nothing_that_is_read_is_run() -> None:
    assert {str(path.relative_to(ROOT)): found for path in sources() if (found := risks(path.read_text()))} == {}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import pickle", {"pickle"}),
        ("from joblib import load", {"joblib"}),
        ("f(trust_remote_code=True)", {"trust_remote_code"}),
        ("args = ['--trust-remote-code']", {"trust_remote_code"}),
        ("np.load(x, allow_pickle=True)", {"allow_pickle"}),
        ("torch.load(x)", {"torch.load"}),
        ("yaml.load(x)", {"yaml.load"}),
        ("yaml.safe_load(x); np.load(x); json.loads(x)", set()),
        ("eval(x)", {"eval"}),
    ],
)
def test_a_risk_is_recognised(code: str, found: set[str]) -> None:
    assert risks(code) == found


def test_weights_are_shipped_as_safetensors_or_onnx_only() -> None:
    files = [path for part in SERVED for path in (ROOT / part).rglob("*") if path.is_file()]
    assert [str(path) for path in files if path.suffix in PICKLED_SUFFIXES] == []
    weights = {str(path.relative_to(ROOT)) for path in files if path.stat().st_size > 2**20}
    assert {Path(path).suffix for path in weights if Path(path).stem == "model"} == {".safetensors", ".onnx"}


@pytest.fixture
def trap() -> Iterator[tuple[str, list[str]]]:
    """The URL of a server that hears who connects to it."""
    heard: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        ended = threading.Event()

        def listen() -> None:
            while not ended.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection:
                    heard.append(connection.recv(4096).decode(errors="replace"))

        thread = threading.Thread(target=listen)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", heard
        ended.set()
        thread.join()


def parts(url: str) -> list[dict[str, Any]]:
    return [
        {"type": "text", "text": f"What is on ![this]({url}/md.png)? {url}/text"},
        {"type": "image_url", "image_url": {"url": f"{url}/image.png"}},
        {"type": "video_url", "video_url": {"url": f"{url}/video.mp4"}},
        {"type": "audio_url", "audio_url": {"url": f"{url}/audio.wav"}},
        {"type": "file", "file": {"file_id": f"{url}/file"}},
    ]


def test_what_a_message_points_at_is_never_fetched(trap: tuple[str, list[str]]) -> None:
    url, heard = trap
    script = Script(draft=f"See ![picture]({url}/draft.png).")
    with (
        served(engine_app(script)) as engine,
        served(create_app(Settings(engine_url=(engine,)), retriever=build_retriever()), lifespan="on") as gateway,
    ):
        eventually(lambda: httpx.get(f"{gateway}/readyz").status_code == 200)
        messages = [{"role": "user", "content": parts(url)}]
        for path, body in (
            ("/v1/chat/completions", {"model": "preceptor", "messages": messages}),
            ("/v1/chat/completions", {"model": "preceptor", "messages": messages, "stream": True}),
            ("/v1/chat/completions", {"model": ENGINE_MODEL, "messages": messages}),
            ("/v1/revisions", {"messages": messages, "draft": script.draft}),
            ("/v1/principles/search", {"messages": messages}),
        ):
            assert httpx.post(f"{gateway}{path}", json=body, timeout=20).status_code == 200, path
    assert f"{url}/image.png" in str(script.asked)  # the engine gets it as it came
    assert heard == []


def test_the_trap_hears(trap: tuple[str, list[str]]) -> None:
    url, heard = trap
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{url}/image.png", timeout=5)
    assert heard[0].startswith("GET /image.png ")
