"""Asks a gateway for revisions of training cases, has each reviewed, and gives the feedback back through its API.

Invariant: a case is in the journal only after all feedback on it was acknowledged; asked again, a case gives nothing
twice, since each feedback carries a key of its own.
"""

import asyncio
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx
from tqdm import tqdm

from training.flywheel.settings import Collection, SimulatedReviewer
from training.miniclinic.cases import Case, make_case
from training.miniclinic.gateway import Gateway, GatewayError, connect
from training.miniclinic.knowledge import Knowledge
from training.miniclinic.reviewer import Review, Reviewer, review
from training.miniclinic.scorer import score


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One case that was reviewed: exact scores of draft and answer, and what each reviewer preferred."""

    seed: int
    outcome: str
    draft: float
    answer: float
    preferred: tuple[str, ...]


def collect(url: str, knowledge: Knowledge, settings: Collection, temperature: float, journal: Path) -> list[Reviewed]:
    """Review what the journal does not hold yet, and return all that it holds. Raises ``GatewayError``."""
    try:
        asyncio.run(_all(url, knowledge, settings, temperature, journal))
    except* GatewayError as failures:
        raise GatewayError(str(failures.exceptions[0])) from failures
    return read_journal(journal)


def read_journal(path: Path) -> list[Reviewed]:
    """Read what has been reviewed, in order of seed; a last line that a kill cut short is not there yet."""
    if not path.is_file():
        return []
    whole = [line for line in path.read_text(encoding="utf-8").split("\n")[:-1] if line]
    rows = [Reviewed(**{**(found := json.loads(line)), "preferred": tuple(found["preferred"])}) for line in whole]
    return sorted(rows, key=lambda row: row.seed)


def reviewers_of(seed: int, settings: Collection) -> tuple[SimulatedReviewer, ...]:
    """Return who reviews a case: one reviewer, or two that differ."""
    rng = random.Random(f"reviewers:{seed}")
    count = 2 if rng.random() < settings.twice else 1
    return tuple(rng.sample(settings.reviewers, count))


def feedback_body(
    case: Case, revision: Mapping[str, Any], found: Review, reviewer: str, patient: str
) -> dict[str, Any]:
    """Return the review as ``POST /v1/feedback`` takes it, with the revision that was reviewed."""
    added = [{"action": "add", **asdict(criterion)} for criterion in found.added]
    removed = [{"action": "remove", "criterion": number} for number in found.removed]
    body = {
        "revision_id": revision["id"],
        "preferred": found.preferred,
        "reviewer": {"role": "simulated", "pseudonym": reviewer},
        "patient": patient,
        "verdicts": [asdict(given) for given in found.verdicts],
        "rubric": [*added, *removed],
        "messages": [dict(message) for message in case.messages],
        "revision": dict(revision),
    }
    return body if found.own_edit is None else {**body, "own_edit": found.own_edit}


async def _all(url: str, knowledge: Knowledge, settings: Collection, temperature: float, journal: Path) -> None:
    done = {row.seed for row in read_journal(journal)}
    _drop_cut_line(journal)
    seeds = [seed for seed in range(settings.first, settings.first + settings.revisions) if seed not in done]
    waiting = asyncio.Queue[int]()
    for seed in seeds:
        waiting.put_nowait(seed)
    with (
        tqdm(total=settings.revisions, initial=len(done), unit="revision", mininterval=5) as bar,
        journal.open("a", encoding="utf-8") as file,
    ):

        async def work(gateway: Gateway) -> None:
            while not waiting.empty():
                row = await _one(gateway, knowledge, waiting.get_nowait(), settings, temperature)
                file.write(json.dumps(asdict(row)) + "\n")
                file.flush()
                bar.update()

        async with connect(url, concurrent=2 * settings.concurrent) as gateway, asyncio.TaskGroup() as group:
            for _ in range(settings.concurrent):
                group.create_task(work(gateway))


async def _one(gateway: Gateway, knowledge: Knowledge, seed: int, settings: Collection, temperature: float) -> Reviewed:
    case = make_case(knowledge, seed, "train")
    revision = await gateway.revise(
        case.messages, draft=None, principles="retrieved", temperature=temperature, seed=seed
    )
    patient, preferred = f"patient-{seed // settings.per_patient}", []
    for chosen in reviewers_of(seed, settings):
        found = review(knowledge, case, revision, Reviewer(chosen.name, chosen.noise, chosen.slips))
        body = feedback_body(case, revision, found, chosen.name, patient)
        await _give(gateway.client, body, key=f"train-{seed}-{chosen.name}")
        preferred.append(found.preferred)
    draft, answer = (score(knowledge, case, revision[name]).value for name in ("draft", "answer"))
    return Reviewed(seed, revision["outcome"], draft, answer, tuple(preferred))


async def _give(client: httpx.AsyncClient, body: Mapping[str, Any], key: str) -> None:
    """Post one feedback; one that a run before this gave for another revision of the case stands."""
    try:
        response = await client.post("/v1/feedback", json=body, headers={"idempotency-key": key})
    except httpx.TransportError as error:
        raise GatewayError(f"{client.base_url} does not answer: {error!r}") from error
    if response.status_code not in (200, 201) and not _given_before(response):
        raise GatewayError(f"/v1/feedback: HTTP {response.status_code}: {response.text[:300]}")


def _given_before(response: httpx.Response) -> bool:
    return response.status_code == 409 and response.json()["error"]["code"] == "idempotency_conflict"


def _drop_cut_line(journal: Path) -> None:
    if journal.is_file() and (text := journal.read_bytes()) and not text.endswith(b"\n"):
        journal.write_bytes(text[: text.rfind(b"\n") + 1])


def shares(rows: Sequence[Reviewed]) -> dict[str, float]:
    """Return what reviewers preferred, as shares of all that they said."""
    said = [preferred for row in rows for preferred in row.preferred]
    return {name: said.count(name) / len(said) for name in ("draft", "revision", "neither", "own_edit")} if said else {}
