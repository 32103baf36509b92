"""Owns ClinAlign's three steps for one query: scenario, pool of principles, rubric by the service's own prompt.

Invariant: a row is whole, a rubric that scores and its provenance, or a ``StepFailure``; nothing in between.
Source: ClinAlign, arXiv 2602.09653 (temperature 0.2); its prompts are not published, the rubric's is the service's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import ValidationError

from models.engine import ChatRequest
from models.registry import load_registry
from principles.corpus import Corpus, load_corpus
from principles.retrieve import Hit
from principles.schema import Scenario
from service.revision.prompts import Message, PromptSet, load_prompts
from service.revision.rubric import Criterion, RubricFailure, parse_rubric, rubric_schema
from training.data.faults import findings_of
from training.data.healthbench import HealthBenchCriterion, HealthBenchRow
from training.data.queries import Query
from training.synthesise.asking import Asker, Read, Reason, StepFailure, Unreadable
from training.synthesise.pool import Pool
from training.synthesise.scenario import MAX_TOKENS, PROMPT_VERSION, SCHEMA, parse_scenario, scenario_prompt
from training.synthesise.settings import SynthesiseSettings

PRINCIPLE_TAG = "cluster:"


@dataclass(frozen=True, slots=True)
class Synthesis:
    """What an actor needs to make its worker; plain data."""

    settings: SynthesiseSettings

    def identity(self) -> dict[str, Any]:
        """What a result depends on besides the query. Raises CorpusError and RegistryError."""
        made = self.settings
        return {
            "kind": "synthesise",
            "model": made.engines.model,
            "prompts": self.prompt_set().version,
            "constrained": load_registry().entry(made.engines.model).constrained,
            "corpus": self.corpus().sha8,
            "scenario": made.scenario if made.scenario == "classifier" else PROMPT_VERSION,
            **made.model_dump(include={"top_k", "temperature", "max_tokens", "seed"}),
        }

    def build(self, concurrent: int) -> "Steps":
        """Make the worker, in the actor."""
        return Steps(self, Asker(self.settings.engines, concurrent), Pool(self.corpus()))

    def prompt_set(self) -> PromptSet:
        """The prompts asked for, or else the model's own."""
        return load_prompts(self.settings.prompts or load_registry().entry(self.settings.engines.model).prompts)

    def corpus(self) -> Corpus:
        """The principles; the project's own unless a file is named."""
        return load_corpus(self.settings.corpus)


class Steps:
    """Makes one rubric a call."""

    def __init__(self, made_from: Synthesis, asker: Asker, pool: Pool) -> None:
        self._settings, self._asker, self._pool = made_from.settings, asker, pool
        self._prompts = made_from.prompt_set()
        self._constrained = load_registry().entry(self._settings.engines.model).constrained

    async def row(self, value: Any) -> dict[str, Any]:
        """Return rubric and provenance of a query, as JSON holds them. Raises ``StepFailure``."""
        query = Query.model_validate(value)
        messages = [message.model_dump() for message in query.prompt]
        placed = self._pool.place(messages)
        scenario, origin = query.scenario or placed.scenario, "given" if query.scenario else "classifier"
        if query.scenario is None and self._settings.scenario == "engine":
            scenario, origin = (await self._ask_scenario(query.id, messages)).value, "engine"
        hits = self._pool.offer(placed.vector, scenario, self._settings.top_k)
        if not hits:
            raise StepFailure("principles", Reason.NO_PRINCIPLES, "the scenario admits no principle", 0)
        rubric = await self._ask_rubric(query, messages, scenario, hits)
        provenance = {
            "id": query.id,
            "source": query.source,
            "scenario": scenario.model_dump(),
            "scenario_from": origin,
            "principles": [{"id": hit.principle.id, "similarity": round(hit.similarity, 6)} for hit in hits],
            "model": self._settings.engines.model,
            "prompts": self._prompts.version,
            "seed": rubric.seed,
            "attempts": rubric.attempts,
        }
        return {"rubric": rubric.value.model_dump(mode="json", exclude_none=True), "provenance": provenance}

    async def aclose(self) -> None:
        """Give back the connections."""
        await self._asker.aclose()

    async def _ask_scenario(self, id_: str, messages: Sequence[Message]) -> Read[Scenario]:
        def request(seed: int | None) -> ChatRequest:
            return ChatRequest(
                messages=scenario_prompt(messages),
                max_tokens=MAX_TOKENS,
                temperature=self._settings.temperature,
                seed=seed,
                json_schema=SCHEMA,
            )

        return await self._asker.ask("scenario", id_, self._settings.seed, request, parse_scenario)

    async def _ask_rubric(
        self, query: Query, messages: Sequence[Message], scenario: Scenario, hits: Sequence[Hit]
    ) -> Read[HealthBenchRow]:
        principles = [hit.principle for hit in hits]
        prompt = self._prompts.rubric(messages, [(found.title, found.statement) for found in principles])

        def request(seed: int | None) -> ChatRequest:
            return ChatRequest(
                messages=tuple(prompt),
                max_tokens=self._settings.max_tokens,
                temperature=self._settings.temperature,
                seed=seed,
                json_schema=rubric_schema(len(principles)) if self._constrained else None,
            )

        read = partial(read_rubric, query, scenario, [found.id for found in principles])
        return await self._asker.ask("rubric", query.id, self._settings.seed, request, read)


def read_rubric(query: Query, scenario: Scenario, principle_ids: Sequence[str], text: str) -> HealthBenchRow:
    """Read an engine's rubric into a row that scores. Raises ``Unreadable``.

    A criterion's principle is its tag ``cluster:<principle id>``, and the scenario's values are tags of the row. There
    is no axis: nobody has said one.
    """
    try:
        criteria = parse_rubric(text, principle_ids)
        return HealthBenchRow(
            example_tags=tuple(f"{name}:{value}" for name, value in scenario.model_dump().items()),
            prompt=query.prompt,
            prompt_id=query.id,
            rubrics=tuple(map(_criterion, criteria)),
        )
    except RubricFailure as error:
        raise Unreadable(f"the rubric cannot be read: {error}") from error
    except ValidationError as error:
        raise Unreadable("the rubric " + "; ".join(found.message for found in findings_of(error))) from error


def _criterion(criterion: Criterion) -> HealthBenchCriterion:
    tags: tuple[str, ...] = ("level:example",)
    if criterion.principle_id is not None:
        tags += (f"{PRINCIPLE_TAG}{criterion.principle_id}",)
    return HealthBenchCriterion(criterion=criterion.text, points=criterion.points, tags=tags)
