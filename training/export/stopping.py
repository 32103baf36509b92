"""SIGTERM as an orderly end, so that a command stopped by its supervisor stops the children it started."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn


@contextmanager
def stopping_on_sigterm() -> Iterator[None]:
    """Have SIGTERM leave the block by ``SystemExit``; for the main thread only."""

    def leave(number: int, _: object) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
