"""The command line that starts vLLM for one model on this machine, on a GPU or on the CPU.

Invariant: it can be pasted into a shell as it is, environment included. Figures behind the choices: `cpu_command`.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Device = Literal["cpu", "gpu"]

# No whitespace between JSON tokens: each would cost a decoding step. Only xgrammar and guidance can forbid it; guidance
# is ready at once for a schema that it has not seen.
_STRUCTURED_OUTPUTS = {"backend": "guidance", "disable_any_whitespace": True}
# The finest that vLLM's attention on the CPU takes; its default of 128 would re-read up to 127 tokens for each verdict.
_CPU_BLOCK_TOKENS = 32
_CPU_KV_CACHE_GIB = 1
# vLLM's own budget of one step on the CPU.
_CPU_STEP_TOKENS = 2048
_NO_USAGE_STATS = "VLLM_NO_USAGE_STATS=1"
# The parser "hermes" would ask for a grammar that only xgrammar reads; so it asks for a JSON schema.
_TOOL_CALLS_BY_SCHEMA = "VLLM_ENFORCE_STRICT_TOOL_CALLING=0"
_OFFLINE = "HF_HUB_OFFLINE=1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchSpec:
    """What to serve and where.

    `model` is a folder or a name that vLLM can resolve. `threads` None leaves number and pinning to vLLM. `extra` goes
    to vLLM as it is.
    """

    model: str
    served_model_name: str
    host: str = "127.0.0.1"
    port: int = 8001
    max_model_len: int | None = None
    threads: int | None = None
    compiled: bool = False
    extra: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://{self.host}:{self.port}"


def cpu_command(spec: LaunchSpec, python: Path) -> tuple[str, ...]:
    """The CPU build, whose package does not register as `vllm`, hence the module and not the `vllm` command.

    Measured with 3 M parameters on two cores, one stream of 200 tokens: compiled 400 tokens/s, eager 220. Eager is the
    default all the same: it needs no C++ compiler, and no request waits for compilation. A second thread gains at most
    a tenth on a model of this size and, when the cores are shared, costs up to nine tenths. With the executor inside
    the engine core it starts about 10 s sooner and needs 0.5 GB less; vLLM's thread pinning needs it outside, so that
    only a fixed number of threads brings it in.
    """
    environment = [*_environment(spec), f"VLLM_CPU_KVCACHE_SPACE={_CPU_KV_CACHE_GIB}"]
    flags = ["--dtype", "float32", "--block-size", str(_CPU_BLOCK_TOKENS)]
    if spec.threads is not None:
        environment += ["VLLM_ENABLE_V1_MULTIPROCESSING=0", f"OMP_NUM_THREADS={spec.threads}"]
    if spec.max_model_len is not None:
        # A prompt in pieces rewinds its request's random generator, which the CPU's cannot (0.32: "CPU Generator does
        # not use offset"): one request with a seed would end the engine. Whole prompts need room for the longest.
        room = max(_CPU_STEP_TOKENS, spec.max_model_len)
        flags += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", str(room)]
    if not spec.compiled:
        # Also spares the compilation, of many seconds, that the first request for log-probabilities would start.
        environment.append("TORCHDYNAMO_DISABLE=1")
        flags.append("--enforce-eager")
    module = ("-m", "vllm.entrypoints.openai.api_server", "--model")
    return ("env", *environment, str(python), *module, spec.model, *flags, *_common_flags(spec))


def gpu_command(spec: LaunchSpec, vllm: Path) -> tuple[str, ...]:
    """The published build, its own choice of data type and memory."""
    return ("env", *_environment(spec), str(vllm), "serve", spec.model, *_common_flags(spec))


def _environment(spec: LaunchSpec) -> tuple[str, ...]:
    """A checkpoint on disk needs nothing from the network."""
    always = (_NO_USAGE_STATS, _TOOL_CALLS_BY_SCHEMA)
    return (*always, _OFFLINE) if Path(spec.model).is_dir() else always


def _common_flags(spec: LaunchSpec) -> tuple[str, ...]:
    length = () if spec.max_model_len is None else ("--max-model-len", str(spec.max_model_len))
    return (
        *("--served-model-name", spec.served_model_name),
        *("--host", spec.host),
        *("--port", str(spec.port)),
        *length,
        "--enable-prefix-caching",
        "--enable-prompt-tokens-details",
        *("--scheduling-policy", "priority"),
        *("--structured-outputs-config", json.dumps(_STRUCTURED_OUTPUTS, separators=(",", ":"))),
        *("--enable-auto-tool-choice", "--tool-call-parser", "hermes"),
        "--disable-uvicorn-access-log",
        *spec.extra,
    )


def engine_python(repository: Path) -> Path:
    """The interpreter of the engine's own environment, else the running one."""
    own = repository / ".venv-engine" / "bin" / "python"
    return own if own.exists() else Path(sys.executable)
