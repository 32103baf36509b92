"""A judge of the tests, behind inspect's mock model, and a solver that answers from a table."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from inspect_ai.model import (
    ChatMessage,
    GenerateConfig,
    Logprob,
    Logprobs,
    Model,
    ModelOutput,
    ModelUsage,
    TopLogprob,
    get_model,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import ToolChoice, ToolInfo

from training.evaluation.asking import payload_of
from training.evaluation.rows import ANSWER, Answered

Payload = Mapping[str, Any]


def output(text: str, alternatives: Mapping[str, float] | None = None) -> ModelOutput:
    """What a model answers: a text, with the first token's log-probabilities."""
    made = ModelOutput.from_content(model="mock", content=text)
    made.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    if alternatives is not None:
        listed = [TopLogprob(token=token, logprob=logprob) for token, logprob in alternatives.items()]
        made.choices[0].logprobs = Logprobs(content=[Logprob(token=text, logprob=-0.1, top_logprobs=listed)])
    return made


def judge(answer: Callable[[Payload], ModelOutput], asked: list[GenerateConfig] | None = None) -> Model:
    """A model that answers the question as data; its settings are appended to ``asked``."""

    def generated(
        messages: list[ChatMessage], tools: list[ToolInfo], choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        if asked is not None:
            asked.append(config)
        payload = payload_of(messages)
        assert payload is not None
        return answer(payload)

    return get_model("mockllm/model", custom_outputs=generated, memoize=False)


@solver
def answers(texts: Mapping[str, str]) -> Solver:
    """Answer each sample with its text, at a made-up cost."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        text = texts[str(state.sample_id)]
        state.output = output(text)
        state.messages.append(state.output.message)
        state.metadata[ANSWER] = asdict(Answered(text, 10, 0, 5, 0.5, 1, None, {}))
        return state

    return solve
