"""The miniclinic's knowledge base, typed: presentations, attributes, medicines, and every sentence they can be said in.

Invariant: each answer sentence and each criterion belongs to exactly one item, so scoring by look-up is exact.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict

_T = TypeVar("_T")
FOLDER = Path(__file__).with_name("knowledge")
Frame = Literal["symptom", "event", "result", "question", "need"]
Medicine = Literal["nsaid", "paracetamol", "penicillin", "antihistamine", "none"]
ATTRIBUTES = ("baby", "child", "older", "pregnant", "anticoagulant", "allergy", "kidney")
AGES = ("baby", "child", "older")


class KnowledgeError(Exception):
    """The knowledge base contradicts itself; the message names file and string."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Strict):
    """One thing an answer can say: its points when required, its wordings, and the criteria that ask for it."""

    points: int
    answer: tuple[str, ...]
    criterion: tuple[str, ...]
    fault: tuple[str, ...] = ()


class Said(_Strict):
    """The wordings of one fact in a question."""

    lay: tuple[str, ...]
    professional: tuple[str, ...]


class Items(_Strict):
    """The presentation's own items."""

    explain: Item
    act: Item
    safety_net: Item
    emergency: Item
    ask: Item
    professional: Item


class Presentation(_Strict):
    """One reason to consult."""

    id: str
    title: str
    frame: Frame
    task_type: str
    medicine: Medicine
    lay: tuple[str, ...]
    professional: tuple[str, ...]
    heldout_lay: str
    heldout_professional: str
    detail: Said
    red_flag: Said
    items: Items


class Attribute(Said):
    """A property of the patient that changes what is right."""

    mention: Item


class MedicineClass(_Strict):
    """A usual medicine: when it may be mentioned, and for whom it must be ruled out."""

    recommend: Item
    avoid: Mapping[str, Item]


class Generic(_Strict):
    """What holds for every presentation."""

    adults_only: frozenset[str]
    babies_only: frozenset[str]
    pregnancy_excluded: frozenset[str]
    durations: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    medicines: Mapping[str, MedicineClass]
    reassurance: Item
    opening: tuple[str, ...]
    padding: tuple[str, ...]
    closing: tuple[str, ...]
    frames: Mapping[Frame, Mapping[str, tuple[str, ...]]]
    asks: Mapping[str, tuple[str, ...]]
    inner_turns: tuple[str, ...]


class Cited(_Strict):
    """Ids of the principles that ask for an item, by what the item is about."""

    kinds: Mapping[str, tuple[str, ...]]
    attributes: Mapping[str, tuple[str, ...]]
    medicines: Mapping[str, tuple[str, ...]]
    presentations: Mapping[str, tuple[str, ...]]


class Knowledge(_Strict):
    """Everything the miniclinic knows. Item keys: ``headache.act``, ``attribute.older``, ``nsaid.recommend``,
    ``nsaid.avoid.kidney``, ``reassurance``, ``filler``."""

    generic: Generic
    presentations: Mapping[str, Presentation]
    cited: Cited

    @cached_property
    def items(self) -> Mapping[str, Item]:
        """Every item by its key."""
        return dict(self._items())

    @cached_property
    def said_by(self) -> Mapping[str, str]:
        """Item key by answer sentence; fillers have the key ``filler``."""
        table = dict.fromkeys(self.fillers, "filler")
        for key, item in self.items.items():
            for sentence in item.answer:
                _put(table, sentence, key)
        return table

    @cached_property
    def asked_by(self) -> Mapping[str, tuple[str, bool]]:
        """(item key, whether the criterion names a fault) by criterion text."""
        table: dict[str, tuple[str, bool]] = {}
        for key, item in self.items.items():
            for text in item.criterion:
                _put(table, text, (key, item.points < 0))
            for text in item.fault:
                _put(table, text, (key, True))
        return table

    @cached_property
    def fillers(self) -> tuple[str, ...]:
        """Sentences that are allowed anywhere and worth nothing."""
        return self.generic.opening + self.generic.padding + self.generic.closing

    def principles_of(self, key: str) -> tuple[str, ...]:
        """Return the ids of the principles that ask for an item, most specific first."""
        first, *rest = key.split(".")
        kind = "attribute" if first == "attribute" else (rest[0] if rest else first)
        about = self.cited.medicines.get(first, ()) + self.cited.presentations.get(first, ())
        attribute = self.cited.attributes.get(rest[-1], ()) if rest else ()
        general = self.cited.kinds[kind]
        if kind in ("ask", "explain", "professional", "safety_net"):
            return tuple(dict.fromkeys(general + attribute + about))
        return tuple(dict.fromkeys(attribute + about + general))

    def _items(self) -> Iterator[tuple[str, Item]]:
        for presentation in self.presentations.values():
            for name in Items.model_fields:
                yield f"{presentation.id}.{name}", getattr(presentation.items, name)
        for name, attribute in self.generic.attributes.items():
            yield f"attribute.{name}", attribute.mention
        for name, medicine in self.generic.medicines.items():
            yield f"{name}.recommend", medicine.recommend
            for attribute_name, item in medicine.avoid.items():
                yield f"{name}.avoid.{attribute_name}", item
        yield "reassurance", self.generic.reassurance


def load_knowledge(folder: Path = FOLDER) -> Knowledge:
    """Read and check the knowledge base. Raises ``KnowledgeError`` or pydantic's ``ValidationError``."""
    presentations: dict[str, Presentation] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.name in ("generic.yaml", "principles.yaml"):
            continue
        for row in yaml.safe_load(path.read_text(encoding="utf-8")):
            presentation = Presentation.model_validate(row)
            _put(presentations, presentation.id, presentation)
    generic = Generic.model_validate(yaml.safe_load((folder / "generic.yaml").read_text(encoding="utf-8")))
    cited = Cited.model_validate(yaml.safe_load((folder / "principles.yaml").read_text(encoding="utf-8")))
    if missing := set(presentations) - set(cited.presentations):
        raise KnowledgeError(f"principles.yaml names no principle for {sorted(missing)}")
    return Knowledge(generic=generic, presentations=presentations, cited=cited)


def _put(table: dict[str, _T], key: str, value: _T) -> None:
    if key in table:
        raise KnowledgeError(f"{key!r} stands for both {table[key]!r} and {value!r}")
    table[key] = value
