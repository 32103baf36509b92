"""Owns the conversations that supervised training learns from: chats, preferred candidates, and experts' verdicts.

Invariant: a conversation ends with the assistant, ids do not repeat, and a row that is left out is counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from service.revision.prompts import PromptSet
from training.data.chats import Chat
from training.data.files import raw_rows, read_records
from training.data.judge_labels import JudgeLabel
from training.data.kinds import KINDS, ROWS_LOOKED_AT, Kind
from training.data.rubrics import TIE, HealthRubric
from training.runs.folder import RunError

YES, NO = "yes", "no"


CHAT = KINDS["chat"]
_SUPERVISED = (CHAT, KINDS["health_rubric"])


@dataclass(frozen=True, slots=True)
class Conversation:
    """Role and content of each message; the last one is the assistant's."""

    id: str
    messages: tuple[dict[str, str], ...]
    last_turn_only: bool


@dataclass(frozen=True, slots=True)
class Conversations:
    """What a file holds; ``ties`` counts HealthRubrics without a preferred candidate, which are left out."""

    rows: tuple[Conversation, ...]
    ties: int = 0


def read_conversations(path: Path) -> Conversations:
    """Read chats, or HealthRubrics, whose preferred candidate is what is learnt.

    Raises ``RunError`` for other rows, for ids that repeat and where nothing is left to learn; ``FaultyRow`` and
    ``UnreadableFile`` as the data files do.
    """
    kind = _kind(path)
    if kind is CHAT:
        rows = tuple(_of_chat(row) for row in read_records(path, Chat))
        ties = 0
    else:
        rubrics = list(read_records(path, HealthRubric))
        rows = tuple(_of_preference(row) for row in rubrics if row.preference != TIE)
        ties = len(rubrics) - len(rows)
    if not rows:
        raise RunError(f"{path}: nothing to learn: {ties} rows, all of them ties")
    _refuse_repeated(path, [row.id for row in rows])
    return Conversations(rows, ties)


def read_labels(path: Path) -> tuple[JudgeLabel, ...]:
    """Read judge labels. Raises ``RunError`` for ids that repeat and for none at all; else as the data files do."""
    labels = tuple(read_records(path, JudgeLabel))
    if not labels:
        raise RunError(f"{path}: no labels")
    _refuse_repeated(path, [label.id for label in labels])
    return labels


def verdict_prompt(label: JudgeLabel, prompts: PromptSet) -> tuple[dict[str, str], ...]:
    """Return the service's own question for this verdict."""
    asked = prompts.verdict([message.model_dump() for message in label.prompt], label.answer, label.criterion)
    return tuple(_plain(message) for message in asked)


def verdict_conversation(label: JudgeLabel, prompts: PromptSet) -> Conversation:
    """Return question and right verdict; the answer that is judged is material, and only the verdict is learnt."""
    verdict = {"role": "assistant", "content": YES if label.met else NO}
    return Conversation(label.id, (*verdict_prompt(label, prompts), verdict), last_turn_only=True)


def _kind(path: Path) -> Kind:
    for raw in islice(raw_rows(path), ROWS_LOOKED_AT):
        for kind in _SUPERVISED:
            if kind.fits(raw.value):
                return kind
    names = " or ".join(f"{kind.name} ({', '.join(_required(kind))})" for kind in _SUPERVISED)
    raise RunError(f"{path}: none of the first {ROWS_LOOKED_AT} rows has the fields of a {names}")


def _required(kind: Kind) -> Iterable[str]:
    return (name for name, field in kind.record.model_fields.items() if field.is_required())


def _of_chat(row: Chat) -> Conversation:
    return Conversation(row.id, tuple(_plain(m.model_dump()) for m in row.messages), row.last_turn_only)


def _of_preference(row: HealthRubric) -> Conversation:
    """Earlier turns of the assistant are nobody's preference, so only the candidate is learnt."""
    text = next(candidate.text for candidate in row.candidates if candidate.id == row.preference)
    asked = tuple(_plain(message.model_dump()) for message in row.prompt)
    return Conversation(row.id, (*asked, {"role": "assistant", "content": text}), last_turn_only=True)


def _plain(message: Mapping[str, str]) -> dict[str, str]:
    return {"role": message["role"], "content": message["content"]}


def _refuse_repeated(path: Path, ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in ids:
        if name in seen:
            raise RunError(f"{path}: the id {name!r} is there more than once")
        seen.add(name)
