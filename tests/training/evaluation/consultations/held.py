"""Consultations, doctors and models for the tests: everything invented here, nothing asked of a network."""

import json
from collections.abc import Callable, Sequence

from inspect_ai.model import ChatMessage, GenerateConfig, Model, ModelOutput, ModelUsage, get_model

from training.evaluation.asking import payload_of
from training.evaluation.consultations.consultation import Consultation, PatientTurn, Transcript
from training.evaluation.consultations.judge import FIELDS
from training.evaluation.rows import Answered
from training.methods.comparisons import Better

Replies = Callable[[Sequence[ChatMessage]], str]


def consultation(**changes: object) -> Consultation:
    case = Consultation(
        id="case-1",
        source="set",
        patient=(PatientTurn(text="My ankle is swollen."), PatientTurn(text="I can walk on it.")),
        doctor=("Can you walk on it?", "Rest it and keep it raised."),
        department="orthopaedics",
    )
    return Consultation.model_validate(case.model_dump() | changes)


def answered(text: str, **changes: object) -> Answered:
    fields = {"input_tokens": 10, "cached_tokens": 4, "output_tokens": 3, "seconds": 0.5, "calls": 1}
    return Answered(**({"text": text, "trace": None, "extra": {}} | fields | changes))  # type: ignore[arg-type]


class Doctor:
    """Replies by turn, and keeps the histories that it was shown."""

    def __init__(self, replies: Sequence[str]) -> None:
        self.replies = replies
        self.seen: list[list[ChatMessage]] = []

    async def reply(self, messages: list[ChatMessage], turn: int) -> Answered:
        self.seen.append(messages)
        return answered(self.replies[min(turn, len(self.replies) - 1)])


def model(replies: Replies) -> Model:
    """A model that answers what ``replies`` makes of the messages."""

    def output(messages: list[ChatMessage], tools: object, choice: object, config: GenerateConfig) -> ModelOutput:
        made = ModelOutput.from_content(model="mockllm/model", content=replies(messages))
        made.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return made

    return get_model("mockllm/model", memoize=False, custom_outputs=output)


def by_payload(answer: Callable[[dict[str, object]], str]) -> Replies:
    """Answer from the question as data."""

    def replies(messages: Sequence[ChatMessage]) -> str:
        payload = payload_of(messages)
        assert payload is not None
        return answer(dict(payload))

    return replies


def verdict(better: Better | Sequence[Better]) -> str:
    """A judge's answer: one verdict for all fields, or one for each."""
    each = [better] * len(FIELDS) if isinstance(better, str) else better
    return json.dumps({name: {"reason": "said", "better": one} for name, one in zip(FIELDS, each, strict=True)})


def transcript(reply: str = "Rest it.") -> Transcript:
    return (("patient", "My ankle is swollen."), ("doctor", reply))
