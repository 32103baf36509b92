"""What becomes of principles that change on disk: taken over whole, once they no longer change, or refused by name."""

import asyncio
import logging
import shutil
import threading
from pathlib import Path
from typing import cast

import pytest

from models.embedder import EmbedderError
from principles.corpus import Corpus, CorpusError
from principles.retrieve import Retriever, build_retriever
from service import editions as module
from service.editions import CorpusReload, Edition, Editions, first_edition
from service.rereading import Rereading
from tests.service.api.serving import eventually
from tests.service.principle_files import NAME, corpus, exchange, principles

QUESTION = [{"role": "user", "content": "My chest hurts, what shall I do?"}]


class Search:
    """A search that takes no time to make, may fail, and remembers which threads made it."""

    def __init__(self) -> None:
        self.threads: list[int] = []
        self.fails = False

    def over(self, found: Corpus) -> Retriever:
        self.threads.append(threading.get_ident())
        if self.fails:
            raise EmbedderError("embeddings request failed: refused")
        return cast(Retriever, self)


class Served:
    """Editions over a folder, and what they told."""

    def __init__(self, source: Path | None) -> None:
        self.search = Search()
        files, first = first_edition(source, self.search.over)
        self.shown, self.told = [first], list[CorpusReload]()
        self.editions = Editions(source, files, first, self.shown.append, self.told.append)

    @property
    def sha8(self) -> str:
        return self.shown[-1].corpus.sha8

    async def settle(self) -> None:
        for _ in range(3):
            await self.editions.refresh()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    exchange(tmp_path / "mounted", {NAME: principles("one")})
    return tmp_path / "mounted"


async def test_an_exchanged_folder_is_taken_over_once_two_readings_agree(folder: Path) -> None:
    served = Served(folder)
    await served.settle()
    assert (len(served.shown), served.told) == (1, [])
    exchange(folder, {NAME: principles("two"), "more.yaml": principles("three")})
    await served.editions.refresh()
    assert len(served.shown) == 1
    await served.settle()
    assert served.told == [CorpusReload.LOADED]
    assert {p.id for p in served.shown[-1].corpus.principles} == {
        f"urgency.{edition}-{number}" for edition in ("two", "three") for number in range(1, 5)
    }
    exchange(folder, {NAME: principles("two")})
    await served.settle()
    assert (served.sha8, served.told) == (corpus("two").sha8, [CorpusReload.LOADED] * 2)


async def test_files_that_still_change_are_not_taken_over(folder: Path) -> None:
    served = Served(folder)
    whole = principles("two", 8)
    for part in (whole[:100], whole[: len(whole) // 2], whole):
        (folder / NAME).write_bytes(part)
        await served.editions.refresh()
    assert (len(served.shown), served.told) == (1, [])
    await served.editions.refresh()
    assert served.sha8 == corpus("two", 8).sha8


async def test_an_edition_is_made_of_the_bytes_that_were_compared(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = Served(folder)
    readings = iter([{NAME: principles("two")}] * 2)
    monkeypatch.setattr(module, "read_files", lambda _: next(readings))
    for _ in range(2):
        await served.editions.refresh()
    assert served.sha8 == corpus("two").sha8


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"[", "ours.yaml: not readable as YAML"),
        (b"\xff", "ours.yaml: not readable as YAML"),
        (b"[]", "ours.yaml: no principle"),
        (principles("two").replace(b"points: 9", b"points: 99", 1), "ours.yaml: urgency.two-1: points: "),
        (principles("two").replace(b"erc-first-aid", b"hearsay", 1), "ours.yaml: urgency.two-1: basis: "),
        (principles("two") * 2, "urgency.two-1: id: used 2 times"),
    ],
)
async def test_principles_that_do_not_validate_change_nothing_and_are_told_of_once(
    folder: Path, caplog: pytest.LogCaptureFixture, content: bytes, place: str
) -> None:
    served = Served(folder)
    exchange(folder, {NAME: content})
    await served.settle()
    await served.settle()
    assert (len(served.shown), served.told) == (1, [CorpusReload.REFUSED])
    (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert place in line.getMessage()
    assert corpus("one").sha8 in line.getMessage()
    assert "\n" not in line.getMessage()
    exchange(folder, {NAME: principles("two")})
    await served.settle()
    assert (served.sha8, served.told) == (corpus("two").sha8, [CorpusReload.REFUSED, CorpusReload.LOADED])


async def test_files_that_are_gone_change_nothing_and_their_return_is_no_change(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    served, elsewhere = Served(folder), folder.with_name("elsewhere")
    shutil.move(folder, elsewhere)
    await served.settle()
    assert (len(served.shown), served.told) == (1, [CorpusReload.REFUSED])
    assert "mounted: No such file or directory" in caplog.text
    shutil.move(elsewhere, folder)
    await served.settle()
    shutil.move(folder, elsewhere)
    await served.settle()
    assert (len(served.shown), served.told) == (1, [CorpusReload.REFUSED] * 2)


async def test_what_cannot_be_embedded_is_tried_again_after_a_rest(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    served = Served(folder)
    exchange(folder, {NAME: principles("two")})
    served.search.fails = True
    await served.settle()
    await served.settle()
    assert (len(served.search.threads), served.told) == (2, [CorpusReload.NOT_EMBEDDED])
    assert "embeddings request failed" in caplog.text
    served.search.fails = False
    monkeypatch.setattr(served.editions, "_rests_until", 0.0)
    await served.settle()
    assert (served.sha8, served.told) == (corpus("two").sha8, [CorpusReload.NOT_EMBEDDED, CorpusReload.LOADED])


async def test_editions_are_built_beside_the_event_loop(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []

    def parse(files: module.Files) -> Corpus:
        parsed.append(threading.get_ident())
        return corpus("two")

    served = Served(folder)
    monkeypatch.setattr(module, "parse_corpus", parse)
    exchange(folder, {NAME: principles("two")})
    await served.settle()
    assert len(parsed) == 1
    assert threading.get_ident() not in {*parsed, *served.search.threads[1:]}


async def test_who_asks_is_told_at_once_what_came_of_it(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "preceptor")
    served, rereading = Served(folder), Rereading()
    watching = asyncio.create_task(served.editions.watch(rereading, every_s=600))

    async def asked(words: str) -> None:
        caplog.clear()
        rereading.ask()
        await asyncio.to_thread(eventually, lambda: words in caplog.text)

    await asked(f"as their files have them: corpus {corpus('one').sha8}")
    (folder / NAME).write_bytes(b"[")
    await asked("ours.yaml: not readable as YAML")
    await asked("ours.yaml: not readable as YAML")
    assert served.told == [CorpusReload.REFUSED] * 2
    (folder / NAME).write_bytes(principles("two"))
    await asked(f"read again: 4, corpus {corpus('two').sha8}")
    watching.cancel()


async def test_the_packages_own_principles_are_not_watched(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "preceptor")
    served, rereading = Served(None), Rereading()
    rereading.ask()  # before anybody listens
    watching = asyncio.create_task(served.editions.watch(rereading, every_s=0.001))
    await asyncio.to_thread(eventually, lambda: "the package's own" in caplog.text)
    assert (served.shown[1:], served.told) == ([], [])
    watching.cancel()


def test_principles_that_cannot_be_used_at_the_start_are_named(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / NAME).write_bytes(b"a: 1")
    with pytest.raises(CorpusError):
        first_edition(folder, Search().over)
    assert "cannot be used: ours.yaml: expected a list, found dict" in caplog.text


def test_a_search_over_another_corpus_is_the_one_of_a_fresh_start() -> None:
    fresh = build_retriever()
    other, again = fresh.over(corpus("two")), fresh.over(corpus("one")).over(corpus("two"))
    found = [(hit.principle.id, hit.similarity) for hit in other.retrieve(QUESTION).hits]
    assert len(found) == 4
    assert found == [(hit.principle.id, hit.similarity) for hit in again.retrieve(QUESTION).hits]
    assert other.retrieve(QUESTION).scenario == fresh.retrieve(QUESTION).scenario
    assert Edition(corpus("two"), other).corpus.by_id("urgency.two-1")
