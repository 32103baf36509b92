"""The miniclinic's scorer as a judge of criteria, of comparisons and of absolute scores, exact or with noise.

Invariant: the comparison and the absolute judge read the same qualities with the same noise, so that what tells the two
apart is the question asked; a reading depends on its inputs alone, so that a resumed run repeats it.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Sequence
from statistics import NormalDist

from service.revision.prompts import Message
from training.judges.presented import key_of
from training.judges.qualities import qualities
from training.judges.tally import JudgeTally
from training.methods.absolute import HIGHEST, LOWEST
from training.methods.comparisons import DIMENSIONS, Better
from training.miniclinic.cases import Case, make_case
from training.miniclinic.knowledge import Knowledge
from training.miniclinic.scorer import verdict
from training.trl_adapter.settings import ExactJudge

MARGIN = 0.02
MET = 0.5
_CASE_ID = re.compile(r"(train|heldout)-(\d+)")
_STANDARD = NormalDist()


class UnknownCase(ValueError):
    """A prompt that is none of the cases, or an id that names none; the message says which."""


class Cases:
    """The cases that prompts are of, found by the prompt's text; system messages do not count."""

    def __init__(self, knowledge: Knowledge, ids: Iterable[str]) -> None:
        """Make every case named, as ``train-300007`` or ``heldout-12``. Raises ``UnknownCase``."""
        self.knowledge = knowledge
        self._cases: dict[str, Case] = {}
        for case_id in ids:
            case = case_of(knowledge, case_id)
            self._cases[_text(case.messages)] = case

    def of(self, prompt: Sequence[Message]) -> Case:
        """Return the prompt's case. Raises ``UnknownCase``."""
        try:
            return self._cases[_text(prompt)]
        except KeyError as error:
            raise UnknownCase(f"none of the {len(self._cases)} cases begins with {_text(prompt)[:120]!r}") from error


class ExactCriterionJudge:
    """Reads 1 where the answer meets a criterion, else 0, plus noise; met from one half up.

    A criterion in words that the knowledge base does not have stays None. There is no position to be biased by.
    """

    def __init__(self, knowledge: Knowledge, settings: ExactJudge, *, seed: int) -> None:
        self._knowledge, self._noise, self._seed = knowledge, settings.noise, seed
        self.tally = JudgeTally()

    async def verdicts(self, prompt: Sequence[Message], answer: str, criteria: Sequence[str]) -> list[bool | None]:
        """Return one verdict a criterion."""
        shown = key_of(prompt, answer)
        read = [self._verdict(shown, answer, criterion) for criterion in criteria]
        self.tally.count(read)
        return read

    def _verdict(self, shown: str, answer: str, criterion: str) -> bool | None:
        met = verdict(self._knowledge, criterion, answer)
        return None if met is None else met + self._noise * deviate(self._seed, shown, criterion) >= MET


class _Reader:
    """Reads an answer's qualities as they appear in one presentation: the truth plus a deviate for each dimension."""

    def __init__(self, cases: Cases, settings: ExactJudge, seed: int) -> None:
        self._cases, self._noise, self._seed = cases, settings.noise, seed

    def read(self, prompt: Sequence[Message], answer: str, shown: str, place: str) -> list[float]:
        true_D = qualities(self._cases.knowledge, self._cases.of(prompt), answer)
        noisy_D = zip(true_D, DIMENSIONS, strict=True)
        return [true + self._noise * deviate(self._seed, shown, place, dimension) for true, dimension in noisy_D]


class ExactComparisonJudge:
    """Better is the answer whose reading is higher by more than ``MARGIN``; ``position`` is added to the first's."""

    def __init__(self, cases: Cases, settings: ExactJudge, *, seed: int) -> None:
        self._reader, self._position = _Reader(cases, settings, seed), settings.position
        self.tally = JudgeTally()

    async def compare(self, prompt: Sequence[Message], first: str, second: str) -> tuple[Better | None, ...]:
        """Compare once, ``first`` shown first. Raises ``UnknownCase``."""
        shown = key_of(prompt, first, second)
        first_D = self._reader.read(prompt, first, shown, "first")
        second_D = self._reader.read(prompt, second, shown, "second")
        better_D = tuple(_better(a + self._position - b) for a, b in zip(first_D, second_D, strict=True))
        self.tally.count(better_D)
        return better_D


class ExactScoreJudge:
    """The whole score nearest to 1 + 4 x the reading, halves up, within 1 and 5."""

    def __init__(self, cases: Cases, settings: ExactJudge, *, seed: int) -> None:
        self._reader = _Reader(cases, settings, seed)
        self.tally = JudgeTally()

    async def scores(self, prompt: Sequence[Message], answer: str) -> tuple[int | None, ...]:
        """Score one answer. Raises ``UnknownCase``."""
        read_D = self._reader.read(prompt, answer, key_of(prompt, answer), "alone")
        scores_D = tuple(_score(reading) for reading in read_D)
        self.tally.count(scores_D)
        return scores_D


def case_of(knowledge: Knowledge, case_id: str) -> Case:
    """Make the case that a row's id names. Raises ``UnknownCase``."""
    named = _CASE_ID.fullmatch(case_id)
    if named is None:
        raise UnknownCase(f"{case_id!r} names no case: train-SEED or heldout-SEED")
    return make_case(knowledge, int(named[2]), "train" if named[1] == "train" else "heldout")


def deviate(seed: int, *shown: str) -> float:
    """Return a standard normal deviate that depends on its arguments alone."""
    digest = hashlib.sha256("\0".join([str(seed), *shown]).encode()).digest()
    return _STANDARD.inv_cdf((int.from_bytes(digest[:6]) + 0.5) / 2**48)


def _better(difference: float) -> Better:
    if abs(difference) <= MARGIN:
        return "tie"
    return "first" if difference > 0 else "second"


def _score(reading: float) -> int:
    return min(HIGHEST, max(LOWEST, math.floor(LOWEST + (HIGHEST - LOWEST) * reading + 0.5)))


def _text(messages: Sequence[Message]) -> str:
    return "\n".join(f"{m['role']}: {m['content']}" for m in messages if m["role"] != "system")
