"""Reads a checkpoint's verdicts on labelled answers, and says for each label whether it was right.

Invariant: the same checkpoint and labels give the same flags; a verdict that cannot be read is not right, and counted.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from service.revision.prompts import load_prompts
from training.data.files import read_records
from training.data.judge_labels import JudgeLabel
from training.trl_adapter.chats import verdict_prompt
from training.trl_adapter.policy import load_served, load_tokenizer
from training.trl_adapter.sequences import ChatWriter
from training.trl_adapter.verdicts import probabilities_of_yes


@dataclass(frozen=True, slots=True)
class Verdicts:
    """By question, in the labels' order: whether each verdict was right. ``unread`` ones count as wrong."""

    right: dict[str, list[bool]]
    unread: int


def read_verdicts(checkpoint: Path, labels: Path, prompts: str, threshold: float) -> Verdicts:
    """Judge every label's answer. Raises what loading and the data file raise."""
    tokenizer, worded = load_tokenizer(str(checkpoint)), load_prompts(prompts)
    writer, rows = ChatWriter(tokenizer), list(read_records(labels, JudgeLabel))
    asked = [writer.prompt(verdict_prompt(row, worded)) for row in rows]
    probabilities = probabilities_of_yes(load_served(checkpoint), tokenizer, asked)
    right: dict[str, list[bool]] = {}
    for row, probability in zip(rows, probabilities, strict=True):
        flag = probability is not None and (probability >= threshold) == row.met
        right.setdefault(row.prompt[-1].content, []).append(flag)
    return Verdicts(right, sum(probability is None for probability in probabilities))


def write_verdicts(path: Path, found: Verdicts) -> None:
    """Write one JSON object."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"right": found.right, "unread": found.unread}), encoding="utf-8")


def load_verdicts(path: Path) -> Verdicts:
    """Read what ``write_verdicts`` wrote."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return Verdicts(found["right"], found["unread"])
