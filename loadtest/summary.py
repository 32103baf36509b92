"""From measurements to the figures of a latency run.

Invariant: a question counts once, with each arm's median over its repeats; ratios are paired by question. Failed
questions are counted, never estimated.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from loadtest.latency import Arm, Failure, Measurement
from loadtest.stats import Ratio, mean, median, paired_ratio, share

RATIO_MEANS = "ratio of mean latencies; a question's latency is the median over its repeats"


def summarise(measured: Sequence[Measurement], failures: Sequence[Failure], seed: int) -> dict[str, Any]:
    """The figures, as JSON; ``*_over_plain`` is what ``ratio`` says, None where there is nothing to compare."""
    ratios = {arm: over_plain(measured, arm, seed) for arm in (Arm.GUIDED, Arm.TEXTBOOK)}
    accepted = over_plain([m for m in measured if m.outcome == "accepted"], Arm.GUIDED, seed)
    guided = [m.guided for m in measured]
    textbook = [m for m in measured if m.textbook is not None]
    return {
        "ratio": RATIO_MEANS,
        "guided_over_plain": _headline(ratios[Arm.GUIDED]),
        "accepted_over_plain": _headline(accepted),
        "textbook_over_plain": _headline(ratios[Arm.TEXTBOOK]),
        "cached_share": share(sum(s.cached_tokens for s in guided), sum(s.prompt_tokens for s in guided)),
        "draft_share_equal": share(_questions_with_same_draft(measured), len({m.question for m in measured})),
        "requests": len({m.question for m in measured}),
        "repeats": max((m.repeat for m in measured), default=0),
        "measurements": len(measured),
        "failures": len(failures),
        "arms": {arm.value: _arm(measured, arm) for arm in Arm},
        "ratios": {arm.value: _as_json(ratio) for arm, ratio in ratios.items()},
        "outcomes": _outcomes(measured, seed),
        "guided_over_plain_by_repeat": _by_repeat(measured, seed),
        "textbook_runs": len(textbook),
        "textbook_rewrites": sum(m.rewritten for m in textbook),
        "textbook_unreadable_critiques": sum(not m.readable for m in textbook),
    }


def over_plain(measured: Sequence[Measurement], arm: Arm, seed: int) -> Ratio | None:
    """Compare an arm with the plain answers to the same questions, where it ran."""
    ran = [m for m in measured if m.spent(arm) is not None]
    return paired_ratio(_seconds_per_question(ran, arm), _seconds_per_question(ran, Arm.PLAIN), seed)


def _seconds_per_question(measured: Sequence[Measurement], arm: Arm) -> list[float]:
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for measurement in measured:
        spent = measurement.spent(arm)
        if spent is not None:
            seconds[measurement.question].append(spent.seconds)
    return [middle for values in seconds.values() if (middle := median(values)) is not None]


def _questions_with_same_draft(measured: Sequence[Measurement]) -> int:
    """Questions whose drafts coincided in every repeat."""
    return len({m.question for m in measured} - {m.question for m in measured if not m.same_draft})


def _arm(measured: Sequence[Measurement], arm: Arm) -> dict[str, Any]:
    spent = [found for m in measured if (found := m.spent(arm)) is not None]
    seconds = _seconds_per_question(measured, arm)
    return {
        "mean_seconds": mean(seconds),
        "median_seconds": median(seconds),
        "mean_output_tokens": mean([s.output_tokens for s in spent]),
        "mean_prompt_tokens": mean([s.prompt_tokens for s in spent]),
        "mean_cached_tokens": mean([s.cached_tokens for s in spent]),
    }


def _outcomes(measured: Sequence[Measurement], seed: int) -> dict[str, Any]:
    """Per outcome the requests (a question's repeats may end differently) and the ratio over those."""
    counts = Counter(m.outcome for m in measured)
    return {
        outcome: {
            "requests": count,
            "over_plain": _as_json(over_plain([m for m in measured if m.outcome == outcome], Arm.GUIDED, seed)),
        }
        for outcome, count in counts.most_common()
    }


def _by_repeat(measured: Sequence[Measurement], seed: int) -> list[float | None]:
    """After the first repeat the engine's prefix cache knows the questions: this shows what that is worth."""
    by_repeat: defaultdict[int, list[Measurement]] = defaultdict(list)
    for measurement in measured:
        by_repeat[measurement.repeat].append(measurement)
    return [_headline(over_plain(by_repeat[repeat], Arm.GUIDED, seed)) for repeat in sorted(by_repeat)]


def _headline(ratio: Ratio | None) -> float | None:
    return ratio.ratio_of_means if ratio else None


def _as_json(ratio: Ratio | None) -> dict[str, Any] | None:
    return asdict(ratio) if ratio else None
