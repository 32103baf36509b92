"""The Dockerfile by rules of our own, and its build stage carried out in a clean folder, without a container engine."""

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import tomllib
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PACKAGES = {"principles", "models", "service", "training", "loadtest"}


@dataclass(frozen=True)
class Instruction:
    """One instruction; `words` is its text with continued lines joined."""

    name: str
    words: str
    stage: str


def instructions() -> list[Instruction]:
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    found: list[Instruction] = []
    stage = ""
    for line in filter(None, re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()):
        name, _, words = line.partition(" ")
        if name == "FROM":
            stage = words.rsplit(" AS ", 1)[1]
        found.append(Instruction(name, words.strip(), stage))
    return found


def of(stage: str, name: str) -> list[str]:
    return [found.words for found in instructions() if (found.stage, found.name) == (stage, name)]


def copied(stage: str) -> list[tuple[str, str]]:
    """Source and destination of every COPY from the repository."""
    rows = [words.split() for words in of(stage, "COPY") if not words.startswith("--from")]
    return [(source, words[-1]) for words in rows for source in words[:-1]]


def environment_of(stage: str) -> dict[str, str]:
    return dict(word.split("=", 1) for words in of(stage, "ENV") for word in words.split())


def test_the_gateway_is_what_is_built_unless_told_otherwise() -> None:
    stages = [found.stage for found in instructions() if found.name == "FROM"]
    assert stages == ["build", "training", "gateway"]


def test_every_base_is_one_exact_version() -> None:
    (default,) = of("", "ARG")
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.11\.\d+-slim-[a-z]+", default)
    bases = {found.words.split(" AS ")[0] for found in instructions() if found.name == "FROM"}
    assert bases == {"${PYTHON_IMAGE}"}


@pytest.mark.parametrize("stage", ["gateway", "training"])
def test_an_image_runs_as_a_number_that_is_not_root(stage: str) -> None:
    (user,) = of(stage, "USER")
    assert re.fullmatch(r"[1-9]\d{4,}:[1-9]\d{4,}", user)


def test_the_chart_runs_the_image_as_it_is_built() -> None:
    template = (ROOT / "helm" / "templates" / "gateway-deployment.yaml").read_text()
    (user,) = of("gateway", "USER")
    assert f"runAsUser: {user.split(':')[0]}" in template
    assert (of("gateway", "ENTRYPOINT"), of("gateway", "CMD")) == (['["preceptor"]'], ['["serve"]'])
    assert "args: [serve]" in template
    values = yaml.safe_load((ROOT / "helm" / "values.yaml").read_text())
    assert of("gateway", "EXPOSE") == [str(values["gateway"]["settings"]["port"])]


def test_the_gateways_image_is_only_put_together() -> None:
    assert of("gateway", "RUN") == []
    assert of("gateway", "COPY") == ["--from=build /opt/preceptor /opt/preceptor"]
    assert of("gateway", "STOPSIGNAL") == ["SIGTERM"]


@pytest.mark.parametrize("stage", ["gateway", "training"])
def test_an_image_says_what_it_is(stage: str) -> None:
    labels = set(re.findall(r"org\.opencontainers\.image\.(\w+)=", " ".join(of(stage, "LABEL"))))
    assert {"title", "description", "licenses"} <= labels
    if stage == "gateway":
        assert {"version", "revision"} <= labels
        assert "VERSION=" + project()["version"] in of(stage, "ARG")


def project() -> dict[str, str]:
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        "version": found["version"],
        "torch": next(t for t in found["optional-dependencies"]["training"] if "torch" in t),
    }


def test_what_is_installed_is_pinned() -> None:
    runs = [*of("build", "RUN"), *of("training", "RUN")]
    assert all("setuptools==80.9.0" in text for text in runs if "setuptools" in text)
    assert project()["torch"] in of("training", "RUN")[-1].split()
    installs = [part for text in runs for part in text.split("&&") if "install" in part]
    assert all(re.search(r"==|--constraint|--requirement", part) for part in installs)
    assert not [text for text in runs if re.search(r"apt-get|curl|wget|sudo", text)]
    assert environment_of("build")["PIP_NO_CACHE_DIR"] == environment_of("training")["PIP_NO_CACHE_DIR"] == "1"


@pytest.mark.parametrize(
    ("stage", "packages"), [("build", {"principles", "models", "service"}), ("training", PACKAGES)]
)
def test_only_what_is_named_is_copied(stage: str, packages: set[str]) -> None:
    sources = {source for source, _ in copied(stage)}
    assert {source for source in sources if (ROOT / source).is_dir()} == packages
    assert all((ROOT / source).exists() for source in sources)
    assert not any(found.name == "ADD" for found in instructions())


def test_the_builder_is_sent_only_what_is_copied() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    assert rules[0] == "*"
    assert let_in == {source for stage in ("build", "training") for source, _ in copied(stage)}


def test_no_secret_is_baked_in() -> None:
    names = [name for stage in ("build", "training", "gateway") for name in environment_of(stage)]
    assert not [name for name in names if re.search(r"KEY|TOKEN|SECRET|PASSWORD", name)]


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server that answers everything with one status."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(request.param if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("answering", "healthy"), [(200, True), (503, False)], indirect=["answering"])
def test_the_health_check_reads_readiness(answering: int, healthy: bool) -> None:
    (check,) = of("gateway", "HEALTHCHECK")
    command = json.loads(check.split("CMD", 1)[1])
    env = {**os.environ, "PRECEPTOR_PORT": str(answering)}
    done = subprocess.run([sys.executable, *command[1:]], env=env, capture_output=True, check=False)
    assert (done.returncode == 0) is healthy


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_build_stage_makes_a_gateway_without_torch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    carry_out("build", tmp_path)
    prefix = tmp_path / "opt" / "preceptor"
    site = prefix / "lib" / "python3.11" / "site-packages"
    there = {path.name.split("-")[0].lower() for path in site.iterdir()}
    assert {"service", "principles", "models", "preceptor"} <= there
    assert not there & {"torch", "vllm", "transformers", "pip", "setuptools", "training", "tests", "pytest"}
    assert not list(prefix.rglob("*.safetensors"))
    assert (site / "principles" / "encoder" / "model.onnx").is_file()
    assert not list(site.glob("models/bundled*"))
    shown = run_in(prefix, tmp_path, "preceptor", "--help")
    assert "run the gateway" in shown
    assert run_in(prefix, tmp_path, "preceptor", "version") == f"preceptor {project()['version']}\n"
    started = time.perf_counter()
    run_in(prefix, tmp_path, "python", "-c", "import service.server, sys; assert 'torch' not in sys.modules")
    seconds = time.perf_counter() - started
    size = sum(path.stat().st_size for path in prefix.rglob("*") if path.is_file() and not path.is_symlink())
    with capsys.disabled():
        sys.stdout.write(f"\ngateway: {size / 1e6:.0f} MB installed, imported in {seconds:.2f} s\n")
    assert size < 600e6


def carry_out(stage: str, root: Path) -> None:
    """Do what the stage does below `root` in the place of `/`, with a Python of its own in the place of the image's."""
    venv.create(root / "python", with_pip=True)
    env = {**os.environ, **environment_of(stage), "PATH": f"{root / 'python' / 'bin'}:{os.environ['PATH']}"}
    folder = root
    for found in instructions():
        if found.stage != stage:
            continue
        if found.name == "WORKDIR":
            folder = root / found.words.lstrip("/")
            folder.mkdir(parents=True)
        elif found.name == "COPY":
            *sources, destination = found.words.split()
            for source in sources:
                copy(ROOT / source, folder / destination)
        elif found.name == "RUN":
            command = re.sub(r"(?<=[ =])/(opt|wheels)", rf"{root}/\1", found.words)
            done = subprocess.run(
                ["bash", "-ec", command], cwd=folder, env=env, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def copy(source: Path, destination: Path) -> None:
    """As COPY does, without what .dockerignore keeps back."""
    if source.is_dir():
        shutil.copytree(source, destination, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
        return
    destination.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, destination)


def run_in(prefix: Path, folder: Path, command: str, *words: str) -> str:
    """Run a command of the new environment from an empty folder, so that nothing of the repository is found."""
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    done = subprocess.run(
        [prefix / "bin" / command, *words],
        cwd=empty,
        env={"PATH": f"{prefix / 'bin'}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
