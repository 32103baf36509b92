"""The requests of a run: who asks what when, who will leave, who will read slowly.

Invariant: all of it is decided by profile and seed before the first request is sent. Every target gets the same
requests, its arrivals shifted by a part of the mean gap, so that those of several targets interleave.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import Any

from loadtest.questions import Question
from loadtest.run.arrivals import offsets
from loadtest.run.profile import LoadProfile, Mix
from loadtest.standin.answers import ACCEPTED_QUESTION, REVISED_QUESTION

GUIDED_MODEL = "preceptor"
_HISTORY = (
    "The person is forty years old and has been seen before. Blood pressure was normal at the last visit. "
    "There is no known allergy. Both parents are alive. They sleep well, walk every day and do not smoke."
)


@dataclass(frozen=True, slots=True)
class Planned:
    """One request: due at ``offset`` seconds from the run's start, at the target of that number.

    ``leaves_after`` is how many seconds the client stays after the profile's moment, None for one that stays;
    ``bytes_per_second`` is how fast a slow one reads.
    """

    number: int
    target: int
    stage: str
    offset: float
    mix: Mix
    prompt_words: int
    question: Question | None
    leaves_after: float | None
    bytes_per_second: int | None

    def body(self, guided_model: str | None, plain_model: str) -> dict[str, Any]:
        """The chat completion; a target without a guided model is asked for its plain one throughout."""
        guided = guided_model is not None and self.mix.kind != "passthrough"
        body: dict[str, Any] = {"model": guided_model if guided else plain_model, "messages": self._messages()}
        if self.mix.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if self.mix.max_tokens:
            body["max_tokens"] = self.mix.max_tokens
        if self.mix.reasoning and guided:
            body["preceptor"] = {"stages": True}
        return body

    def _messages(self) -> list[dict[str, Any]]:
        history = self._history()
        if self.question is not None:
            *before, last = (dict(message) for message in self.question.messages)
            return [*before, {**last, "content": f"{history}{last['content']}"}]
        asked = REVISED_QUESTION if self.mix.kind == "revised" else ACCEPTED_QUESTION
        return [{"role": "user", "content": f"{history}{asked}"}]

    def _history(self) -> str:
        """Words that no other request begins with, so that a prefix cache cannot know them."""
        if not self.prompt_words:
            return ""
        history = islice(cycle(_HISTORY.split()), self.prompt_words)
        return f"Record {self.number}.{self.target}: {' '.join(history)}\n\n"


def plan(profile: LoadProfile, targets: int, questions: Sequence[Question]) -> list[Planned]:
    """All requests in the order in which they are due. Raises ``ProfileError`` for a faulty trace."""
    chance = random.Random(profile.seed)
    found: list[Planned] = []
    start = 0.0
    for stage in profile.stages:
        due = offsets(stage.arrivals, profile.rate, stage.seconds, chance)
        shift = stage.seconds / max(1, len(due)) / targets
        for offset in due:
            drawn = _draw(profile, len(found) // targets, stage.name, start + offset, chance, questions)
            found += [replace(drawn, target=n, offset=drawn.offset + n * shift) for n in range(targets)]
        start += stage.seconds
    return sorted(found, key=lambda planned: planned.offset)


def _draw(
    profile: LoadProfile, number: int, stage: str, offset: float, chance: random.Random, questions: Sequence[Question]
) -> Planned:
    """One request; chance is asked the same number of times for each, so that one change moves nothing else."""
    [mix] = chance.choices(profile.mix, [mix.weight for mix in profile.mix])
    words = round(chance.uniform(*mix.prompt_words))
    question = chance.choice(questions)
    leaves, after = chance.random(), chance.random()
    slow = chance.random()
    leaving, readers = profile.leaving, profile.slow_readers
    return Planned(
        number,
        0,
        stage,
        offset,
        mix,
        words,
        question if mix.kind == "guided" else None,
        _between(leaving.seconds, after) if leaving and leaves < leaving.share else None,
        readers.bytes_per_second if readers and slow < readers.share else None,
    )


def _between(bounds: tuple[float, float], share: float) -> float:
    return bounds[0] + (bounds[1] - bounds[0]) * share
