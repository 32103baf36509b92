"""Owns conversations as tokens: what an engine is given, and what the model must write itself, which is learnt.

Invariant: before each learnt turn stand exactly the tokens that an engine would be given there, under any template.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from datasets import Dataset
from torch.nn import functional
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from training.runs.folder import RunError
from training.trl_adapter.chats import Conversation

NOT_LEARNT = -100
SHOWN_CHARS = 60

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Encoded:
    """One sequence; a label is the token itself where it is learnt, else ``NOT_LEARNT``."""

    ids_T: tuple[int, ...]
    labels_T: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sequences:
    """What is trained on, with columns ``input_ids`` and ``labels``, and how much of it there is."""

    dataset: Dataset
    tokens: int
    learnt_tokens: int
    too_long: int


def encode_all(conversations: Sequence[Conversation], tokenizer: PreTrainedTokenizerBase, max_tokens: int) -> Sequences:
    """Encode every conversation; sequences of more than ``max_tokens`` are left out, counted and reported.

    Raises ``RunError`` where none is left, and as ``encode`` does.
    """
    rows = list(_encoded(conversations, ChatWriter(tokenizer)))
    kept = [row for row in rows if len(row.ids_T) <= max_tokens]
    if not kept:
        raise RunError(f"every one of {len(rows)} sequences is longer than {max_tokens} tokens")
    if len(kept) < len(rows):
        logger.warning("%d of %d sequences exceed %d tokens: left out", len(rows) - len(kept), len(rows), max_tokens)
    columns = {"input_ids": [list(row.ids_T) for row in kept], "labels": [list(row.labels_T) for row in kept]}
    return Sequences(
        Dataset.from_dict(columns),
        tokens=sum(len(row.ids_T) for row in kept),
        learnt_tokens=sum(label != NOT_LEARNT for row in kept for label in row.labels_T),
        too_long=len(rows) - len(kept),
    )


def _encoded(conversations: Iterable[Conversation], writer: "ChatWriter") -> Iterator[Encoded]:
    for conversation in tqdm(conversations, desc="tokenised", unit="chats", disable=None):
        yield from writer.encode(conversation)


def mean_loss(model: PreTrainedModel, dataset: Dataset) -> float:
    """Return the mean negative log-likelihood over all learnt tokens, one row at a time."""
    total, learnt = 0.0, 0
    for row in tqdm(dataset, desc="held out", unit="rows", disable=None):
        ids_1T, labels_T = (torch.tensor([row[name]], device=model.device) for name in ("input_ids", "labels"))
        with torch.no_grad():
            logits_TV = model(input_ids=ids_1T).logits[0, :-1].float()
        target_T = labels_T[0, 1:]
        total += float(functional.cross_entropy(logits_TV, target_T, ignore_index=NOT_LEARNT, reduction="sum"))
        learnt += int((target_T != NOT_LEARNT).sum())
    return total / learnt


class ChatWriter:
    """Writes conversations as a tokenizer's chat template does, piece by piece."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._special = {id_: str(token) for id_, token in tokenizer.added_tokens_decoder.items() if token.special}

    def prompt(self, messages: Sequence[Mapping[str, str]]) -> list[int]:
        """Return what the engine is given when the assistant is to speak next."""
        return self._ids(self._text(messages, asks=True))

    def encode(self, conversation: Conversation) -> list[Encoded]:
        """Return one sequence, or several where a template writes an earlier turn otherwise once others follow it.

        What a template puts after the prompt of its own accord (an empty thought) the model has to write, so it is
        learnt; what follows the end of the turn is not. Raises ``RunError`` naming row and template where a turn does
        not begin with the prompt for it, or ends with no special token, and for text that holds a special token.
        """
        self._refuse_special(conversation)
        made: list[Encoded] = []
        for number in _learnt_turns(conversation):
            prompt_T, turn_T = self._turn(conversation, number)
            extends = bool(made) and tuple(prompt_T[: len(made[-1].ids_T)]) == made[-1].ids_T
            before_T = made.pop().labels_T if extends else ()
            labels_T = (*before_T, *[NOT_LEARNT] * (len(prompt_T) - len(before_T)), *turn_T)
            made.append(Encoded((*prompt_T, *turn_T), labels_T))
        return made

    def _turn(self, conversation: Conversation, number: int) -> tuple[list[int], list[int]]:
        """Return the tokens before turn ``number``, and those of the turn up to and with its end."""
        asked = self._text(conversation.messages[:number], asks=True)
        answered = self._text(conversation.messages[: number + 1], asks=False)
        if not answered.startswith(asked):
            raise RunError(
                f"{conversation.id}: the chat template of {self._tokenizer.name_or_path} writes turn {number} "
                f"otherwise than it asks for it ({asked[-SHOWN_CHARS:]!r}), so what is learnt would not be asked for"
            )
        turn_T = self._ids(answered[len(asked) :])
        ends = [place for place, token in enumerate(turn_T, start=1) if token in self._special]
        if not ends:
            raise RunError(
                f"{conversation.id}: the chat template of {self._tokenizer.name_or_path} ends turn {number} with no "
                "special token, so no end would be learnt"
            )
        return self._ids(asked), turn_T[: ends[-1]]

    def _text(self, messages: Sequence[Mapping[str, str]], *, asks: bool) -> str:
        chat = [dict(message) for message in messages]
        return str(self._tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=asks))

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _refuse_special(self, conversation: Conversation) -> None:
        for number, message in enumerate(conversation.messages):
            if held := [token for token in self._special.values() if token in message["content"]]:
                raise RunError(f"{conversation.id}: messages.{number}.content holds the special token {held[0]!r}")


def _learnt_turns(conversation: Conversation) -> list[int]:
    turns = [n for n, message in enumerate(conversation.messages) if message["role"] == "assistant"]
    return turns[-1:] if conversation.last_turn_only else turns
