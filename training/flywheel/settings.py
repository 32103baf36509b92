"""Owns the configuration of one turn of the wheel: sizes, reviewers, and the recipes of judge and policy.

Invariant: what each stage does follows from this file and the recipes that it names, and from nothing else.
"""

from pathlib import Path

from pydantic import Field

from training.trl_adapter.settings import Strict, read_toml


class SimulatedReviewer(Strict):
    """One reviewer; ``noise`` is the deviation of a score as it is read, ``slips`` the share of wrong verdicts."""

    name: str
    noise: float = Field(ge=0)
    slips: float = Field(ge=0, le=1)


class Collection(Strict):
    """What is reviewed: ``revisions`` training cases from seed ``first`` on, so many ``concurrent``.

    ``twice`` is the share that a second reviewer sees as well, ``per_patient`` how many cases one patient has.
    """

    first: int = Field(ge=0)
    revisions: int = Field(gt=0)
    concurrent: int = Field(gt=0)
    twice: float = Field(ge=0, le=1)
    per_patient: int = Field(gt=0)
    reviewers: tuple[SimulatedReviewer, ...] = Field(min_length=2)


class HeldOut(Strict):
    """Cases from seed ``first`` of the held-out split: how many for labels, drafts and guided answers."""

    first: int = Field(ge=0)
    labels: int = Field(gt=0)
    drafts: int = Field(gt=0)
    guided: int = Field(gt=0)


class FlywheelConfig(Strict):
    """One turn. ``workers`` stages run side by side, each on one thread; ``recipes`` is a folder of TOML.

    ``held_out_share`` of patients' feedback is kept from training; ``replay`` cases' rubrics, verdicts and edits are
    trained on beside the preferred answers, so that the policy does not forget the loop's other skills.
    """

    start: Path
    recipes: Path
    workers: int = Field(gt=0)
    temperature: float = Field(gt=0)
    held_out_share: float = Field(ge=0, lt=1)
    replay: int = Field(gt=0)
    collection: Collection
    held_out: HeldOut

    def recipe(self, name: str) -> Path:
        """Return the path of one method's recipe."""
        return self.recipes / f"{name}.toml"


def load_config(path: Path) -> FlywheelConfig:
    """Read one TOML file. Raises ``SettingsError``."""
    return read_toml(path, FlywheelConfig.model_validate)
