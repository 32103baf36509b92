"""What the audit's tests share: items, verdicts with log-probabilities, and judges of inspect's that give them."""

import math
import random
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    Logprob,
    Logprobs,
    Model,
    ModelOutput,
    ModelUsage,
    TopLogprob,
    get_model,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from training.evaluation.asking import payload_of
from training.evaluation.audit.audited import Audited
from training.evaluation.audit.labels import Labelled

Says = Callable[[Mapping[str, Any]], ModelOutput]


def item(
    met: bool | None,
    *labels: bool,
    case: str = "c",
    p: float | None = None,
    length: int = 100,
    points: float | None = None,
    **groups: str,
) -> Audited:
    return Audited(case, labels, met, p, length, points, groups)


def labelled(name: str, criterion: str, *labels: bool, question: str = "q", answer: str = "An answer.") -> Labelled:
    return Labelled(name, ({"role": "user", "content": question},), answer, criterion, 5, labels, {"axis": "accuracy"})


def noisy(n: int, *, shift: float = 0.0, noise: float = 1.0, seed: int = 0, each: int = 5) -> list[Audited]:
    """A judge whose logit is 2 for what is met and -2 for what is not, plus a shift and noise; ``each`` a case."""
    rng = random.Random(seed)
    made = []
    for number in range(n):
        label = rng.random() < 0.5
        p = 1 / (1 + math.exp(-((2.0 if label else -2.0) + shift + noise * rng.gauss(0, 1))))
        made.append(item(p >= 0.5, label, case=f"c{number // each}", p=p, length=rng.randint(50, 900)))
    return made


def output(text: str, probability: float | None = None) -> ModelOutput:
    """What a judge writes, with the alternatives of its first token where a probability of yes is given."""
    logprobs = None
    if probability is not None:
        pairs = (("yes", probability), ("no", 1 - probability))
        top = [TopLogprob(token=token, logprob=math.log(p)) for token, p in pairs]
        logprobs = Logprobs(content=[Logprob(token="yes", logprob=top[0].logprob, top_logprobs=top)])
    choice = ChatCompletionChoice(message=ChatMessageAssistant(content=text), logprobs=logprobs)
    return ModelOutput(model="mock", choices=[choice], usage=ModelUsage(input_tokens=1, output_tokens=1))


def judge(says: Says, name: str = "judge") -> Model:
    """A model that answers by the question's data."""

    def answer(
        messages: list[ChatMessage], tools: list[ToolInfo], choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        payload = payload_of(messages)
        assert payload is not None
        return says(payload)

    return get_model(f"mockllm/{name}", custom_outputs=answer, memoize=False)


labels = st.lists(st.booleans(), min_size=1, max_size=3).map(tuple)
audited = st.builds(
    Audited,
    case=st.sampled_from("abcdef"),
    labels=labels,
    met=st.none() | st.booleans(),
    probability=st.none() | st.floats(0.001, 0.999),
    length=st.integers(1, 2000),
    points=st.none() | st.sampled_from([-5.0, 3.0]),
    groups=st.sampled_from([{}, {"axis": "accuracy"}, {"axis": "completeness", "category": "x"}]),
)
audits = st.lists(audited, min_size=1, max_size=25)
