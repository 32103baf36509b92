"""A profile: how the textbook loop asks for a critique and for a rewrite, in the words of one kind of model.

Invariant: unknown keys and variables are refused when the file is read, and templates are filled in one pass.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

PROFILES = Path(__file__).parent / "profiles"
_VARIABLE = re.compile(r"\{([a-z_]+)\}")
_KEYS = frozenset({"critique", "rewrite", "verdicts"})


class ProfileError(Exception):
    """A profile is missing, or has keys or variables that it may not have."""


class UnreadableCritique(Exception):
    """A critique that should have been JSON has no verdict on every criterion."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion of a rubric; negative points name a fault that a good answer does not have."""

    text: str
    points: int


@dataclass(frozen=True, slots=True)
class Profile:
    """The templates; ``verdicts`` says whether a critique is JSON to read or text to hand on."""

    name: str
    critique: str
    rewrite: str
    verdicts: Literal["json", "text"]

    def critique_turn(self, criteria: Sequence[Criterion]) -> str:
        """The turn that asks for verdicts on all criteria."""
        return _fill(self.critique, {"criteria": _listed(criteria)})

    def rewrite_turn(self, criteria: Sequence[Criterion], critique: str) -> str:
        """The turn that asks for the whole answer anew."""
        return _fill(self.rewrite, {"criteria": _listed(criteria), "critique": critique})

    def unsatisfied(self, criteria: Sequence[Criterion], critique: str) -> list[Criterion]:
        """What the rewrite is to put right: all criteria where verdicts are text. Raises ``UnreadableCritique``."""
        if self.verdicts == "text":
            return list(criteria)
        met = read_verdicts(critique, len(criteria))
        return [c for n, c in enumerate(criteria, start=1) if met[n] is not (c.points > 0)]


def load_profile(name: str) -> Profile:
    """Read a profile from a file, or by bare name one of those that come along. Raises ``ProfileError``."""
    path = Path(name) if name.endswith(".toml") else PROFILES / f"{name}.toml"
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{path}: {error}") from error
    if fields.keys() != _KEYS or not all(isinstance(value, str) for value in fields.values()):
        raise ProfileError(f"{path}: needs exactly the texts {', '.join(sorted(_KEYS))}")
    if fields["verdicts"] not in ("json", "text"):
        raise ProfileError(f"{path}: verdicts is json or text")
    _check_variables(path, fields)
    return Profile(path.stem, fields["critique"].strip("\n"), fields["rewrite"].strip("\n"), fields["verdicts"])


def read_verdicts(critique: str, criteria: int) -> dict[int, bool]:
    """Read ``[{"n": 1, "met": true}, ...]``, by number from 1. Raises ``UnreadableCritique``."""
    try:
        rows = json.loads(critique[critique.find("[") : critique.rfind("]") + 1])
    except ValueError as error:
        raise UnreadableCritique("not a JSON list") from error
    met: dict[int, bool] = {}
    for row in rows:
        match row:
            case {"n": int(n), "met": bool(verdict)}:
                met[n] = verdict
    if met.keys() != set(range(1, criteria + 1)):
        raise UnreadableCritique("not one verdict for each criterion")
    return met


def _check_variables(path: Path, fields: Mapping[str, Any]) -> None:
    critique, rewrite = (frozenset(_VARIABLE.findall(fields[key])) for key in ("critique", "rewrite"))
    if critique != {"criteria"}:
        raise ProfileError(f"{path}: critique needs {{criteria}} and no other variable")
    if not rewrite or rewrite - {"criteria", "critique"}:
        raise ProfileError(f"{path}: rewrite needs {{criteria}} or {{critique}} and no other variable")


def _fill(template: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: values[match.group(1)], template)


def _listed(criteria: Sequence[Criterion]) -> str:
    return "\n".join(f"{n}. {criterion.text}" for n, criterion in enumerate(criteria, start=1))
