"""Runs supervised training of a judge on experts' labels in the service's verdict prompt, and says what it is worth.

Invariant: the threshold is chosen on labels whose questions were not trained on, and never on the held-out labels.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from service.revision.prompts import PromptSet, load_prompts
from training.data.judge_labels import JudgeLabel
from training.runs.folder import RunError
from training.trl_adapter.callbacks import open_run
from training.trl_adapter.chats import NO, YES, read_labels, verdict_conversation, verdict_prompt
from training.trl_adapter.policy import load_served, load_tokenizer
from training.trl_adapter.sequences import NOT_LEARNT, ChatWriter, Sequences, encode_all
from training.trl_adapter.settings import JudgeRecipe
from training.trl_adapter.sft import counts, supervise
from training.trl_adapter.verdicts import HALF, best_threshold, figures, probabilities_of_yes

TUNING_SHARE = 0.1
"""Of the questions, whose labels choose the threshold instead of being trained on."""


def train_judge(recipe: JudgeRecipe, folder: Path) -> Path:
    """Train by a recipe in the run's folder, and return the folder of the finished checkpoint.

    finished.json holds ``threshold``, chosen on ``tuning`` labels (a half where there are too few), and on the held-out
    labels agreement at that threshold and, in ``at_half``, at a half. Raises ``RunError``, and what data files raise.
    """
    run = open_run(folder, recipe)
    if run.finished is not None:
        return run.model
    tokenizer, prompts = load_tokenizer(recipe.model), load_prompts(recipe.prompts)
    train, tuning = split_by_question(read_labels(recipe.data))
    held_out = () if recipe.held_out is None else read_labels(recipe.held_out)
    sequences = encode_all([verdict_conversation(label, prompts) for label in train], tokenizer, recipe.max_tokens)
    _refuse_other_first_token(sequences, tokenizer)
    supervise(recipe, sequences.dataset, tokenizer, run)
    if PartialState().is_main_process:
        reader = _Reader(load_served(run.model), tokenizer, prompts, recipe.max_tokens)
        made: dict[str, Any] = {"prompts": prompts.version, "labels": len(train), "tuning": len(tuning)}
        threshold = reader.threshold(tuning)
        made |= {**counts(sequences), "threshold": threshold}
        run.mark_finished(made | (reader.evaluate(held_out, threshold) if held_out else {}))
    return run.model


def evaluate_judge(model: Path, recipe: JudgeRecipe) -> dict[str, Any]:
    """Return the figures of a checkpoint as it is on the recipe's held-out labels, at one half.

    Raises ``RunError`` for a recipe without held-out labels, and what loading raises.
    """
    if recipe.held_out is None:
        raise RunError("the recipe names no held-out labels")
    tokenizer = load_tokenizer(str(model))
    reader = _Reader(load_served(model), tokenizer, load_prompts(recipe.prompts), recipe.max_tokens)
    return reader.evaluate(read_labels(recipe.held_out), HALF)


def split_by_question(labels: Sequence[JudgeLabel]) -> tuple[list[JudgeLabel], list[JudgeLabel]]:
    """Return labels to train on and to tune on; one question's are on the same side, whatever the order."""
    keys = [hashlib.sha256(repr([m.model_dump() for m in label.prompt]).encode()).hexdigest() for label in labels]
    questions = sorted(set(keys))
    tuning = set(questions[: int(len(questions) * TUNING_SHARE)])
    sides: tuple[list[JudgeLabel], list[JudgeLabel]] = ([], [])
    for key, label in zip(keys, labels, strict=True):
        sides[key in tuning].append(label)
    return sides


class _Reader:
    """Reads a trained judge's verdicts on labels; prompts of more than ``max_tokens`` are not asked, but counted."""

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: PromptSet, max_tokens: int
    ) -> None:
        self._model, self._tokenizer, self._prompts, self._max_tokens = model, tokenizer, prompts, max_tokens
        self._writer = ChatWriter(tokenizer)

    def threshold(self, labels: Sequence[JudgeLabel]) -> float:
        """Return the best threshold on ``labels``."""
        if not labels:
            return HALF
        probabilities, truth = self._read(labels)
        return best_threshold(probabilities, truth)

    def evaluate(self, labels: Sequence[JudgeLabel], threshold: float) -> dict[str, Any]:
        """Return the figures on held-out labels."""
        probabilities, truth = self._read(labels)
        return {
            "held_out": len(labels),
            "held_out_too_long": len(labels) - len(truth),
            **figures(probabilities, truth, threshold),
            "at_half": figures(probabilities, truth, HALF),
        }

    def _read(self, labels: Sequence[JudgeLabel]) -> tuple[list[float | None], list[bool]]:
        asked = [(self._writer.prompt(verdict_prompt(label, self._prompts)), label.met) for label in labels]
        kept = [(prompt_T, met) for prompt_T, met in asked if len(prompt_T) < self._max_tokens]
        prompts = [prompt_T for prompt_T, _ in kept]
        return probabilities_of_yes(self._model, self._tokenizer, prompts), [met for _, met in kept]


def _refuse_other_first_token(sequences: Sequences, tokenizer: PreTrainedTokenizerBase) -> None:
    """The service reads a verdict from the first token, so a template must put nothing before it."""
    first = next(label for label in sequences.dataset[0]["labels"] if label != NOT_LEARNT)
    text = tokenizer.decode([first]).strip()
    if not (text and (YES.startswith(text) or NO.startswith(text))):
        raise RunError(f"the chat template of {tokenizer.name_or_path} has {text!r} written before a verdict")
