"""The arms: each answers a conversation in its own way, and tells what that cost.

Invariant: guided answers and their controls start from the same draft. The controls are those that "look once more"
needs: no principles, all of them, more rounds, and plain answers of the same length or at the same tokens.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from inspect_ai.model import ChatMessage

from training.evaluation.arms.asked import Principles, Target, draft_of, revised, whole
from training.evaluation.arms.best_of_n import best_of_n
from training.evaluation.recipe import ArmName
from training.evaluation.rows import Answered

Arm = Callable[[Target, Sequence[ChatMessage], str], Awaitable[Answered]]
LENGTH_CANDIDATES = 8


async def plain(target: Target, messages: Sequence[ChatMessage], key: str) -> Answered:
    """A plain answer, of any endpoint."""
    return await target.answer(messages, key)


async def draft(target: Target, messages: Sequence[ChatMessage], key: str) -> Answered:
    """The draft of the guided answer: what a plain request would have got."""
    return draft_of(await target.revision(messages, key))


async def guided(target: Target, messages: Sequence[ChatMessage], key: str) -> Answered:
    """The gateway's answer: principles retrieved, one round."""
    return whole(await target.revision(messages, key))


async def another_revision(
    target: Target, messages: Sequence[ChatMessage], key: str, *, principles: Principles = "retrieved", rounds: int = 1
) -> Answered:
    """The guided answer's draft, revised otherwise."""
    first = draft_of(await target.revision(messages, key))
    record = await target.revision(messages, key, draft=first.text, principles=principles, rounds=rounds)
    return revised(first, record)


async def length_matched(target: Target, messages: Sequence[ChatMessage], key: str) -> Answered:
    """Among plain answers the one whose length in characters is nearest to the guided one's, at the cost of all."""
    wanted = len((await target.revision(messages, key))["answer"])
    candidates = [await target.answer(messages, key, number) for number in range(1, LENGTH_CANDIDATES + 1)]
    nearest = min(candidates, key=lambda one: abs(len(one.text) - wanted))
    return replace(
        nearest,
        input_tokens=sum(one.input_tokens for one in candidates),
        cached_tokens=sum(one.cached_tokens for one in candidates),
        output_tokens=sum(one.output_tokens for one in candidates),
        seconds=max(one.seconds for one in candidates),
        calls=len(candidates),
        extra={"guided_characters": wanted},
    )


ARMS: Final[Mapping[ArmName, Arm]] = {
    "plain": plain,
    "draft": draft,
    "guided": guided,
    "no_principles": partial(another_revision, principles="none"),
    "all_principles": partial(another_revision, principles="all"),
    "rounds_2": partial(another_revision, rounds=2),
    "rounds_3": partial(another_revision, rounds=3),
    "length_matched": length_matched,
    "best_of_n": best_of_n,
}
"""Rounds 0 are the draft, rounds 1 the guided answer."""
