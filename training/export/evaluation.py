"""A checkpoint's answers on held-out cases of the miniclinic, asked for through the gateway in front of it.

Invariant: the same seeds are the same cases, whatever the checkpoint.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from models.registry import load_registry
from training.export.gateway_process import ServingError
from training.export.serving import serve_checkpoint
from training.miniclinic.evaluate import Result, evaluate
from training.miniclinic.gateway import GatewayError, connect
from training.miniclinic.knowledge import load_knowledge

TEMPERATURE = 0.8
CONCURRENT = 4


def evaluate_checkpoint(
    checkpoint: Path,
    n: int,
    first_seed: int,
    *,
    logs: Path,
    name: str | None = None,
    registry: Path | None = None,
    temperature: float = TEMPERATURE,
    concurrent: int = CONCURRENT,
    controls: bool = True,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Result]:
    """Serve ``checkpoint`` and run the ``n`` held-out cases from ``first_seed`` on, in order of seed.

    Without ``controls`` the results hold the draft and the guided answer only.

    It is served as ``name``, the bundled model's when None, whose entry in ``registry`` says which prompts it takes.
    Raises ``ServingError``, also when a request fails.
    """
    served_as = name or load_registry(registry).bundled()[0]
    with serve_checkpoint(checkpoint, served_as, logs=logs, registry=registry, tell=tell) as served:
        try:
            return asyncio.run(evaluate_gateway(served.url, n, first_seed, temperature, concurrent, controls))
        except* GatewayError as failures:
            raise ServingError(f"{checkpoint}: {failures.exceptions[0]}; the logs are in {logs}") from failures


async def evaluate_gateway(
    url: str, n: int, first_seed: int, temperature: float, concurrent: int, controls: bool = True
) -> list[Result]:
    """Run the cases through the gateway at ``url``, ``concurrent`` at a time."""
    async with connect(url, concurrent=4 * concurrent) as gateway:
        return await evaluate(
            gateway,
            load_knowledge(),
            n,
            temperature=temperature,
            concurrent=concurrent,
            first_seed=first_seed,
            controls=controls,
        )
