"""The servers of an overhead run: the stand-in engine, the gateway before it, and other gateways where installed.

Invariant: a server that cannot be had is named with the reason; one that comes up has answered before it is used.
"""

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtest.child import Child, ChildFailure, free_address, running
from loadtest.connection import Address
from loadtest.standin.answers import MODEL

ROOT = Path(__file__).parents[1]
ENGINE, GATEWAY = "engine", "gateway"
_NO_PROXY = ("NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")

Command = Callable[[Address, Address], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Server:
    """How to start a server: ``command`` of its own address and the engine's; ``program`` is what must be there."""

    name: str
    program: Path
    command: Command
    ready: str
    start_seconds: float
    missing: str = "not installed"


@dataclass(frozen=True, slots=True)
class Running:
    """The servers that answer, and why others do not."""

    children: Mapping[str, Child]
    unavailable: Mapping[str, str]


def gateway(extra: Sequence[str] = ()) -> Server:
    """This project's gateway with these further options, through the command beside the running interpreter."""
    program = Path(sys.executable).with_name("preceptor")

    def command(own: Address, engine: Address) -> Sequence[str]:
        flags = ("--engine-url", engine.url, "--host", own.host, "--port", str(own.port))
        return (str(program), "serve", *flags, "--log-level", "warning", *extra)

    return Server(GATEWAY, program, command, "/readyz", 180.0)


def litellm() -> Server:
    """LiteLLM's proxy, one worker, offline."""
    program = ROOT / ".venv-litellm" / "bin" / "litellm"

    def command(own: Address, engine: Address) -> Sequence[str]:
        environment = (
            "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY=true",
            "LITELLM_LOCAL_MODEL_COST_MAP=True",
            "OPENAI_API_KEY=none",
            *_NO_PROXY,
        )
        where = ("--host", own.host, "--port", str(own.port), "--telemetry", "False")
        model = ("--model", f"openai/{MODEL}", "--alias", MODEL, "--api_base", f"{engine.url}/v1")
        return ("env", *environment, str(program), *where, *model)

    return Server("litellm", program, command, "/health/liveliness", 120.0, "make peers")


def optillm() -> Server:
    """optillm without any of its techniques."""
    program = ROOT / ".venv-optillm" / "bin" / "optillm"

    def command(own: Address, engine: Address) -> Sequence[str]:
        where = ("--host", own.host, "--port", str(own.port))
        flags = ("--base-url", f"{engine.url}/v1", "--approach", "none", "--model", MODEL, "--log", "error")
        return ("env", "OPENAI_API_KEY=none", *_NO_PROXY, str(program), *where, *flags)

    return Server("optillm", program, command, "/health", 240.0, "make peers")


@contextmanager
def serving(wanted: Collection[str], logs: Path, engine_flags: Sequence[str]) -> Iterator[Running]:
    """Run the engine and the wanted servers until the block is left, all started at once.

    Raises ``ChildFailure`` where the engine or this project's gateway does not come up.
    """
    unavailable: dict[str, str] = {}
    with ExitStack() as stack:
        engine = stack.enter_context(standin(logs, engine_flags))
        children, started = {ENGINE: engine}, {}
        for server in (gateway(), litellm(), optillm()):
            if server.name not in wanted:
                continue
            if not server.program.exists():
                unavailable[server.name] = server.missing
                continue
            own = free_address()
            command = server.command(own, engine.address)
            started[server] = stack.enter_context(running(command, own, logs / f"{server.name}.log"))
        for server, child in started.items():
            try:
                child.await_answer(server.ready, server.start_seconds)
                children[server.name] = child
            except ChildFailure as failure:
                if server.name == GATEWAY:
                    raise
                unavailable[server.name] = str(failure)
        yield Running(children, unavailable)


@contextmanager
def before(engine: Child, logs: Path, extra: Sequence[str]) -> Iterator[Child]:
    """Run this project's gateway before an engine until the block is left. Raises ``ChildFailure``."""
    server, own = gateway(extra), free_address()
    with running(server.command(own, engine.address), own, logs / f"{GATEWAY}.log") as child:
        child.await_answer(server.ready, server.start_seconds)
        yield child


@contextmanager
def standin(logs: Path, flags: Sequence[str], own: Address | None = None, *, niceness: int = 0) -> Iterator[Child]:
    """Run the stand-in engine until the block is left, at a free address unless told. Raises ``ChildFailure``.

    With ``niceness`` it yields the processor: a real engine would not share it with the gateway.
    """
    own = own or free_address()
    command = (sys.executable, "-m", "loadtest.standin", "--port", str(own.port), *flags)
    nice = ("nice", "-n", str(niceness)) if niceness else ()
    with running((*nice, *command), own, logs / "engine.log") as engine:
        engine.await_answer("/health", 20.0)
        yield engine
