"""Answers for a case: what a careful answerer says, and drafts that fall short as real ones do.

Invariant: every sentence is one of the knowledge base's, so the scorer reads the answer without a doubt.
"""

import random
from dataclasses import dataclass

from service.revision.edits import Edit
from service.revision.rubric import MAX_CRITERIA, Criterion
from training.miniclinic.cases import Case, fault_points
from training.miniclinic.knowledge import Items, Knowledge

OMIT = {"explain": 0.1, "professional": 0.15, "act": 0.12, "recommend": 0.3, "emergency": 0.3, "safety_net": 0.5,
        "ask": 0.55, "avoid": 0.55, "attribute": 0.55}  # fmt: skip
PERFECT_SHARE = 0.08
FAULT_SHARE = 0.35
UNNEEDED_SHARE = 0.1
CONFUSED_SHARE = 0.4
PADDING = 3


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an answer and the item that it says."""

    key: str
    text: str


def kind_of(key: str) -> str:
    """Return the kind of an item key: explain, act, avoid, recommend, attribute, ..."""
    first, *rest = key.split(".")
    return "attribute" if first == "attribute" else (rest[0] if rest else first)


def wording(knowledge: Knowledge, key: str, rng: random.Random) -> str:
    """Say an item in one of its ways."""
    return rng.choice(knowledge.items[key].answer)


def full_answer(knowledge: Knowledge, case: Case, rng: random.Random) -> list[Sentence]:
    """Return an answer that says all that is required and nothing else, between fillers."""
    return _dress(knowledge, [Sentence(key, wording(knowledge, key, rng)) for key in case.required], rng)


def draft_answer(knowledge: Knowledge, case: Case, rng: random.Random, omission: float = 1.0) -> list[Sentence]:
    """Return an answer with omissions, scaled by ``omission``, and now and then a fault or something unneeded."""
    if rng.random() < PERFECT_SHARE:
        return full_answer(knowledge, case, rng)
    keys = [key for key in case.required if rng.random() >= omission * OMIT[kind_of(key)]]
    for fault in case.faults:
        if rng.random() < FAULT_SHARE:
            keys.insert(rng.randint(min(1, len(keys)), len(keys)), fault)
    if rng.random() < UNNEEDED_SHARE:
        keys.insert(rng.randint(0, len(keys)), unneeded(knowledge, case, rng))
    return _dress(knowledge, [Sentence(key, wording(knowledge, key, rng)) for key in dict.fromkeys(keys)], rng)


def confused_answer(knowledge: Knowledge, case: Case, rng: random.Random) -> list[Sentence]:
    """Return a draft that mistakes circumstances: what it should say is replaced by its like for somebody else.

    Models do this to themselves when they draft; a judge that never saw it takes the like for the thing.
    """
    keys = []
    for key in case.required:
        alike = [other for other in knowledge.items if other != key and _alike(key, other)]
        keys.append(rng.choice(alike) if alike and rng.random() < CONFUSED_SHARE else key)
    keys = [key for key in keys if rng.random() >= 0.2]
    keys += [fault for fault in case.faults if rng.random() < FAULT_SHARE]
    return _dress(knowledge, [Sentence(key, wording(knowledge, key, rng)) for key in dict.fromkeys(keys)], rng)


def unneeded(knowledge: Knowledge, case: Case, rng: random.Random) -> str:
    """Return the key of an item that does not belong into this case's answer."""
    own = [f"{case.presentation.id}.{name}" for name in Items.model_fields]
    generic = [key for key in knowledge.items if key.split(".")[0] not in knowledge.presentations]
    pool = own if rng.random() < 0.5 else generic
    choices = [key for key in pool if key not in case.required and key not in case.faults and key != "reassurance"]
    return rng.choice(choices)


def rubric_of(knowledge: Knowledge, case: Case, principle_ids: tuple[str, ...], rng: random.Random) -> list[Criterion]:
    """Return the case's criteria, highest stakes first, at most six, each citing a listed principle where one fits."""
    rows = [(abs(knowledge.items[key].points), key, False) for key in case.required]
    rows += [(abs(fault_points(knowledge.items[key])), key, True) for key in case.faults]
    order = {key: place for place, key in enumerate((*case.required, *case.faults))}
    rows.sort(key=lambda row: (-row[0], order[row[1]], row[2]))
    criteria = [criterion_of(knowledge, key, fault, principle_ids, rng) for _, key, fault in rows[:MAX_CRITERIA]]
    return criteria


def criterion_of(
    knowledge: Knowledge, key: str, fault: bool, principle_ids: tuple[str, ...], rng: random.Random
) -> Criterion:
    """Word one item as a criterion; a fault has negative points."""
    item = knowledge.items[key]
    texts = (item.fault or item.criterion) if fault else item.criterion
    cited = next((principle for principle in knowledge.principles_of(key) if principle in principle_ids), None)
    return Criterion(rng.choice(texts), fault_points(item) if fault else item.points, cited)


def edit_for(
    knowledge: Knowledge, case: Case, draft: list[Sentence], key: str, fault: bool, rng: random.Random
) -> Edit:
    """Return the right edit: say what is missing where it belongs, or strike out what is wrong."""
    present = [sentence.key for sentence in draft]
    if fault:
        return Edit("delete", present.index(key) + 1)
    return Edit("insert_after", _place(case, present, key), wording(knowledge, key, rng))


def text_of(sentences: list[Sentence]) -> str:
    """Join sentences into the answer's text."""
    return " ".join(sentence.text for sentence in sentences)


def _alike(key: str, other: str) -> bool:
    """Say whether two items could be mistaken for each other: of one kind, or of one presentation."""
    own = kind_of(key) in Items.model_fields and key.split(".")[0] == other.split(".")[0]
    return own or kind_of(key) == kind_of(other)


def _place(case: Case, present: list[str], key: str) -> int:
    """Number of the sentence after which the item belongs: after the last that comes before it in a full answer."""
    if key not in case.required:
        return max(1, len(present) - 1)
    before = case.required[: case.required.index(key)]
    return max([1, *(place for place, name in enumerate(present, start=1) if name in before)])


def _dress(knowledge: Knowledge, core: list[Sentence], rng: random.Random) -> list[Sentence]:
    generic = knowledge.generic
    sentences = list(core)
    for text in rng.sample(generic.padding, PADDING):
        sentences.insert(rng.randint(min(1, len(sentences)), len(sentences)), Sentence("filler", text))
    return [
        Sentence("filler", rng.choice(generic.opening)),
        *sentences,
        Sentence("filler", rng.choice(generic.closing)),
    ]
