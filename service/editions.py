"""The principles that are being served, and what becomes of them when their files change.

Invariant: an edition is immutable, made of one reading of the files, and takes the place of the one before it whole or
not at all; it is built in a thread, beside the requests.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from models.embedder import EmbedderError
from principles.corpus import Corpus, CorpusError, parse_corpus, read_files
from principles.retrieve import Retriever
from service.rereading import Rereading

READ_EVERY_S = 1.0
RETRY_AFTER_S = 30.0
_MOST_FAULTS = 10
Files = Mapping[str, bytes]
log = logging.getLogger("preceptor.principles")


class CorpusReload(StrEnum):
    """What became of principles that had changed; those that could not be embedded are tried again."""

    LOADED = "loaded"
    REFUSED = "refused"
    NOT_EMBEDDED = "not_embedded"


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Edition:
    """Principles, and the search over exactly these."""

    corpus: Corpus
    retriever: Retriever


def first_edition(source: Path | None, search: Callable[[Corpus], Retriever]) -> tuple[Files, Edition]:
    """Read the files and make the first edition of them. Raises ``CorpusError``, ``OSError`` and ``EmbedderError``."""
    try:
        files = read_files(source)
        return files, _edition(files, search)
    except CorpusError as error:
        log.error("the principles cannot be used: %s", _told(error))
        raise


class Editions:
    """Follows the files of ``source`` and hands every new edition to ``serve``; ``first`` was made of ``files``.

    A change is taken over once two readings in a row agree, so that files that are being written, or a folder that is
    being exchanged, are not. Without a ``source`` the principles are the package's own, which do not change.
    """

    def __init__(
        self,
        source: Path | None,
        files: Files,
        first: Edition,
        serve: Callable[[Edition], None],
        reloaded: Callable[[CorpusReload], None] = lambda _: None,
    ) -> None:
        self._source = source
        self._files = files
        self._served = first
        self._serve = serve
        self._reloaded = reloaded
        self._before: Files | str = files
        self._tried: Files | str = files
        self._fault: str | None = None
        self._rests_until = float("-inf")

    async def watch(self, rereading: Rereading, every_s: float = READ_EVERY_S) -> None:
        """Look after the files for ever, and at once when ``rereading`` is asked for."""
        while True:
            if await rereading.asked(None if self._source is None else every_s):
                await self._reread()
            else:
                await self.refresh()

    async def refresh(self) -> None:
        """Read the files once, and take them over if they have changed and no longer do."""
        reading = await asyncio.to_thread(self._read)
        settled, self._before = reading == self._before, reading
        if not settled:
            return
        if reading == self._files:
            self._tried, self._fault = reading, None
        elif reading != self._tried and asyncio.get_running_loop().time() >= self._rests_until:
            self._tried = reading
            await self._take(reading)

    async def _reread(self) -> None:
        """Read the files because somebody asked, who is to hear what came of it, be it what came of it before."""
        if self._source is None:
            log.info("the principles are the package's own: there is nothing to read again")
            return
        self._tried, self._fault, self._rests_until = self._files, None, float("-inf")
        for _ in range(2):
            await self.refresh()
        if self._tried == self._files and self._fault is None:
            log.info("the principles are as their files have them: corpus %s", self._served.corpus.sha8)

    def _read(self) -> Files | str:
        """What the files hold, or why they cannot be read."""
        try:
            return read_files(self._source)
        except CorpusError as error:
            return _told(error)
        except OSError as error:
            return f"{Path(error.filename or '').name or 'corpus'}: {error.strerror}"

    async def _take(self, reading: Files | str) -> None:
        if isinstance(reading, str):
            self._failed(CorpusReload.REFUSED, reading)
            return
        try:
            edition = await asyncio.to_thread(_edition, reading, self._served.retriever.over)
        except CorpusError as error:
            self._failed(CorpusReload.REFUSED, _told(error))
        except EmbedderError as error:
            self._tried = self._files
            self._rests_until = asyncio.get_running_loop().time() + RETRY_AFTER_S
            self._failed(CorpusReload.NOT_EMBEDDED, str(error))
        else:
            self._files, self._served, self._fault = reading, edition, None
            self._serve(edition)
            log.info("the principles have been read again: %d, corpus %s", len(edition.corpus), edition.corpus.sha8)
            self._reloaded(CorpusReload.LOADED)

    def _failed(self, how: CorpusReload, fault: str) -> None:
        """Tell of a fault, once for as long as it lasts."""
        if fault != self._fault:
            self._fault = fault
            log.error("the principles stay as they were (corpus %s): %s", self._served.corpus.sha8, fault)
            self._reloaded(how)


def _edition(files: Files, search: Callable[[Corpus], Retriever]) -> Edition:
    corpus = parse_corpus(files)
    return Edition(corpus, search(corpus))


def _told(error: CorpusError) -> str:
    """The first faults on one line, each with its file and place."""
    more = len(error.faults) - _MOST_FAULTS
    rest = (f"and {more} more",) if more > 0 else ()
    return "; ".join(" ".join(fault.split()) for fault in (*error.faults[:_MOST_FAULTS], *rest))
