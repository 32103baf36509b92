"""Owns the configuration of a reproduction: sizes, seeds, and the recipes of the methods.

Invariant: what each stage does follows from this file and the recipes it names, and from nothing else.
"""

from pathlib import Path

from pydantic import Field

from training.trl_adapter.settings import Strict, read_toml


class Cases(Strict):
    """Numbers of miniclinic cases, each from a range of its own, so that no case serves two ends.

    ``rollouts`` are the questions that reinforcement draws from, ``held_out`` the first seed of held-out cases,
    ``drafts`` how many of them are answered for the draft score, and ``guided`` how many through the gateway.
    """

    first: int = Field(ge=0)
    sft: int = Field(gt=0)
    merges: int = Field(gt=0)
    labels: int = Field(gt=0)
    held_out_labels: int = Field(gt=0)
    rollouts: int = Field(gt=0)
    held_out: int = Field(ge=0)
    drafts: int = Field(gt=0)
    guided: int = Field(gt=0)


class ReproduceConfig(Strict):
    """One reproduction. ``workers`` stages run side by side, each on one thread; ``recipes`` is a folder of TOML."""

    seeds: tuple[int, ...] = Field(min_length=1)
    start: Path
    recipes: Path
    workers: int = Field(gt=0)
    temperature: float = Field(gt=0)
    cases: Cases

    def recipe(self, name: str) -> Path:
        """Return the path of one method's recipe."""
        return self.recipes / f"{name}.toml"


def load_config(path: Path) -> ReproduceConfig:
    """Read one TOML file. Raises ``SettingsError``."""
    return read_toml(path, ReproduceConfig.model_validate)
