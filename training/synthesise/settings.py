"""Owns the settings of a synthesis and of a filtering: closed, immutable, and plain data that travels to actors.

Invariant: what decides a result is told apart from what only decides how fast it comes (``identity`` of the work).
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from principles.retrieve import TOP_K
from training.trl_adapter.settings import Judge, Strict

ROLLOUTS = 8
RUBRIC_TOKENS = 900
"""The service's own limit for a rubric."""


class SynthesisError(Exception):
    """A run cannot begin or go on; the message says what is wrong, where, and what stays done."""


class Engines(Strict):
    """The engines asked: ``concurrent`` requests over all of them, each with ``timeout_seconds`` and ``retries``."""

    urls: tuple[str, ...] = Field(min_length=1)
    model: str = Field(min_length=1)
    concurrent: int = Field(default=32, gt=0)
    timeout_seconds: float = Field(default=120.0, gt=0)
    retries: int = Field(default=4, ge=0)


class Cluster(Strict):
    """Where Ray runs: on this machine, or the cluster at ``address``. ``cpus`` are logical, and this machine's only."""

    address: str | None = None
    actors: int = Field(default=1, gt=0)
    cpus: int | None = Field(default=None, gt=0)
    object_store_mb: int = Field(default=200, ge=80)

    @model_validator(mode="after")
    def _own_size(self) -> "Cluster":
        if self.address is not None and self.cpus is not None:
            raise ValueError("cpus are for a Ray of our own; a cluster has its own")
        if self.cpus is not None and self.cpus < self.actors:
            raise ValueError(f"{self.actors} actors need as many logical cpus, and there are {self.cpus}")
        return self


class RunSettings(Strict):
    """What both runs need. The run stops when more than ``max_failed_share`` of the last rows failed.

    ``seed`` None leaves the draws to the engines. vLLM's CPU build (0.32) dies of a seeded request whose prompt
    it reads in parts, so a seed is for engines that take one.
    """

    engines: Engines
    cluster: Cluster = Cluster()
    seed: int | None = None
    max_failed_share: float = Field(default=0.5, ge=0, le=1)

    @model_validator(mode="after")
    def _work_for_every_actor(self) -> "RunSettings":
        if self.engines.concurrent < self.cluster.actors:
            raise ValueError(
                f"{self.engines.concurrent} concurrent requests leave some of {self.cluster.actors} actors none"
            )
        return self


class SynthesiseSettings(RunSettings):
    """``prompts`` None: those that the registry names for the model. ``corpus`` None: the project's own principles."""

    prompts: Literal["compact", "full"] | None = None
    corpus: Path | None = None
    scenario: Literal["classifier", "engine"] = "classifier"
    top_k: int = Field(default=TOP_K, gt=0)
    temperature: float = Field(default=0.2, ge=0)
    max_tokens: int = Field(default=RUBRIC_TOKENS, gt=0)


class FilterSettings(RunSettings):
    """``rollouts`` answers a query, judged criterion by criterion; the bounds are ``quality.Bounds``.

    ``max_pass_rate`` None: criteria are not dropped one by one.
    """

    judge: Judge
    rollouts: int = Field(default=ROLLOUTS, gt=1)
    temperature: float = Field(default=1.0, gt=0)
    max_tokens: int = Field(default=1024, gt=0)
    min_mean: float = 0.0
    max_mean: float = Field(default=0.75, le=1)
    max_pass_rate: float | None = Field(default=None, gt=0, le=1)
