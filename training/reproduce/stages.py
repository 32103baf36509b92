"""Owns which stages a reproduction has, in which order, and what each needs."""

from collections.abc import Iterator, Sequence

from training.runs.stages import Stage

ARMS = ("grpo", "synthesised", "generic", "crpo", "absolute")
"""Reinforcement from one SFT checkpoint: three rubrics under one method, and two kinds of judgement by comparison."""

SERVED_ARMS = ("grpo", "crpo", "absolute")
"""Whose guided score is measured through the gateway."""


def stages(seeds: Sequence[int]) -> tuple[Stage, ...]:
    """Return all stages in the order in which they are wanted: the first seed's whole report before the next seed."""
    return tuple(_stages(seeds))


def _stages(seeds: Sequence[int]) -> Iterator[Stage]:
    yield Stage("data", ())
    yield Stage("sft", ("data",))
    yield Stage("judge", ("data",))
    yield Stage("synthesise", ("sft",))
    yield Stage("merger", ("sft",))
    yield Stage("distil", ("merger",))
    for number, seed in enumerate(seeds):
        for arm in ARMS:
            yield Stage(f"align:{arm}:{seed}", ("sft", "synthesise") if arm == "synthesised" else ("sft",))
        if number == 0:
            for model in ("start", "sft"):
                yield Stage(f"drafts:{model}", ("sft",))
                yield Stage(f"guided:{model}", ("sft",))
        for arm in ARMS:
            yield Stage(f"drafts:{arm}:{seed}", (f"align:{arm}:{seed}",))
        if number == 0:
            for arm in SERVED_ARMS:
                yield Stage(f"guided:{arm}:{seed}", (f"align:{arm}:{seed}",))
