"""What runs beside the requests is begun again where it fails, and is never silent about it."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest

from service.logs import JsonLines
from service.metrics import Metrics
from service.watches import Watch, kept_up

SECRET = "the patient's own words"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the log says, as it is written."""
    stream, logger = io.StringIO(), logging.getLogger("preceptor.watches")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    yield stream
    logger.removeHandler(handler)


class Work:
    """Fails as it is told to, then goes on until it is cancelled."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.begun = 0
        self.steady = asyncio.Event()
        self.cancelled = False

    async def __call__(self) -> None:
        self.begun += 1
        if self.errors:
            raise self.errors.pop(0)
        self.steady.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def test_what_fails_is_counted_logged_without_its_message_and_begun_again(lines: io.StringIO) -> None:
    failed: list[Watch] = []
    work = Work(ValueError(SECRET), asyncio.CancelledError(), RuntimeError(SECRET))
    async with kept_up(Watch.KEYS, work, failed.append, pause_s=0.01):
        await work.steady.wait()
    assert (work.begun, failed, work.cancelled) == (4, [Watch.KEYS] * 3, True)
    rows = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [row["exception"] for row in rows] == ["ValueError", "CancelledError", "RuntimeError"]
    assert [row["message"].rpartition(" in ")[2] for row in rows] == ["0.01 s", "0.02 s", "0.04 s"]
    assert "test_watches.py" in rows[0]["frames"][-1]
    assert "own words" not in lines.getvalue()


async def test_every_failure_of_a_group_is_logged_by_its_own_type(lines: io.StringIO) -> None:
    failed: list[Watch] = []
    work = Work(BaseExceptionGroup("several", [ValueError(), BaseExceptionGroup("more", [KeyError()])]))
    async with kept_up(Watch.ENGINES, work, failed.append, pause_s=0.01):
        await work.steady.wait()
    assert [json.loads(line)["exception"] for line in lines.getvalue().splitlines()] == ["ValueError", "KeyError"]
    assert failed == [Watch.ENGINES]


async def test_what_has_nothing_to_do_may_end(lines: io.StringIO) -> None:
    failed: list[Watch] = []
    async with kept_up(Watch.KEYS, lambda: asyncio.sleep(0), failed.append, pause_s=0.01):
        await asyncio.sleep(0.05)
    assert (failed, lines.getvalue()) == ([], "")


async def test_the_blocks_own_error_is_raised_as_it_is() -> None:
    work = Work()

    async def block() -> None:
        async with kept_up(Watch.KEYS, work, lambda _: None):
            await work.steady.wait()
            raise KeyError

    with pytest.raises(KeyError):
        await block()
    assert work.cancelled


def test_every_watch_has_a_series_before_it_fails() -> None:
    metrics = Metrics()
    metrics.watch_failed(Watch.BINDING)
    told = metrics.render().decode()
    assert 'preceptor_watch_failures_total{watch="binding"} 1.0' in told
    assert all(f'preceptor_watch_failures_total{{watch="{watch.value}"}}' in told for watch in Watch)
