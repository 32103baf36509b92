"""Owns comparisons, preferred answers and counterparts from feedback: what CRPO and supervised training learn from.

Invariant: a comparison says only what the reviewer said; of answers that nobody compared there is none.
"""

from collections.abc import Iterator

from training.data.chats import Chat
from training.data.comparisons import Comparison
from training.data.counterparts import CounterpartRow
from training.data.queries import Query
from training.feedback.usable import LeftOut, Reviewed, Unusable

SOURCE = "feedback"


def comparisons(found: Reviewed) -> Iterator[Comparison]:
    """The preferred answer against each other one. Raises ``Unusable`` where none is preferred or there is one only."""
    if len(found.answers) < 2:
        raise Unusable(LeftOut.SAME_ANSWER)
    if found.preferred is None:
        raise Unusable(LeftOut.NEITHER)
    for name, text in found.answers.items():
        if name != found.preferred:
            yield Comparison.model_validate(
                {
                    "id": f"{found.record.id}-{name}",
                    "prompt": [message.model_dump() for message in found.prompt],
                    "first": {"text": found.answers[found.preferred], "model": found.preferred},
                    "second": {"text": text, "model": name},
                    "better": "first",
                    "compared_by": found.reviewer,
                }
            )


def preferred_chat(found: Reviewed) -> Chat:
    """The conversation with the answer that the reviewer would send. Raises ``Unusable``."""
    if found.preferred is None:
        raise Unusable(LeftOut.NEITHER)
    answer = {"role": "assistant", "content": found.answers[found.preferred]}
    messages = [*(message.model_dump() for message in found.prompt), answer]
    return Chat.model_validate({"id": found.record.id, "messages": messages, "last_turn_only": True})


def query(found: Reviewed) -> Query:
    """The question, which CRPO draws rollouts for."""
    prompt = [message.model_dump() for message in found.prompt]
    return Query.model_validate({"id": found.record.id, "prompt": prompt, "source": SOURCE})


def counterparts(found: Reviewed) -> CounterpartRow:
    """CRPO's fixed opponents for the question: what was drafted, and what was sent in its place."""
    answers = [{"label": "draft", "answer": found.answers["draft"]}, {"label": "revision", "answer": found.revised}]
    return CounterpartRow.model_validate({"prompt_id": found.record.id, "counterparts": answers})
