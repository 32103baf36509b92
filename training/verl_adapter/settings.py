"""The block ``judging`` that a run's configuration carries beside verl's own keys: how rollouts become rewards.

Invariant: importable without verl, torch and Ray; unknown keys are refused.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, ValidationError, model_validator

from training.methods.guards import Guards
from training.trl_adapter.settings import EngineJudge, SettingsError, Strict

KEY = "judging"
Split = Literal["train", "validation"]
SPLITS: tuple[Split, ...] = get_args(Split)


class Judging(Strict):
    """``method`` is ``grpo`` (rubric reward), ``crpo`` (comparisons) or ``absolute``, CRPO's baseline arm.

    ``wait_seconds``: how long a rollout waits for the others of its group before it is judged without them; longer
    than a step's generation takes, or groups are torn for nothing. From ``failed_groups`` groups in a row on for which
    no judge could be reached, rollouts fail with the judge's error. Every judged rollout is appended to ``rollouts``,
    every counterpart that gave way to the policy's answer to ``refreshed``, without which none does.
    """

    method: Literal["grpo", "crpo", "absolute"]
    judge: EngineJudge
    pairs: Literal["counterparts", "group"] = "counterparts"
    counterparts: Path | None = None
    refreshed: Path | None = None
    half_ties: bool = False
    wait_seconds: float = Field(gt=0)
    failed_groups: int = Field(default=32, gt=0)
    buffer_tokens: int = Field(gt=0)
    length_weight: float = Field(default=1.0, ge=0)
    repetition_weight: float = Field(default=1.0, ge=0)
    rollouts: Path

    @model_validator(mode="after")
    def _fits_together(self) -> "Judging":
        needed = self.method == "crpo" and self.pairs == "counterparts"
        if needed != (self.counterparts is not None):
            raise ValueError("counterparts are needed for comparisons with counterparts, and for nothing else")
        if self.refreshed is not None and not needed:
            raise ValueError("refreshed, the file of counterparts that gave way, needs counterparts")
        return self

    def guards(self, max_answer_tokens: int) -> Guards:
        """Return the guards of a run. Raises ``ValueError`` for a buffer longer than an answer may be."""
        return Guards(
            max_answer_tokens,
            self.buffer_tokens,
            length_weight=self.length_weight,
            repetition_weight=self.repetition_weight,
        )


def read_judging(config: Mapping[str, Any]) -> Judging:
    """Read the block of a resolved configuration. Raises ``SettingsError`` naming each key that is wrong."""
    if KEY not in config:
        raise SettingsError(f"the configuration has no block {KEY!r}")
    try:
        return Judging.model_validate(config[KEY])
    except ValidationError as error:
        faults = ("{}: {}".format(".".join(map(str, (KEY, *fault["loc"]))), fault["msg"]) for fault in error.errors())
        raise SettingsError("; ".join(faults)) from error
