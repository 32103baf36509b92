"""Builds the app and everything in it: routes, middleware, exception handlers and lifespan, four separate inputs.

Invariant: no module state; two apps in one process share nothing.
"""

import asyncio
import gc
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import StatelessLifespan

from models.clock import Timeouts
from models.embedder import build_embedder
from models.judge import gives_logprobs
from models.pool.engine import Patience, PooledEngine
from models.pool.fleet import Fleet
from models.priority import takes_priorities
from models.registry import load_registry
from models.vllm import VLLMEngine
from principles.corpus import Corpus
from principles.retrieve import Retriever, build_retriever
from service.access import Access
from service.admission import Admit
from service.answer_headers import AnswerHeaders
from service.api import chat, engine_resources, feedback, models, ops, principles, revisions, web
from service.api.document import Documented
from service.binding import Binding, Bound
from service.editions import Edition, Editions, first_edition
from service.errors import exception_handlers
from service.feedback import retention
from service.feedback.opening import open_store
from service.feedback.store import FeedbackStore
from service.gateway import Gateway
from service.hosts import Hosts, known_names
from service.keys import Keys
from service.metrics import Metrics
from service.observe import Observe
from service.origins import Origins
from service.outgoing import Drain, TurnAway
from service.rereading import Rereading
from service.revision.budget import Limits
from service.revision.draft import Retriever as Searcher
from service.revision.loop import Reviser
from service.revision.prompts import load_prompts
from service.revision.tracing import UNTRACED, Tracer
from service.settings import Settings
from service.watches import Watch, kept_up

if TYPE_CHECKING:
    from service.tracing.spans import Tracing

# The draft's call and one for each criterion can be open at once for every request in flight.
CALLS_PER_REQUEST = 8
# FastAPI's own telemetry would follow variables (FASTAPI_OTEL_AUTO_CONFIGURE) and tell paths and exceptions' words.
_NO_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False, operation_spans=False, auto_configure=False)
RETRIEVAL_THREADS = 2
LAG_INTERVAL_S = 0.5
ENGINE_INTERVAL_S = 5.0


def create_app(
    settings: Settings,
    *,
    retriever: Retriever | None = None,
    drain: Drain | None = None,
    metrics: Metrics | None = None,
    rereading: Rereading | None = None,
) -> FastAPI:
    """The gateway; ``retriever`` is built from the settings unless given, ``drain`` is begun by whoever stops it.

    ``rereading`` is asked for by whoever wants the principles read again at once. Raises ``KeyFileError`` where the key
    file cannot be used.
    """
    metrics, drain = metrics or Metrics(), drain or Drain()
    keys = Keys(settings.api_keys, settings.key_file, metrics.key_file_reloaded, settings.client_limits)
    tracing = _tracing(settings, metrics)
    return Documented(
        keys=keys.wanted,
        title="Preceptor",
        routes=_routes(settings),
        middleware=[
            Middleware(Observe, metrics=metrics, tracing=tracing),
            Middleware(AnswerHeaders),
            Middleware(Hosts, names=known_names(settings), metrics=metrics),
            Middleware(Origins, listed=settings.cors_origins, metrics=metrics),
            Middleware(TurnAway, drain=drain, metrics=metrics),
            Middleware(Access, keys=keys, metrics=metrics),
            Middleware(Admit, settings=settings, metrics=metrics),
        ],
        exception_handlers=exception_handlers(),
        lifespan=_lifespan(settings, metrics, retriever, drain, keys, tracing, rereading or Rereading()),
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
        docs_url=None,
        redoc_url=None,
    )


def _routes(settings: Settings) -> list[BaseRoute]:
    parts = (chat, revisions, engine_resources, models, principles, feedback, ops)
    page = web.page_routes() if settings.playground else []
    return [*(route for part in parts for route in part.router.routes), *page]


def _lifespan(
    settings: Settings,
    metrics: Metrics,
    retriever: Retriever | None,
    drain: Drain,
    keys: Keys,
    tracing: "Tracing | None",
    rereading: Rereading,
) -> StatelessLifespan[FastAPI]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        editions = await _opened(app, settings, metrics, retriever, drain, tracing or UNTRACED)
        # Not the gateway itself: held here it would keep the first edition of the principles for ever.
        fleet, binding = app.state.gateway.fleet, app.state.gateway.binding
        store: FeedbackStore | None = app.state.gateway.feedback
        watches: dict[Watch, Callable[[], Coroutine[Any, Any, None]]] = {
            Watch.EVENT_LOOP: partial(_watch_loop, metrics),
            Watch.ENGINES: partial(fleet.watch, settings.health_interval_s),
            Watch.BINDING: partial(_watch_engine, binding),
            Watch.KEYS: keys.watch,
            Watch.PRINCIPLES: partial(editions.watch, rereading),
        }
        if store is not None:
            watches[Watch.FEEDBACK] = partial(retention.watch, store, settings.feedback_retention_days)
        try:
            async with AsyncExitStack() as stack:
                for watch, work in watches.items():
                    await stack.enter_async_context(kept_up(watch, work, metrics.watch_failed))
                gc.collect()
                gc.freeze()  # what start-up made lives as long as the process
                yield
        finally:
            await binding.aclose()
            await fleet.aclose()
            if store is not None:
                await store.database.aclose()
            if tracing is not None:
                await tracing.aclose()

    return lifespan


async def _opened(
    app: FastAPI,
    settings: Settings,
    metrics: Metrics,
    retriever: Retriever | None,
    drain: Drain,
    tracer: Tracer,
) -> Editions:
    """Read the principles off the event loop, and have the app serve them, and every edition that follows."""
    files, first = await asyncio.to_thread(first_edition, settings.corpus, _search(settings, retriever))
    app.state.gateway = build_gateway(settings, metrics, first, drain, tracer)

    def serve(edition: Edition) -> None:
        app.state.gateway = replace(app.state.gateway, edition=edition)

    return Editions(settings.corpus, files, first, serve, metrics.corpus_reloaded)


def build_gateway(
    settings: Settings, metrics: Metrics, edition: Edition, drain: Drain, tracer: Tracer = UNTRACED
) -> Gateway:
    """Wire the parts together."""
    fleet = _fleet(settings, metrics)
    binding, store = _binding(settings, metrics, fleet), open_store(settings, metrics.feedback)
    return Gateway(settings, metrics, edition, fleet, binding, drain, tracer, store, int(time.time()))


def _tracing(settings: Settings, metrics: Metrics) -> "Tracing | None":
    """What traces requests, None where that is off: then nothing of OpenTelemetry is imported."""
    if settings.otlp_endpoint is None:
        return None
    from service.cli import installed_version
    from service.tracing.spans import Tracing

    return Tracing(settings.otlp_endpoint, settings.trace_ratio, installed_version(), metrics)


def _search(settings: Settings, retriever: Retriever | None) -> Callable[[Corpus], Retriever]:
    """How the first edition's search is made."""
    if retriever is None:
        return lambda corpus: build_retriever(corpus, build_embedder(settings.embedder))
    return retriever.over if settings.corpus is not None else lambda _: retriever


def _binding(settings: Settings, metrics: Metrics, fleet: Fleet) -> Binding:
    registry = load_registry(settings.registry)
    prompt_sets = {e.prompts: load_prompts(e.prompts) for e in (registry.default, *registry.models.values())}

    async def bind(model: str) -> Bound:
        engine, entry = _engine(settings, fleet, model), registry.entry(model)
        try:
            logprobs = await gives_logprobs(engine)
            priorities = settings.engine_priorities and await takes_priorities(engine)
        except BaseException:
            await engine.aclose()
            raise
        prompts = prompt_sets[entry.prompts]
        metrics.priorities.set(priorities)
        threads = ThreadPoolExecutor(RETRIEVAL_THREADS, thread_name_prefix="retrieve")

        threshold, constrained, limits = entry.verdict_threshold, entry.constrained, Limits()

        def reviser(retriever: Searcher) -> Reviser:
            return Reviser(
                engine,
                prompts,
                retriever,
                threshold,
                limits,
                logprobs,
                constrained=constrained,
                priorities=priorities,
                threads=threads,
            )

        return Bound(engine, reviser, entry, threads)

    return Binding(_engine(settings, fleet, ""), bind, settings.engine_model, metrics.ready.set)


def _fleet(settings: Settings, metrics: Metrics) -> Fleet:
    timeouts = Timeouts(connect=settings.health_timeout_s, probe=settings.health_timeout_s)

    def connect(url: str) -> VLLMEngine:
        return VLLMEngine(url, "", timeouts=timeouts, retries=0, api_key=settings.engine_api_key)

    return Fleet(settings.engines, connect, slow_start_s=settings.slow_start_s, observer=metrics.engines)


def _engine(settings: Settings, fleet: Fleet, model: str) -> PooledEngine:
    connections = settings.slots * CALLS_PER_REQUEST
    timeouts = Timeouts(
        first_token=settings.engine_begin_s,
        between_tokens=settings.engine_silence_s,
        total=settings.engine_answer_s,
    )
    clients = {
        url: VLLMEngine(url, model, timeouts=timeouts, connections=connections, api_key=settings.engine_api_key)
        for _, url in settings.engines
    }
    return PooledEngine(model, fleet, clients, Patience(settings.first_byte_s, settings.hedge_after_s))


async def _watch_engine(binding: Binding) -> None:
    """Bind without waiting for a request, and tell of every change."""
    while True:
        await binding.ready()
        await asyncio.sleep(ENGINE_INTERVAL_S)


async def _watch_loop(metrics: Metrics) -> None:
    loop = asyncio.get_running_loop()
    while True:
        metrics.loop_tasks.set(len(asyncio.all_tasks()))
        due = loop.time() + LAG_INTERVAL_S
        await asyncio.sleep(LAG_INTERVAL_S)
        metrics.loop_lag.observe(max(0.0, loop.time() - due))
