import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from models import launcher, process
from models.engine import ChatRequest
from models.flags import LaunchSpec, cpu_command, gpu_command
from models.judge import gives_logprobs
from models.launcher import bundled_spec, main
from models.process import LaunchFailure, launch
from models.vllm import VLLMEngine

FAKE = str(Path(__file__).with_name("fake_engine.py"))


@pytest.fixture
def spec() -> LaunchSpec:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return LaunchSpec(model="any", served_model_name="m", port=probe.getsockname()[1])


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits for its parent does not."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ends(pid: int) -> bool:
    """Whether the process is gone within two seconds: nobody waits for an orphan that was killed."""
    until = time.monotonic() + 2
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not alive(pid)


def fake(spec: LaunchSpec, *more: str) -> tuple[str, ...]:
    return (sys.executable, FAKE, str(spec.port), *more)


def test_cpu_command_of_a_small_model(tmp_path: Path) -> None:
    spec = LaunchSpec(
        model=str(tmp_path),
        served_model_name="m",
        port=9,
        max_model_len=2048,
        threads=1,
        compiled=True,
        extra=("--x",),
    )
    assert cpu_command(spec, Path("/e/python")) == (
        *(
            "env",
            "VLLM_NO_USAGE_STATS=1",
            "VLLM_ENFORCE_STRICT_TOOL_CALLING=0",
            "HF_HUB_OFFLINE=1",
            "VLLM_CPU_KVCACHE_SPACE=1",
        ),
        *("VLLM_ENABLE_V1_MULTIPROCESSING=0", "OMP_NUM_THREADS=1"),
        *("/e/python", "-m", "vllm.entrypoints.openai.api_server", "--model", str(tmp_path)),
        *("--dtype", "float32", "--block-size", "32", "--no-enable-chunked-prefill"),
        *("--max-num-batched-tokens", "2048", "--served-model-name", "m", "--host", "127.0.0.1", "--port", "9"),
        *("--max-model-len", "2048", "--enable-prefix-caching", "--enable-prompt-tokens-details"),
        *("--scheduling-policy", "priority", "--structured-outputs-config"),
        '{"backend":"guidance","disable_any_whitespace":true}',
        *("--enable-auto-tool-choice", "--tool-call-parser", "hermes", "--disable-uvicorn-access-log", "--x"),
    )


def test_cpu_command_leaves_threads_to_vllm_and_can_do_without_a_compiler() -> None:
    command = cpu_command(LaunchSpec(model="org/name", served_model_name="m"), Path("python"))
    assert command[:6] == (
        "env",
        "VLLM_NO_USAGE_STATS=1",
        "VLLM_ENFORCE_STRICT_TOOL_CALLING=0",
        "VLLM_CPU_KVCACHE_SPACE=1",
        "TORCHDYNAMO_DISABLE=1",
        "python",
    )
    assert "--enforce-eager" in command
    assert "--max-model-len" not in command


def test_gpu_command() -> None:
    command = gpu_command(LaunchSpec(model="org/name", served_model_name="m"), Path("/b/vllm"))
    environment = ("VLLM_NO_USAGE_STATS=1", "VLLM_ENFORCE_STRICT_TOOL_CALLING=0")
    assert command[:6] == ("env", *environment, "/b/vllm", "serve", "org/name")
    assert "--dtype" not in command


def test_bundled_spec(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    spec = bundled_spec(8001, checkpoint=tmp_path)
    assert (spec.served_model_name, spec.max_model_len, spec.threads) == ("preceptor-miniclinic", 2048, 1)
    assert spec.url == "http://127.0.0.1:8001"
    with pytest.raises(LaunchFailure, match="no checkpoint"):
        bundled_spec(8001, checkpoint=tmp_path / "none")


def test_launch_waits_warms_up_and_leaves_nothing_behind(spec: LaunchSpec, tmp_path: Path) -> None:
    told: list[str] = []
    log = tmp_path / "log"
    with launch(spec, fake(spec), log, tell=told.append) as engine:
        assert httpx.get(f"{engine.url}/health").status_code == 200
        grandchild = int(log.read_text(encoding="utf-8").split()[1])
        assert alive(engine.pid)
        assert alive(grandchild)
    assert [line.split(":")[0] for line in told[1:]] == [
        "warm-up, plain answer",
        "warm-up, log-probabilities",
        "warm-up, JSON schema",
        "warm-up, stream",
    ]
    assert not alive(engine.pid)
    assert ends(grandchild)


def test_an_exception_in_the_block_stops_the_engine_too(spec: LaunchSpec, tmp_path: Path) -> None:
    pids: list[int] = []

    def use() -> None:
        with launch(spec, fake(spec), tmp_path / "log") as engine:
            pids.append(engine.pid)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        use()
    assert [alive(pid) for pid in pids] == [False]


def test_an_engine_that_ends_shows_its_last_words(spec: LaunchSpec, tmp_path: Path) -> None:
    command = (sys.executable, "-c", "raise SystemExit('no such model')")
    with pytest.raises(LaunchFailure, match=r"status 1\n(.|\n)*no such model"), launch(spec, command, tmp_path / "log"):
        pass


def test_an_engine_that_fails_its_warm_up(spec: LaunchSpec, tmp_path: Path) -> None:
    with pytest.raises(LaunchFailure, match="warm-up failed"), launch(spec, fake(spec, "500"), tmp_path / "log"):
        pass


def test_an_engine_that_never_answers_is_stopped(spec: LaunchSpec, tmp_path: Path) -> None:
    started = time.monotonic()
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    with (
        pytest.raises(LaunchFailure, match="not ready after 0 s"),
        launch(spec, command, tmp_path / "log", start_seconds=0.4),
    ):
        pass
    assert time.monotonic() - started < 10


def test_an_engine_that_ignores_sigterm_is_killed(
    spec: LaunchSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "STOP_SECONDS", 0.3)
    stubborn = (
        f"import signal,runpy,sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); sys.argv = [{FAKE!r}, '{spec.port}']"
    )
    command = (sys.executable, "-c", f"{stubborn}; runpy.run_path({FAKE!r}, run_name='__main__')")
    with launch(spec, command, tmp_path / "log") as engine:
        pid = engine.pid
    assert not alive(pid)


def test_a_taken_port_is_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        spec = LaunchSpec(model="any", served_model_name="m", port=taken.getsockname()[1])
        with pytest.raises(LaunchFailure, match="cannot be had"), launch(spec, ("true",), tmp_path / "log"):
            pass


@pytest.fixture
def restored_sigterm() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("restored_sigterm")
def test_main_runs_a_command_beside_the_engine(
    spec: LaunchSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launcher, "choose_command", lambda *_: fake(spec))
    script = f"import urllib.request as u; raise SystemExit(u.urlopen('{spec.url}/health').status - 193)"
    options = ["--model", "any/m", "--port", str(spec.port), "--log", str(tmp_path / "log")]
    assert main([*options, "--", sys.executable, "-c", script]) == 7
    assert f"engine: ready: m at {spec.url}\n" in capsys.readouterr().out


@pytest.mark.usefixtures("restored_sigterm")
def test_main_says_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launcher, "choose_command", lambda *_: (sys.executable, "-c", "raise SystemExit('broken')"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert main(["--model", "m", "--port", str(port), "--log", str(tmp_path / "log")]) == 1
    assert "broken" in capsys.readouterr().err


def test_own_process_is_alive() -> None:
    assert alive(os.getpid())


@pytest.mark.engine
async def test_real_engine_answers_each_kind_of_request(engine_url: str, engine_model: str) -> None:
    engine = VLLMEngine(engine_url, engine_model)
    question = ({"role": "user", "content": "The pain came on suddenly and spreads to the arm. " * 8},)
    schema = {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "enum": [1, 2]},
            "op": {"type": "string", "enum": ["insert", "delete"]},
        },
        "required": ["n", "op"],
        "additionalProperties": False,
    }
    try:
        assert await engine.ready()
        assert [(card.id, card.max_model_len) for card in await engine.models()] == [(engine_model, 2048)]
        first = await engine.chat(ChatRequest(messages=question, max_tokens=4, temperature=0.0, priority=1))
        again = await engine.chat(ChatRequest(messages=question, max_tokens=4, temperature=0.0, priority=-1))
        assert (again.text, again.usage.prompt_tokens) == (first.text, first.usage.prompt_tokens)
        assert again.usage.cached_tokens == (first.usage.prompt_tokens - 1) // 32 * 32
        assert await gives_logprobs(engine)
        typed = await engine.chat(ChatRequest(messages=question, max_tokens=40, temperature=0.0, json_schema=schema))
        assert typed.text == json.dumps(json.loads(typed.text), separators=(",", ":"))
        chosen = await engine.chat(ChatRequest(messages=question, max_tokens=8, choices=("yes", "no")))
        assert chosen.text in {"yes", "no"}
        async with aclosing(engine.stream(ChatRequest(messages=question, max_tokens=4, temperature=0.0))) as deltas:
            pieces = [delta async for delta in deltas]
        assert "".join(piece.text for piece in pieces) == first.text
        assert pieces[-1].usage == again.usage
    finally:
        await engine.aclose()
