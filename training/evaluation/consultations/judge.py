"""Asks which of two doctors was better, on four dimensions and overall, in both orders of presentation.

Invariant: the judge never sees whose consultation is whose. A verdict stands only if both orders give it; where they
differ it is a tie, as `training.methods.comparisons` joins orders, and an order that cannot be read leaves it unscored.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from inspect_ai.model import Model, ModelOutput
from inspect_ai.util import collect

from service.revision.prompts.templates import filled
from service.revision.strict_json import NotStrictJSON, read_json
from training.evaluation.asking import Asked, ask
from training.evaluation.consultations.consultation import Consultation, Language, Transcript, Utterance
from training.evaluation.consultations.prompted import load_prompt
from training.judges import dimensions
from training.judges.presented import shown
from training.methods.comparisons import DIMENSIONS, Better, Comparison, in_both_orders

KIND = "comparison"
OVERALL = "overall"
FIELDS = (*DIMENSIONS, OVERALL)
"""What is asked: the four dimensions and, as published, one verdict on the whole; all in one answer of the judge."""
BETTER: tuple[Better, ...] = get_args(Better)
Outcome = Literal["win", "tie", "loss"]
_OURS, _THEIRS = "ours", "theirs"
_OUTCOMES: dict[Better, Outcome] = {"first": "win", "tie": "tie", "second": "loss"}
_FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reading:
    """One order's answer: which doctor is better on each of ``FIELDS``, and each field's JSON as written."""

    better_F: tuple[Better, ...]
    written_F: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Ours against a counterpart on one of ``FIELDS``: what each order said of ours, and both; None: unreadable.

    ``raw`` and ``raw_swapped`` are what the judge wrote on it with ours shown first and second.
    """

    counterpart: str
    criterion: str
    shown: Outcome | None
    swapped: Outcome | None
    joined: Outcome | None
    raw: str
    raw_swapped: str

    @property
    def agree(self) -> bool | None:
        """Whether both orders say the same."""
        return None if self.shown is None or self.swapped is None else self.shown == self.swapped

    def as_json(self) -> dict[str, Any]:
        """Return what a log keeps; ``met`` is whether ours won."""
        return {
            "criterion": self.criterion,
            "met": None if self.joined is None else self.joined == "win",
            "raw": self.raw,
            "raw_swapped": self.raw_swapped,
            "counterpart": self.counterpart,
            "shown": self.shown,
            "swapped": self.swapped,
            "joined": self.joined,
            "agree": self.agree,
        }


class PairJudge:
    """Compares two consultations of one patient; the prompts are of one language."""

    def __init__(self, judge: Model, language: Language) -> None:
        self._judge, self._language = judge, language
        self._template, self._reference = load_prompt("compare", language), load_prompt("reference", language)

    async def compare(
        self, consultation: Consultation, ours: Transcript, theirs: Transcript, counterpart: str
    ) -> list[Verdict]:
        """Return one verdict on each of ``FIELDS``, from both orders asked at once."""
        one, other = await collect(self._asked(consultation, ours, theirs), self._asked(consultation, theirs, ours))
        return verdicts(counterpart, one, other)

    async def _asked(self, consultation: Consultation, first: Transcript, second: Transcript) -> Asked[Reading]:
        record = consultation.record(self._language)
        reference = filled(self._reference, {"record": _written(record)}) if record else ""
        values = {"reference": reference, "first": _written(first), "second": _written(second)}
        payload = {
            "kind": KIND,
            "case_id": consultation.id,
            "source": consultation.source,
            "reference": _as_lists(record),
            "first": _as_lists(first),
            "second": _as_lists(second),
        }
        return await ask(self._judge, filled(self._template, values), payload, read)


def read(output: ModelOutput) -> Reading | None:
    """Read a judge's answer: one JSON object with all of ``FIELDS``, alone or in one code block; None if it is not."""
    text = output.completion
    fence = _FENCE.fullmatch(text)
    try:
        value = read_json(fence[1] if fence else text)
    except NotStrictJSON:
        return None
    if not isinstance(value, dict) or value.keys() != set(FIELDS):
        return None
    four = dimensions.read(json.dumps({name: value[name] for name in DIMENSIONS}), "better", BETTER)
    # The overall verdict has the form of a dimension's, and is read as one.
    overall = dimensions.read(json.dumps({DIMENSIONS[0]: value[OVERALL]}), "better", BETTER)[0]
    better_F = tuple(better for better in (*four, overall) if better is not None)
    if len(better_F) != len(FIELDS):
        return None
    return Reading(better_F, tuple(json.dumps(value[name], ensure_ascii=False) for name in FIELDS))


def verdicts(counterpart: str, one: Asked[Reading], other: Asked[Reading]) -> list[Verdict]:
    """Join two orders: ours stands first in ``one`` and second in ``other``."""
    found = []
    for place, name in enumerate(FIELDS):
        ours_first, ours_second = _better(one, place), _better(other, place)
        pair = _alone(_OURS, _THEIRS, ours_first), _alone(_THEIRS, _OURS, ours_second)
        found.append(
            Verdict(
                counterpart,
                name,
                shown=_outcome(pair[0].better_D[0]),
                swapped=_outcome(pair[1].swap().better_D[0]),
                joined=_outcome(in_both_orders(*pair).better_D[0]),
                raw=_raw(one, place),
                raw_swapped=_raw(other, place),
            )
        )
    return found


def _alone(first: str, second: str, better: Better | None) -> Comparison:
    """One field as a comparison, so that the overall verdict is joined by the dimensions' own rule."""
    return Comparison(first, second, (better,) * len(DIMENSIONS))


def _better(asked: Asked[Reading], place: int) -> Better | None:
    return None if asked.value is None else asked.value.better_F[place]


def _raw(asked: Asked[Reading], place: int) -> str:
    return asked.raw if asked.value is None else asked.value.written_F[place]


def _outcome(better: Better | None) -> Outcome | None:
    return None if better is None else _OUTCOMES[better]


def _written(transcript: Sequence[Utterance]) -> str:
    return shown([{"role": role, "content": text} for role, text in transcript])


def _as_lists(transcript: Sequence[Utterance]) -> list[list[str]]:
    return [list(utterance) for utterance in transcript]
