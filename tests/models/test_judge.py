import math
from collections.abc import AsyncGenerator, Mapping

import pytest

from models.engine import ChatRequest, Completion, Delta, EngineRefused, EngineUnavailable, ModelCard, Reply, Usage
from models.judge import JudgeFailure, gives_logprobs, judge, probability_of_yes

QUESTION = ({"role": "user", "content": "Met?"},)


class Answering:
    """An engine that always answers, or fails, in one way."""

    model = "m"

    def __init__(self, answer: Completion | Exception) -> None:
        self.answer = answer
        self.requests: list[ChatRequest] = []

    async def chat(self, request: ChatRequest) -> Completion:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        yield Delta()

    async def models(self) -> tuple[ModelCard, ...]:
        return ()

    async def ready(self) -> bool:
        return True

    async def forward(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        raise AssertionError("a judge passes nothing through")

    async def aclose(self) -> None:
        return None


def answer(**probabilities: float) -> Completion:
    logprobs = {text: math.log(p) for text, p in probabilities.items()} or None
    return Completion(text="yes", finish_reason="length", usage=Usage(10, 1, 8), logprobs=logprobs, ms=3.0)


def logs(probabilities: Mapping[str, float]) -> dict[str, float]:
    return {text: math.log(p) for text, p in probabilities.items()}


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        ({"yes": 0.6, "no": 0.2, "maybe": 0.2}, 0.75),
        ({"yes": 0.2, " Yes": 0.1, "YES": 0.1, "no": 0.05, "\nNo": 0.05}, 0.8),
        ({"yes": 0.9, "well": 0.1}, 0.9),
        ({"no": 0.98, "well": 0.02}, 0.02),
        ({"y": 0.3, "n": 0.6, "\n": 0.1}, 1 / 3),
        ({"Ye": 0.4, "N": 0.4, "nor": 0.2}, 0.5),
    ],
)
def test_probability(probabilities: Mapping[str, float], expected: float) -> None:
    assert probability_of_yes(logs(probabilities)) == pytest.approx(expected)


@pytest.mark.parametrize(
    "probabilities",
    [
        {},
        {"The": 0.9, "It": 0.1},
        {"The": 0.98, "yes": 0.005, "no": 0.004},
        {"The": 0.9, "yes": 0.1},
        {"yesterday": 0.9, "north": 0.1},
    ],
    ids=["nothing", "neither", "too little", "one at the floor", "prefixes do not count"],
)
def test_what_cannot_be_read_is_a_failure(probabilities: Mapping[str, float]) -> None:
    with pytest.raises(JudgeFailure):
        probability_of_yes(logs(probabilities))


def test_no_log_probabilities_is_a_failure() -> None:
    with pytest.raises(JudgeFailure):
        probability_of_yes(None)


async def test_judge_asks_for_one_token() -> None:
    engine = Answering(answer(yes=0.9, no=0.1))
    judgement = await judge(engine, QUESTION, priority=-1, headers={"x-request-id": "r"})
    assert (judgement.usage, judgement.ms) == (Usage(10, 1, 8), 3.0)
    assert judgement.probability == pytest.approx(0.9)
    assert engine.requests == [
        ChatRequest(
            messages=QUESTION,
            max_tokens=1,
            temperature=0.0,
            top_logprobs=20,
            priority=-1,
            headers={"x-request-id": "r"},
        )
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(yes=0.5), True),
        (answer(), False),
        (EngineRefused("no", status=400, type="x", body={}), False),
    ],
)
async def test_log_probabilities_are_detected(given: Completion | Exception, expected: bool) -> None:
    assert await gives_logprobs(Answering(given)) is expected


async def test_an_engine_that_is_away_tells_nothing_about_log_probabilities() -> None:
    with pytest.raises(EngineUnavailable):
        await gives_logprobs(Answering(EngineUnavailable("away")))
