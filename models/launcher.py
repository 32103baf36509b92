"""`python -m models.launcher`: starts a local engine and keeps it until interrupted, or while a command runs.

Invariant: decides here, from what is installed, on GPU or CPU and compiled or eager, and shows the command.
"""

import argparse
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Literal

from models.flags import LaunchSpec, cpu_command, engine_python, gpu_command
from models.process import EngineProcess, LaunchFailure, launch
from models.registry import REPOSITORY, load_registry

# A model of a few million parameters decodes fastest on one thread; larger ones are left to vLLM's own choice.
_BUNDLED_THREADS = 1


def choose_command(spec: LaunchSpec, device: Literal["auto", "cpu", "gpu"] = "auto") -> tuple[str, ...]:
    """Return the command for this machine. Raises `LaunchFailure` when what it needs is not installed."""
    vllm = shutil.which("vllm", path=str(Path(sys.executable).parent)) or shutil.which("vllm")
    if device == "gpu" and vllm is None:
        raise LaunchFailure("no `vllm` command: pip install -e '.[gpu]'")
    if vllm is not None and (device == "gpu" or (device == "auto" and _has_gpu())):
        return gpu_command(spec, Path(vllm))
    python = engine_python(REPOSITORY)
    found = subprocess.run([python, "-c", "import importlib.util as u; raise SystemExit(not u.find_spec('vllm'))"])
    if found.returncode != 0:
        raise LaunchFailure("no vLLM for the CPU: make engine")
    if spec.compiled and not any(map(shutil.which, ("g++", "clang++"))):
        raise LaunchFailure("--compiled needs a C++ compiler: g++ or clang++")
    return cpu_command(spec, python)


def bundled_spec(port: int, checkpoint: Path | None = None) -> LaunchSpec:
    """Return the spec of the model that comes with the repository, or of another `checkpoint` in its place.

    Raises `LaunchFailure` when it is not there.
    """
    name, entry = load_registry().bundled()
    folder = checkpoint or entry.checkpoint
    if folder is None or not (folder / "config.json").exists():
        raise LaunchFailure(f"no checkpoint at {folder}")
    return LaunchSpec(
        model=str(folder),
        served_model_name=name,
        port=port,
        max_model_len=entry.max_model_len,
        threads=_BUNDLED_THREADS,
    )


def default_log(port: int) -> Path:
    """Return where the engine's log goes unless told otherwise."""
    return Path(tempfile.gettempdir()) / f"preceptor-engine-{port}.log"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the launcher; what follows `--` is run once the engine is ready, and ends the engine when it ends."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    cut = given.index("--") if "--" in given else len(given)
    options = _parser().parse_args(given[:cut])
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        spec = _spec(options)
        command = choose_command(spec, options.device)
        log = options.log or default_log(spec.port)
        _tell(f"starting {spec.served_model_name}, log in {log}")
        _tell(shlex.join(command))
        with launch(spec, command, log, tell=_tell) as engine:
            return _run_along(engine, given[cut + 1 :])
    except LaunchFailure as error:
        sys.stderr.write(f"engine: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _run_along(engine: EngineProcess, command: Sequence[str]) -> int:
    _tell(f"ready: {engine.model} at {engine.url}")
    if not command:
        while True:
            signal.pause()
    child = subprocess.Popen(command)
    try:
        return child.wait()
    finally:
        # An interrupt from the keyboard has reached the command as well; ours from SIGTERM has not.
        if child.poll() is None:
            child.terminate()
        child.wait()


def _spec(options: argparse.Namespace) -> LaunchSpec:
    if options.model is None:
        spec = bundled_spec(options.port)
    else:
        name = options.served_model_name or Path(options.model).name
        length = load_registry().entry(name).max_model_len
        spec = LaunchSpec(model=options.model, served_model_name=name, port=options.port, max_model_len=length)
    changes = {"host": options.host, "threads": options.threads, "max_model_len": options.max_model_len}
    changes = {name: value for name, value in changes.items() if value is not None}
    return replace(spec, **changes, compiled=options.compiled, extra=tuple(options.engine_arg))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="models.launcher", description=main.__doc__)
    parser.add_argument("--model", help="checkpoint folder, or a name that vLLM knows; the bundled one when not given")
    parser.add_argument("--served-model-name", help="the name under which it is served; the folder's when not given")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--max-model-len", type=int)
    parser.add_argument("--threads", type=int, help="compute threads on the CPU; vLLM's choice when not given")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")
    parser.add_argument("--compiled", action="store_true", help="compile on the CPU: decodes faster, starts later")
    parser.add_argument("--engine-arg", action="append", default=[], help="passed on to vLLM; may be repeated")
    parser.add_argument("--log", type=Path)
    return parser


def _has_gpu() -> bool:
    tool = shutil.which("nvidia-smi")
    return tool is not None and subprocess.run([tool, "-L"], capture_output=True).returncode == 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _tell(line: str) -> None:
    sys.stdout.write(f"engine: {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
