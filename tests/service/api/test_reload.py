"""Principles exchanged under load: one request sees one edition, the next sees the new one, the old ones go."""

import asyncio
import gc
import itertools
import json
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from principles.retrieve import Retriever
from service.app import create_app
from service.rereading import Rereading
from service.settings import Settings
from tests.service.api.scripted_engine import DRAFT, Script
from tests.service.api.serving import eventually, served
from tests.service.api.test_ops import value
from tests.service.principle_files import NAME, corpus, exchange, principles

QUESTION = [{"role": "user", "content": "My chest hurts, what shall I do?"}]
SHA = {edition: corpus(edition).sha8 for edition in ("one", "two")}
EDITION = {sha8: edition for edition, sha8 in SHA.items()}


class Reloading:
    """A gateway over a mounted folder, and the means to exchange what is in it."""

    def __init__(self, app: FastAPI, url: str, folder: Path, rereading: Rereading) -> None:
        self.app, self.url, self.folder, self.rereading = app, url, folder, rereading

    def exchange(self, edition: str) -> None:
        exchange(self.folder, {NAME: principles(edition)})
        self.rereading.ask()
        eventually(lambda: self.app.state.gateway.corpus.sha8 == SHA[edition])


@contextmanager
def reloading(retriever: Retriever, engine: str, folder: Path) -> Iterator[Reloading]:
    exchange(folder, {NAME: principles("one")})
    rereading = Rereading()
    app = create_app(Settings(engine_url=engine, corpus=folder), retriever=retriever, rereading=rereading)
    with served(app, lifespan="on") as url:
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        yield Reloading(app, url, folder, rereading)


def editions_in(ids: Iterator[str]) -> set[str]:
    return {id_.partition(".")[2].partition("-")[0] for id_ in ids}


def only_edition(told: dict[str, Any]) -> str:
    """The edition that a response speaks of throughout: in its digest, its ids and its statements."""
    rows = told.get("principles", told.get("data"))
    assert isinstance(rows, list)
    assert len(rows) == 4
    edition = EDITION[told["corpus"]]
    assert editions_in(row["id"] for row in rows) == {edition}
    assert all(f"of edition {edition}." in row["statement"] for row in rows)
    assert {c["principle"] for c in told.get("criteria", [])} <= {row["id"] for row in rows}
    return edition


def test_a_request_in_flight_sees_the_old_principles_only_and_the_next_one_the_new(
    retriever: Retriever, engine_base: str, script: Script, tmp_path: Path
) -> None:
    script.draft, script.gap_s = f"{DRAFT} {'word ' * 2000}", 0.05
    body = {"messages": QUESTION, "stream": True}
    with reloading(retriever, engine_base, tmp_path / "mounted") as gateway, httpx.Client(timeout=30) as client:
        with client.stream("POST", f"{gateway.url}/v1/revisions", json=body) as response:
            lines = response.iter_lines()
            assert "event: draft" in lines
            gateway.exchange("two")
            assert script.open_calls == 1  # the draft is still being written
            assert only_edition(client.get(f"{gateway.url}/v1/principles").json()) == "two"
            script.gap_s = 0.0
            events = [json.loads(line[6:]) for line in lines if line.startswith("data: {")]
        (found,) = [event for event in events if "scenario" in event and "id" not in event]
        assert editions_in(row["id"] for row in found["principles"]) == {"one"}
        assert only_edition(events[-1]) == "one"
        script.draft = DRAFT
        following = client.post(f"{gateway.url}/v1/revisions", json={"messages": QUESTION}).json()
        assert only_edition(following) == "two"


def test_principles_that_do_not_validate_are_refused_and_told_of(
    retriever: Retriever, engine_base: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with reloading(retriever, engine_base, tmp_path / "mounted") as gateway:
        exchange(gateway.folder, {NAME: principles("two").replace(b"polarity: do", b"polarity: perhaps", 1)})
        gateway.rereading.ask()
        eventually(lambda: value(gateway.url, "preceptor_corpus_reloads_total", result="refused") == 1)
        assert only_edition(httpx.get(f"{gateway.url}/v1/principles").json()) == "one"
        assert httpx.get(f"{gateway.url}/readyz").json()["corpus"] == SHA["one"]
        assert "ours.yaml: urgency.two-1: polarity" in caplog.text
        gateway.exchange("two")
        eventually(lambda: value(gateway.url, "preceptor_corpus_reloads_total", result="loaded") == 1)
        assert value(gateway.url, "preceptor_corpus_reloads_total", result="not_embedded") == 0


@pytest.mark.timeout(180)
async def test_no_response_mixes_editions_however_often_they_are_exchanged(
    retriever: Retriever, engine_base: str, tmp_path: Path
) -> None:
    swaps, requests = 20, 200
    numbers, seen, swapping = itertools.count(), list[str](), True

    async def ask(client: httpx.AsyncClient, url: str, number: int) -> Any:
        traced = {"model": "preceptor", "messages": QUESTION, "preceptor": {"trace": True}}
        match number % 4:
            case 0:
                return (await client.post(f"{url}/v1/revisions", json={"messages": QUESTION})).json()
            case 1:
                return (await client.post(f"{url}/v1/chat/completions", json=traced)).json()["preceptor"]["trace"]
            case 2:
                return (await client.post(f"{url}/v1/principles/search", json={"query": "My chest hurts."})).json()
        return (await client.get(f"{url}/v1/principles")).json()

    async def keep_asking(client: httpx.AsyncClient, url: str) -> None:
        while (number := next(numbers)) < requests or swapping:
            seen.append(only_edition(await ask(client, url, number)))

    with reloading(retriever, engine_base, tmp_path / "mounted") as gateway:
        async with httpx.AsyncClient(timeout=30) as client, asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(keep_asking(client, gateway.url))
            for number in range(swaps):
                await asyncio.to_thread(gateway.exchange, "one" if number % 2 else "two")
            swapping = False
        assert len(seen) >= requests
        assert set(seen) == {"one", "two"}
        assert value(gateway.url, "preceptor_corpus_reloads_total", result="loaded") == swaps


@pytest.mark.timeout(180)
def test_old_editions_are_given_back(retriever: Retriever, engine_base: str, tmp_path: Path) -> None:
    reloads, living = 50, weakref.WeakSet[Any]()
    with reloading(retriever, engine_base, tmp_path / "mounted") as gateway:
        for number in range(reloads):
            edition = gateway.app.state.gateway.edition
            for part in (edition, edition.corpus, edition.retriever, edition.retriever._index):
                living.add(part)
            del edition, part
            if number % 10 == 0:
                httpx.post(f"{gateway.url}/v1/revisions", json={"messages": QUESTION})
            gateway.exchange("one" if number % 2 else "two")
        gc.collect()
        eventually(lambda: len(living) == 0)
