"""Cases of the miniclinic: who asks about what, what the question says, and what a good answer must and must not say.

Invariant: a case is made from its seed alone; whole combinations of circumstances are kept out of training.
"""

import hashlib
import random
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from training.miniclinic.knowledge import AGES, ATTRIBUTES, Item, Knowledge, Presentation

Split = Literal["train", "heldout"]
HELDOUT_SHARE = 0.15
MAX_ATTRIBUTES = 2


@dataclass(frozen=True)
class Case:
    """One consultation. ``novel_phrase`` marks a phrase for the complaint that training never uses."""

    seed: int
    presentation: Presentation
    attributes: tuple[str, ...]
    professional: bool
    red_flag: bool
    detail: bool
    novel_phrase: bool
    messages: tuple[dict[str, str], ...]

    @cached_property
    def required(self) -> tuple[str, ...]:
        """Item keys that a good answer says, in the order in which it says them."""
        own, keys = self.presentation.id, []
        if self.red_flag:
            keys.append(f"{own}.emergency")
        keys.append(f"{own}.professional" if self.professional else f"{own}.explain")
        keys.append(f"{own}.act")
        if self.medicine != "none" and not self.red_flag and not self.ruled_out:
            keys.append(f"{self.medicine}.recommend")
        for name in self.attributes:
            keys.append(f"{self.medicine}.avoid.{name}" if name in self.ruled_out else f"attribute.{name}")
        if not self.red_flag:
            keys.append(f"{own}.safety_net")
        if not self.detail:
            keys.append(f"{own}.ask")
        return tuple(keys)

    @cached_property
    def faults(self) -> tuple[str, ...]:
        """Item keys that would be a fault here."""
        medicine = (f"{self.medicine}.recommend",) if self.ruled_out else ()
        return medicine + (("reassurance",) if self.red_flag else ())

    @property
    def medicine(self) -> str:
        """The class of the usual medicine."""
        return self.presentation.medicine

    ruled_out: frozenset[str] = frozenset()
    """Attributes that rule the usual medicine out."""


def fault_points(item: Item) -> int:
    """Return the points of a fault: eight off for a medicine that is ruled out."""
    return item.points if item.points < 0 else -8


def make_case(knowledge: Knowledge, seed: int, split: Split) -> Case:
    """Draw one case of a split; the same seed gives the same case."""
    rng = random.Random(f"{split}:{seed}")
    names = sorted(knowledge.presentations)
    while True:
        presentation = knowledge.presentations[rng.choice(names)]
        attributes = _attributes(knowledge, presentation, rng)
        professional = rng.random() < 0.35
        red_flag = rng.random() < 0.3
        detail = rng.random() < 0.5
        combination = (presentation.id, attributes, professional, red_flag, detail)
        if is_heldout(combination) == (split == "heldout"):
            break
    novel = split == "heldout" and rng.random() < 0.5
    ruled_out = frozenset(_avoided(knowledge, presentation).intersection(attributes))
    messages = _messages(knowledge, presentation, attributes, professional, red_flag, detail, novel, rng)
    return Case(seed, presentation, attributes, professional, red_flag, detail, novel, messages, ruled_out)


def is_heldout(combination: tuple[object, ...]) -> bool:
    """Say whether a whole combination of presentation and circumstances is kept out of training."""
    digest = hashlib.sha256(repr(combination).encode()).digest()
    return int.from_bytes(digest[:4]) / 2**32 < HELDOUT_SHARE


def _avoided(knowledge: Knowledge, presentation: Presentation) -> frozenset[str]:
    if presentation.medicine == "none":
        return frozenset()
    return frozenset(knowledge.generic.medicines[presentation.medicine].avoid)


def _attributes(knowledge: Knowledge, presentation: Presentation, rng: random.Random) -> tuple[str, ...]:
    generic = knowledge.generic
    if presentation.id in generic.babies_only:
        chosen = {"baby"}
        count = rng.choice((1, 1, 2))
    else:
        chosen = set()
        count = rng.choices((0, 1, 2), weights=(2, 5, 3))[0]
    likely = sorted(_avoided(knowledge, presentation))
    while len(chosen) < count:
        name = rng.choice(likely) if likely and rng.random() < 0.4 else rng.choice(ATTRIBUTES)
        if _fits(knowledge, presentation, chosen, name):
            chosen.add(name)
    return tuple(name for name in ATTRIBUTES if name in chosen)


def _fits(knowledge: Knowledge, presentation: Presentation, chosen: set[str], name: str) -> bool:
    generic = knowledge.generic
    young = name in ("baby", "child")
    if young and (presentation.frame not in ("symptom", "event") or presentation.id in generic.adults_only):
        return False
    if name == "pregnant" and (presentation.id in generic.pregnancy_excluded or presentation.id in generic.babies_only):
        return False
    if name in AGES and chosen.intersection(AGES):
        return False
    both = chosen | {name}
    if "pregnant" in both and both.intersection(AGES):
        return False
    return not (both.intersection(("baby", "child")) and both.intersection(("anticoagulant", "kidney")))


def _messages(
    knowledge: Knowledge,
    presentation: Presentation,
    attributes: tuple[str, ...],
    professional: bool,
    red_flag: bool,
    detail: bool,
    novel: bool,
    rng: random.Random,
) -> tuple[dict[str, str], ...]:
    generic, voice = knowledge.generic, "professional" if professional else "lay"
    opening = _opening(knowledge, presentation, attributes, professional, novel, rng)
    facts = [rng.choice(getattr(generic.attributes[name], voice)) for name in attributes]
    if red_flag:
        facts.append(rng.choice(getattr(presentation.red_flag, voice)))
    if detail:
        facts.append(rng.choice(getattr(presentation.detail, voice)))
    rng.shuffle(facts)
    ask = rng.choice(generic.asks[voice])
    if facts and rng.random() < 0.25:
        split = rng.randrange(len(facts))
        return (
            _message("user", [opening, *facts[:split], ask]),
            _message("assistant", [rng.choice(generic.inner_turns)]),
            _message("user", facts[split:]),
        )
    return (_message("user", [opening, *facts, ask]),)


def _opening(
    knowledge: Knowledge,
    presentation: Presentation,
    attributes: tuple[str, ...],
    professional: bool,
    novel: bool,
    rng: random.Random,
) -> str:
    frames = knowledge.generic.frames[presentation.frame]
    if professional:
        phrases, who = presentation.professional, "professional"
        new = presentation.heldout_professional
    else:
        phrases, new = presentation.lay, presentation.heldout_lay
        who = next((name for name in ("baby", "child") if name in attributes and name in frames), "self")
    phrase = new if novel else rng.choice(phrases)
    return rng.choice(frames[who]).format(np=phrase, duration=rng.choice(knowledge.generic.durations))


def _message(role: str, sentences: list[str]) -> dict[str, str]:
    return {"role": role, "content": " ".join(sentences)}
