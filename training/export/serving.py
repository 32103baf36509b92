"""One checkpoint served as users meet it: a real engine on it, and the gateway in front, on ports of their own.

Invariant: both are children of this process, logs are kept in a folder, and leaving the block stops both.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from models.flags import LaunchSpec
from models.launcher import choose_command
from models.process import LaunchFailure, launch
from models.registry import load_registry
from training.export.gateway_process import ServingError, running_gateway
from training.export.ports import reserved_port

ENGINE_LOG, GATEWAY_LOG = "engine.log", "gateway.log"
# Above this much weight, vLLM's own choice of threads is faster than one thread.
_ONE_THREAD_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Served:
    """A checkpoint that answers: base URLs without ``/v1``, and the name under which the engine serves it."""

    url: str
    engine_url: str
    name: str


@contextmanager
def serve_checkpoint(
    checkpoint: Path,
    name: str,
    *,
    logs: Path,
    registry: Path | None = None,
    variables: Mapping[str, str] | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Served]:
    """Serve ``checkpoint`` as ``name``, whose entry is in ``registry`` (the packaged one when None).

    ``variables`` are the gateway's environment. The block is entered once both answer, on the CPU after
    half a minute.
    ``tell`` is told how far it is.
    Must not be entered where an event loop runs. Raises ``ServingError``, with the end of the log.
    """
    if not (checkpoint / "config.json").is_file():
        raise ServingError(f"{checkpoint}: no checkpoint (no config.json)")
    logs.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        engine_port, gateway_port = (stack.enter_context(reserved_port()) for _ in range(2))
        spec = launch_spec(checkpoint, name, engine_port, registry)
        try:
            engine = stack.enter_context(launch(spec, choose_command(spec), logs / ENGINE_LOG, tell=tell))
        except LaunchFailure as error:
            raise ServingError(f"{checkpoint}: {error}\nthe whole log: {logs / ENGINE_LOG}") from error
        gateway = running_gateway(engine.url, gateway_port, logs / GATEWAY_LOG, registry, variables)
        yield Served(stack.enter_context(gateway), engine.url, name)


def launch_spec(checkpoint: Path, name: str, port: int, registry: Path | None) -> LaunchSpec:
    """Return how the engine is to be started. A model of a few million parameters gets one thread on the CPU."""
    weights = sum(path.stat().st_size for path in checkpoint.glob("*.safetensors"))
    return LaunchSpec(
        model=str(checkpoint.resolve()),
        served_model_name=name,
        port=port,
        max_model_len=load_registry(registry).entry(name).max_model_len,
        threads=1 if weights <= _ONE_THREAD_BYTES else None,
    )
