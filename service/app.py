"""Builds the app and everything in it: routes, middleware, exception handlers and lifespan, four separate inputs.

Invariant: no module state; two apps in one process share nothing.
"""

import asyncio
import gc
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import StatefulLifespan

from models.clock import Timeouts
from models.embedder import build_embedder
from models.judge import gives_logprobs
from models.pool.engine import Patience, PooledEngine
from models.pool.fleet import Fleet
from models.registry import load_registry
from models.vllm import VLLMEngine
from principles.corpus import Corpus, load_corpus
from principles.retrieve import Retriever, build_retriever
from service.access import Access
from service.admission import Admit
from service.answer_headers import AnswerHeaders
from service.api import chat, engine_resources, feedback, models, ops, principles, revisions, web
from service.binding import Binding, Bound
from service.errors import exception_handlers
from service.feedback import retention
from service.feedback.opening import open_store
from service.gateway import Gateway
from service.keys import Keys
from service.metrics import Metrics
from service.observe import Observe
from service.origins import Origins
from service.outgoing import Drain, TurnAway
from service.revision.alongside import alongside
from service.revision.budget import Limits
from service.revision.loop import Reviser
from service.revision.prompts import load_prompts
from service.settings import Settings

# The draft's call and one for each criterion can be open at once for every request in flight.
CALLS_PER_REQUEST = 8
LAG_INTERVAL_S = 0.5
ENGINE_INTERVAL_S = 5.0


def create_app(
    settings: Settings,
    *,
    retriever: Retriever | None = None,
    drain: Drain | None = None,
    metrics: Metrics | None = None,
) -> FastAPI:
    """The gateway; ``retriever`` is built from the settings unless given, ``drain`` is begun by whoever stops it.

    Raises ``KeyFileError`` where the key file cannot be used.
    """
    metrics, drain = metrics or Metrics(), drain or Drain()
    keys = Keys(settings.api_keys, settings.key_file, metrics.key_file_reloaded)
    return FastAPI(
        title="Preceptor",
        routes=_routes(settings),
        middleware=[
            Middleware(Observe, metrics=metrics),
            Middleware(AnswerHeaders),
            Middleware(Origins, listed=settings.cors_origins, metrics=metrics),
            Middleware(TurnAway, drain=drain, metrics=metrics),
            Middleware(Access, keys=keys, metrics=metrics),
            Middleware(Admit, settings=settings, metrics=metrics),
        ],
        exception_handlers=exception_handlers(),
        lifespan=_lifespan(settings, metrics, retriever, drain, keys),
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )


def _routes(settings: Settings) -> list[BaseRoute]:
    parts = (chat, revisions, engine_resources, models, principles, feedback, ops)
    page = web.page_routes() if settings.playground else []
    return [*(route for part in parts for route in part.router.routes), *page]


def _lifespan(
    settings: Settings, metrics: Metrics, retriever: Retriever | None, drain: Drain, keys: Keys
) -> StatefulLifespan[FastAPI]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, Gateway], None]:
        gateway = await build_gateway(settings, metrics, retriever, drain)
        app.state.gateway = gateway
        try:
            async with (
                alongside(_watch_lag(metrics)),
                alongside(gateway.fleet.watch(settings.health_interval_s)),
                alongside(_watch_engine(gateway.binding)),
                alongside(keys.watch()),
                alongside(_watch_feedback(gateway)),
            ):
                gc.collect()
                gc.freeze()  # what start-up made lives as long as the process
                yield {"gateway": gateway}
        finally:
            await gateway.binding.aclose()
            await gateway.fleet.aclose()
            if gateway.feedback is not None:
                await gateway.feedback.database.aclose()

    return lifespan


async def build_gateway(settings: Settings, metrics: Metrics, retriever: Retriever | None, drain: Drain) -> Gateway:
    """Load what is read from disk, off the event loop, and wire the parts together."""
    corpus = await asyncio.to_thread(load_corpus, settings.corpus)
    found = await asyncio.to_thread(_retriever, corpus, settings) if retriever is None else retriever
    fleet = _fleet(settings, metrics)
    binding = _binding(settings, metrics, found, fleet)
    store = open_store(settings, metrics.feedback)
    return Gateway(settings, metrics, corpus, found, fleet, binding, drain, store, int(time.time()))


def _retriever(corpus: Corpus, settings: Settings) -> Retriever:
    return build_retriever(corpus, build_embedder(settings.embedder))


def _binding(settings: Settings, metrics: Metrics, retriever: Retriever, fleet: Fleet) -> Binding:
    registry = load_registry(settings.registry)
    prompt_sets = {e.prompts: load_prompts(e.prompts) for e in (registry.default, *registry.models.values())}

    async def bind(model: str) -> Bound:
        engine, entry = _engine(settings, fleet, model), registry.entry(model)
        try:
            logprobs = await gives_logprobs(engine)
        except BaseException:
            await engine.aclose()
            raise
        prompts = prompt_sets[entry.prompts]
        threshold, constrained = entry.verdict_threshold, entry.constrained
        reviser = Reviser(engine, prompts, retriever, threshold, Limits(), logprobs, constrained=constrained)
        return Bound(engine, reviser, entry)

    return Binding(_engine(settings, fleet, ""), bind, settings.engine_model, metrics.ready.set)


def _fleet(settings: Settings, metrics: Metrics) -> Fleet:
    timeouts = Timeouts(connect=settings.health_timeout_s, probe=settings.health_timeout_s)

    def connect(url: str) -> VLLMEngine:
        return VLLMEngine(url, "", timeouts=timeouts, retries=0, api_key=settings.engine_api_key)

    return Fleet(settings.engines, connect, slow_start_s=settings.slow_start_s, observer=metrics.engines)


def _engine(settings: Settings, fleet: Fleet, model: str) -> PooledEngine:
    connections = settings.max_in_flight * CALLS_PER_REQUEST
    clients = {
        url: VLLMEngine(url, model, connections=connections, api_key=settings.engine_api_key)
        for _, url in settings.engines
    }
    return PooledEngine(model, fleet, clients, Patience(settings.first_byte_s, settings.hedge_after_s))


async def _watch_engine(binding: Binding) -> None:
    """Bind without waiting for a request, and tell of every change."""
    while True:
        await binding.ready()
        await asyncio.sleep(ENGINE_INTERVAL_S)


async def _watch_feedback(gateway: Gateway) -> None:
    if gateway.feedback is not None:
        await retention.watch(gateway.feedback, gateway.settings.feedback_retention_days)


async def _watch_lag(metrics: Metrics) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_INTERVAL_S
        await asyncio.sleep(LAG_INTERVAL_S)
        metrics.loop_lag.observe(max(0.0, loop.time() - due))
