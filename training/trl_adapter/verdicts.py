"""Owns reading a trained judge: how likely a yes its first token is, as the service reads it, and what that is worth.

Invariant: a verdict that cannot be read is unscored (None) and counted apart; it is never a no.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from models.judge import TOP_LOGPROBS, JudgeFailure, probability_of_yes
from training.evaluation.statistics import agreement

AGREEMENT = ("n", "accuracy", "precision", "recall", "f1", "kappa")
HALF = 0.5


def probabilities_of_yes(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[Sequence[int]]
) -> list[float | None]:
    """Return the probability of yes after each prompt (token ids), one forward pass each; None where unreadable."""
    return [
        _readable(_alternatives(model, tokenizer, prompt_T))
        for prompt_T in tqdm(prompts, desc="verdicts", unit="verdicts", disable=None)
    ]


def best_threshold(probabilities: Sequence[float | None], truth: Sequence[bool]) -> float:
    """Return the threshold, from which on a verdict counts as met, that makes most verdicts right.

    Of those within one standard error (Agresti and Coull's) of the best it is the nearest to a half, or a label or two
    would move it anywhere. Unscored verdicts have no say; where not both answers are among the rest it is a half.
    """
    scored = [(p, met) for p, met in zip(probabilities, truth, strict=True) if p is not None]
    p_N = np.array([p for p, _ in scored], dtype=np.float64)
    met_N = np.array([met for _, met in scored], dtype=bool)
    if met_N.all() or not met_N.any():
        return HALF
    distinct = np.unique(p_N)
    cuts_M = np.append((distinct[:-1] + distinct[1:]) / 2, HALF)
    right_M = np.array([float(((p_N >= cut) == met_N).mean()) for cut in cuts_M])
    best, n = right_M.max(), len(scored)
    smoothed = (best * n + 2) / (n + 4)
    good_M = cuts_M[right_M >= best - math.sqrt(smoothed * (1 - smoothed) / n)]
    return float(good_M[np.argmin(np.abs(good_M - HALF))])


def figures(probabilities: Sequence[float | None], truth: Sequence[bool], threshold: float) -> dict[str, float | None]:
    """Return agreement over the scored verdicts (``AGREEMENT``) and the Brier score.

    ``parse_failures`` counts the unscored. A figure without meaning, one class only or nothing scored, is None.
    """
    scored = [(p, met) for p, met in zip(probabilities, truth, strict=True) if p is not None]
    row: dict[str, float | None] = {"threshold": threshold, "parse_failures": len(truth) - len(scored)}
    if not scored:
        return row | dict.fromkeys((*AGREEMENT, "brier")) | {"n": 0}
    found = agreement([p >= threshold for p, _ in scored], [met for _, met in scored])
    brier = math.fsum((p - met) ** 2 for p, met in scored) / len(scored)
    values = {name: getattr(found, name) for name in AGREEMENT} | {"brier": brier}
    return row | {name: None if math.isnan(value) else value for name, value in values.items()}


def _alternatives(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompt_T: Sequence[int]
) -> dict[str, float]:
    """Return the log-probabilities of the likeliest first tokens, as an engine lists them: by their text."""
    with torch.no_grad():
        logits_V = model(input_ids=torch.tensor([list(prompt_T)], device=model.device), logits_to_keep=1).logits[0, -1]
    top = logits_V.float().log_softmax(-1).topk(min(TOP_LOGPROBS, logits_V.numel()))
    listed: dict[str, float] = {}
    for token, logprob in zip(top.indices.tolist(), top.values.tolist(), strict=True):
        text = str(tokenizer.decode([token]))
        listed[text] = float(np.logaddexp(listed.get(text, -math.inf), logprob))
    return listed


def _readable(alternatives: dict[str, float]) -> float | None:
    try:
        return probability_of_yes(alternatives)
    except JudgeFailure:
        return None
