"""A gateway before several engines, some of which die, fail or hang: what the client gets, and what is told."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from principles.retrieve import Retriever
from service.app import create_app
from service.settings import Settings
from tests.service.api.mortal import Mortal, dies_of
from tests.service.api.scripted_engine import DRAFT, ENGINE_MODEL, REVISED
from tests.service.api.serving import eventually, served
from tests.service.api.test_ops import samples, value

CHAT = "/v1/chat/completions"
GUIDED: dict[str, Any] = {
    "model": "preceptor",
    "messages": [{"role": "user", "content": "My chest hurts since an hour. What now?"}],
}
PLAIN = {**GUIDED, "model": ENGINE_MODEL}


@contextmanager
def engines(count: int, fatal: Callable[..., bool] = lambda *_: False) -> Iterator[list[Mortal]]:
    with ExitStack() as stack:
        found = [Mortal(fatal) for _ in range(count)]
        for engine in found:
            engine.start()
            stack.callback(engine.join)
        yield found


@contextmanager
def gateway(retriever: Retriever, found: list[Mortal], **settings: Any) -> Iterator[str]:
    urls = [f"engine-{place}={engine.url}" for place, engine in enumerate(found)]
    quick = {"health_interval_s": 0.2, "health_timeout_s": 0.5, "slow_start_s": 0.0}
    chosen = Settings.model_validate({"engine_url": urls, **quick, **settings})
    with served(create_app(chosen, retriever=retriever), lifespan="on") as url:
        eventually(lambda: value(url, "preceptor_engines_ready") == len(found))
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        for engine in found:  # the question whether log-probabilities are given
            engine.script.asked.clear()
        yield url


def moves(url: str) -> float:
    name = "preceptor_engine_moves_total"
    return sum(number for (found, _), number in samples(url).items() if found == name)


def text_of(response: httpx.Response) -> str:
    return str(response.json()["choices"][0]["message"]["content"])


def test_all_steps_of_a_request_and_its_next_turn_go_to_one_engine(retriever: Retriever) -> None:
    with engines(3) as found, gateway(retriever, found) as url:
        assert text_of(httpx.post(f"{url}{CHAT}", json=GUIDED, timeout=20)) == REVISED
        later = [*GUIDED["messages"], {"role": "assistant", "content": DRAFT}, {"role": "user", "content": "Thank you"}]
        httpx.post(f"{url}{CHAT}", json={**GUIDED, "messages": later}, timeout=20)
        httpx.post(f"{url}{CHAT}", json={**PLAIN, "messages": later, "stream": True}, timeout=20)
        assert sorted(bool(engine.script.asked) for engine in found) == [False, False, True]
        assert moves(url) == 0


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("step", ["verdict", "edit", "check"])
def test_an_engine_that_dies_between_steps_costs_the_request_nothing(
    retriever: Retriever, step: str, stream: bool
) -> None:
    with engines(2, dies_of(step)) as found, gateway(retriever, found) as url:
        response = httpx.post(f"{url}{CHAT}", json={**GUIDED, "stream": stream}, timeout=20)
        assert response.status_code == 200
        assert '"outcome":"revised"' in response.text
        assert [engine.alive for engine in found].count(True) == 1
        alive = next(engine for engine in found if engine.alive)
        assert step in alive.script.steps()
        assert sum(engine.script.steps().count("draft") for engine in found) == 1
        assert value(url, "preceptor_engine_moves_total", reason="unreachable") >= 1
        assert value(url, "preceptor_outcomes_total", outcome="revised") == 1
        assert not [name for name, _ in samples(url) if name == "preceptor_failures_total"]
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)


def test_all_down_is_told_at_once_and_the_first_return_ends_it(retriever: Retriever) -> None:
    with engines(2) as found, gateway(retriever, found) as url:
        for engine in found:
            engine.kill()
        eventually(lambda: value(url, "preceptor_engine_health", engine="engine-0", state="down") == 1)
        eventually(lambda: value(url, "preceptor_engine_health", engine="engine-1", state="down") == 1)
        for body in (GUIDED, PLAIN, {**PLAIN, "stream": True}):
            response = httpx.post(f"{url}{CHAT}", json=body)
            assert (response.status_code, response.headers["retry-after"]) == (503, "2")
            assert response.json()["error"]["type"] == "engine_unavailable"
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 503)
        assert httpx.get(f"{url}/healthz").status_code == 200
        found[1].join()
        found[1].start()
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        eventually(lambda: httpx.get(f"{url}/readyz").json()["engines"] == {"engine-0": "down", "engine-1": "up"})
        assert httpx.post(f"{url}{CHAT}", json=PLAIN).status_code == 200


def test_an_engine_that_answers_500_is_passed_over(retriever: Retriever) -> None:
    broken = {"error": {"message": "broken", "type": "InternalServerError", "param": None, "code": 500}}
    with engines(2) as found, gateway(retriever, found) as url:
        found[0].script.refusal = (500, broken)
        for number in range(12):
            messages = [{"role": "user", "content": f"My chest hurts since {number} hours. What now?"}]
            body = {"messages": messages, "model": (ENGINE_MODEL, "preceptor")[number % 2], "stream": number % 3 == 0}
            assert httpx.post(f"{url}{CHAT}", json=body, timeout=20).status_code == 200
        counted = value(url, "preceptor_engine_moves_total", reason="server_error")
        assert 1 <= counted == value(url, "preceptor_engine_requests_total", engine="engine-0", result="failed")


def test_an_engine_that_hangs_before_its_first_byte_is_left(retriever: Retriever) -> None:
    with engines(2) as found, gateway(retriever, found, first_byte_s=0.3) as url:
        httpx.post(f"{url}{CHAT}", json=GUIDED, timeout=20)
        home = next(engine for engine in found if engine.script.asked)
        home.script.held = "verdict"
        response = httpx.post(f"{url}{CHAT}", json=GUIDED, timeout=20)
        assert response.headers["x-preceptor-outcome"] == "revised"
        assert value(url, "preceptor_engine_moves_total", reason="no_first_byte") >= 1
        eventually(lambda: home.script.open_calls == 0)


def test_slow_verdicts_are_hedged_where_that_is_wanted(retriever: Retriever) -> None:
    with engines(2) as found, gateway(retriever, found, hedge_after_s=0.1) as url:
        httpx.post(f"{url}{CHAT}", json=GUIDED, timeout=20)
        home = next(engine for engine in found if engine.script.asked)
        home.script.held = "verdict"
        response = httpx.post(f"{url}{CHAT}", json=GUIDED, timeout=20)
        assert response.headers["x-preceptor-outcome"] == "revised"
        assert value(url, "preceptor_engine_hedges_total", result="won") == 1
        eventually(lambda: home.script.open_calls == 0)


def test_no_address_of_an_engine_stands_in_a_metric(retriever: Retriever) -> None:
    with engines(1) as found:
        secret = found[0].url.replace("http://", "http://someone:secret-word@")
        with served(create_app(Settings(engine_url=(secret,)), retriever=retriever), lifespan="on") as url:
            eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
            told = httpx.get(f"{url}/metrics").text + httpx.get(f"{url}/readyz").text
    assert 'preceptor_engine_health{engine="0",state="up"} 1.0' in told
    assert "secret-word" not in told
    assert "127.0.0.1" not in told
