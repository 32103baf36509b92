"""What Prometheus sees of a pool of engines.

Invariant: engines go by their configured names, or their places in the list; never by a URL.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge

from models.pool.breaker import BreakerState
from models.pool.health import State
from models.pool.moves import Move
from models.pool.observer import Ended, Hedge


class EngineSeries:
    """What a pool of engines tells of itself; engines go by their configured names, or their places in the list."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._ready: set[str] = set()
        self.count = Gauge("preceptor_engines_ready", "Engines that calls may be sent to.", registry=registry)
        self.health = Gauge(
            "preceptor_engine_health", "1 for what the checks of an engine say.", ("engine", "state"), registry=registry
        )
        self.breaker = Gauge(
            "preceptor_engine_breaker", "1 for the state of an engine's circuit breaker.", ("engine", "state"),
            registry=registry,
        )  # fmt: skip
        self.open_calls = Gauge("preceptor_engine_open_calls", "Calls open now.", ("engine",), registry=registry)
        self.requests = Counter(
            "preceptor_engine_requests_total", "Calls ended.", ("engine", "result"), registry=registry
        )
        self.moves = Counter(
            "preceptor_engine_moves_total", "Calls sent to another engine than their conversation's.", ("reason",),
            registry=registry,
        )  # fmt: skip
        self.hedges = Counter(
            "preceptor_engine_hedges_total", "Verdicts that were slow, by what became of a second call.", ("result",),
            registry=registry,
        )  # fmt: skip
        self.last_resorts = Counter(
            "preceptor_engine_last_resorts_total", "Calls sent although every engine should have been left alone.",
            registry=registry,
        )  # fmt: skip
        for reason in Move:
            self.moves.labels(reason.value)
        for result in Hedge:
            self.hedges.labels(result.value)

    def call_opened(self, engine: str) -> None:
        """Count an open call."""
        self.open_calls.labels(engine).inc()

    def call_ended(self, engine: str, ended: Ended) -> None:
        """Count it as ended."""
        self.open_calls.labels(engine).dec()
        self.requests.labels(engine, ended.value).inc()

    def moved(self, reason: Move) -> None:
        """Count a move."""
        self.moves.labels(reason.value).inc()

    def hedged(self, result: Hedge) -> None:
        """Count a slow verdict."""
        self.hedges.labels(result.value).inc()

    def last_resort(self) -> None:
        """Count a call of last resort."""
        self.last_resorts.inc()

    def state(self, engine: str, health: State, breaker: BreakerState) -> None:
        """Show what is thought of an engine."""
        for state in State:
            self.health.labels(engine, state.value).set(state is health)
        for position in BreakerState:
            self.breaker.labels(engine, position.value).set(position is breaker)
        if health is State.UP and breaker is not BreakerState.OPEN:
            self._ready.add(engine)
        else:
            self._ready.discard(engine)
        self.count.set(len(self._ready))
