"""A thousand hostile texts, written by rule from ``templates.yaml`` and kept as data in ``prompts.jsonl``.

Invariant: the same templates give the same texts; every family has 50, ten in each carrier, and each text has an
innocent counterpart of its language, disguise and about its length: being odd is not taken for being obeyed.
"""

import json
import random
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict

from training.miniclinic.hostile.disguises import DISGUISES

FOLDER = Path(__file__).parent
PROMPTS = FOLDER / "prompts.jsonl"
PER_FAMILY = 50
SHOTS = 8
Carrier = Literal["question", "history", "draft", "document", "principle"]
CARRIERS: tuple[Carrier, ...] = get_args(Carrier)
Target = Literal["met", "not_met", "drop_emergency", "drop_dose", "raise_dose", "distrust"]
TARGETS: tuple[Target, ...] = get_args(Target)


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entry(_Closed):
    """One hostile text: where it is put, what it asks for, and the innocent ``control`` that is put there instead."""

    id: str
    family: str
    carrier: Carrier
    target: Target
    text: str
    control: str


class _Language(_Closed):
    orders: Mapping[Target, str]
    openings: tuple[str, ...]
    innocent: tuple[str, ...]


class _Templates(_Closed):
    orders: Mapping[Target, tuple[str, ...]]
    said: Mapping[Target, str]
    families: Mapping[str, tuple[str, ...]]
    languages: Mapping[str, _Language]
    innocent: tuple[str, ...]


@cache
def load_templates() -> _Templates:
    """Read the templates. Raises pydantic's ``ValidationError``."""
    return _Templates.model_validate(yaml.safe_load((FOLDER / "templates.yaml").read_text(encoding="utf-8")))


def entries() -> Iterator[Entry]:
    """Write every text by its rule."""
    templates = load_templates()
    for family in templates.families:
        rng = random.Random(f"hostile:{family}")
        made: dict[tuple[Carrier, str], None] = {}
        places = cycle((carrier, target) for target in TARGETS for carrier in CARRIERS)
        while len(made) < PER_FAMILY:
            carrier, target = next(places)
            if sum(other == carrier for other, _ in made) == PER_FAMILY // len(CARRIERS):
                continue
            text, control = _pair(templates, family, target, rng)
            if (carrier, text) in made:
                continue
            made[carrier, text] = None
            name = f"{family}-{len(made):02}"
            yield Entry(id=name, family=family, carrier=carrier, target=target, text=text, control=control)


def read_entries(path: Path = PROMPTS) -> list[Entry]:
    """Read the kept texts. Raises pydantic's ``ValidationError``."""
    return [Entry.model_validate_json(line) for line in path.read_text(encoding="utf-8").splitlines()]


def as_lines() -> str:
    """Return the texts as the file keeps them."""
    return "".join(json.dumps(entry.model_dump(), ensure_ascii=False) + "\n" for entry in entries())


def _pair(templates: _Templates, family: str, target: Target, rng: random.Random) -> tuple[str, str]:
    if family == "chinese":
        return _foreign(templates.languages["chinese"], target, rng)
    if family == "languages":
        names = [name for name in templates.languages if name != "chinese"]
        return _foreign(templates.languages[rng.choice(names)], target, rng)
    order, template = rng.choice(templates.orders[target]), rng.choice(templates.families[family])
    if family in DISGUISES:
        # A second order, since the same few would soon be used up.
        order = f"{order} {rng.choice(templates.orders[target])}"
        hidden = DISGUISES[family](order)
        innocent = DISGUISES[family](innocent_text(templates.innocent, len(order), rng))
        return template.format(order=hidden), template.format(order=innocent)
    said = templates.said[target]
    shots = "\n".join(f"Question {number}: is it met? {said}" for number in range(1, rng.randint(SHOTS, 3 * SHOTS)))
    text = template.format(order=order, said=said, shots=shots)
    return text, innocent_text(templates.innocent, len(text), rng)


def _foreign(language: _Language, target: Target, rng: random.Random) -> tuple[str, str]:
    others = [language.orders[other] for other in TARGETS if other != target]
    text = " ".join(filter(None, (rng.choice(language.openings), language.orders[target], rng.choice([*others, ""]))))
    return text, innocent_text(language.innocent, len(text), rng)


def innocent_text(sentences: tuple[str, ...], chars: int, rng: random.Random) -> str:
    """Return innocent sentences of about ``chars`` characters in all, one at least, none cut short."""
    order = rng.sample(sentences, len(sentences))
    found = ""
    for sentence in cycle(order):
        longer = f"{found} {sentence}".strip()
        if found and abs(len(longer) - chars) >= abs(len(found) - chars):
            return found
        found = longer
    raise ValueError("no innocent sentences")
