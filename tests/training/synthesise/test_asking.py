import asyncio
import json
from collections.abc import Callable

import pytest

from models.engine import ChatRequest
from tests.training.synthesise.scripted_engine import MODEL, Engine, scripted
from training.synthesise import asking
from training.synthesise.asking import (
    Asker,
    Read,
    Reason,
    StepFailure,
    Unreadable,
    check_engines,
    draw_seed,
    rotated,
)
from training.synthesise.settings import Engines, SynthesisError

DEAD = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "FIRST_PAUSE_SECONDS", 0.01)


def ask(
    *urls: str, id_: str = "q-1", retries: int = 2, timeout: float = 5, read: Callable[[str], str] = str
) -> Read[str]:
    settings = Engines(urls=urls, model=MODEL, retries=retries, timeout_seconds=timeout)

    def request(seed: int | None) -> ChatRequest:
        return ChatRequest(messages=({"role": "user", "content": f"question {id_}"},), seed=seed)

    async def run() -> Read[str]:
        asker = Asker(settings, 4)
        try:
            return await asker.ask("rubric", id_, 7, request, read)
        finally:
            await asker.aclose()

    return asyncio.run(run())


@pytest.mark.parametrize("status", [429, 500, 503])
def test_trouble_is_asked_again_with_another_seed(status: int) -> None:
    with scripted(lambda id_, before: (status, "busy") if before < 2 else (200, "well")) as engine:
        assert ask(engine.url).value == "well"
        assert engine.asked["q-1"] == 3
        seeds = [body["seed"] for body in engine.bodies]
    assert seeds == [draw_seed(7, "q-1", "rubric", attempt) for attempt in (1, 2, 3)]
    assert len(set(seeds)) == 3


@pytest.mark.parametrize(
    ("status", "attempts", "reason"), [(503, 3, Reason.ENGINE_UNAVAILABLE), (400, 1, Reason.ENGINE_REFUSED)]
)
def test_retries_end_and_a_refusal_has_none(status: int, attempts: int, reason: Reason) -> None:
    with scripted(lambda id_, before: (status, "no")) as engine:
        with pytest.raises(StepFailure, match=engine.url) as failed:
            ask(engine.url)
        assert (failed.value.reason, failed.value.attempts, engine.asked["q-1"]) == (reason, attempts, attempts)


def test_a_hanging_engine_is_a_timeout() -> None:
    def hang(id_: str, before: int) -> tuple[int, str]:
        asyncio.run(asyncio.sleep(1))
        return 200, "late"

    with scripted(hang) as engine, pytest.raises(StepFailure) as failed:
        ask(engine.url, retries=0, timeout=0.2)
    assert failed.value.reason is Reason.ENGINE_TIMEOUT


def test_an_answer_that_cannot_be_read_is_drawn_again() -> None:
    def read(text: str) -> str:
        if text == "nonsense":
            raise Unreadable("nonsense")
        return text

    with scripted(lambda id_, before: (200, "nonsense" if before == 0 else "sense")) as engine:
        assert ask(engine.url, read=read).attempts == 2
    with scripted(lambda id_, before: (200, "nonsense")) as engine, pytest.raises(StepFailure) as failed:
        ask(engine.url, read=read)
    assert (failed.value.reason, failed.value.attempts) == (Reason.UNREADABLE, 3)


def test_a_dead_engine_gives_way_to_a_living_one() -> None:
    with scripted(lambda id_, before: (200, "well")) as engine:
        id_ = next(f"q-{n}" for n in range(99) if rotated((DEAD, engine.url), f"q-{n}")[0] == DEAD)
        assert ask(DEAD, engine.url, id_=id_).attempts == 2


def test_rows_spread_over_engines_and_stay_there() -> None:
    urls = ("a", "b", "c")
    first = [rotated(urls, f"q-{number}")[0] for number in range(300)]
    assert all(first.count(url) > 60 for url in urls)
    assert sorted(rotated(urls, "q-1")) == sorted(urls)
    assert rotated(urls, "q-1") == rotated(urls, "q-1")


def test_engines_are_checked_by_name_and_model() -> None:
    with scripted() as engine:
        check_engines(Engines(urls=(engine.url,), model=MODEL))
        with pytest.raises(SynthesisError, match=f"{engine.url} does not serve 'other', only 'scripted'"):
            check_engines(Engines(urls=(engine.url,), model="other"))
        with pytest.raises(SynthesisError, match=f"no engine at {DEAD}"):
            check_engines(Engines(urls=(engine.url, DEAD), model=MODEL))


def test_at_most_so_many_requests_are_open() -> None:
    def slow(id_: str, before: int) -> tuple[int, str]:
        asyncio.run(asyncio.sleep(0.05))
        return 200, json.dumps(id_)

    async def many(engine: Engine) -> None:
        asker = Asker(Engines(urls=(engine.url,), model=MODEL), 3)
        names = [f"q-{number}" for number in range(12)]

        def request(name: str) -> Callable[[int | None], ChatRequest]:
            return lambda _: ChatRequest(messages=({"role": "user", "content": f"question {name}"},))

        found = await asyncio.gather(*(asker.ask("rubric", name, None, request(name), json.loads) for name in names))
        await asker.aclose()
        assert [read.value for read in found] == names

    with scripted(slow) as engine:
        asyncio.run(many(engine))
        assert engine.most_open == 3
