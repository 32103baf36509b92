"""What operators and orchestrators ask: alive, ready, how it goes.

Invariant: liveness never depends on the engine, so that an engine's trouble restarts no gateway.
"""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from service.api.answer_types import Alive, Readiness
from service.api.openapi import REFUSED
from service.gateway import GatewayOf
from service.metrics import CONTENT_TYPE

router = APIRouter()
_DRAINING = Readiness(
    status="draining",
    engine=False,
    engines={"0": "up"},
    principles=119,
    corpus="9ac79d8a",
    model="preceptor-miniclinic",
)
_SERIES = {"description": "The series", "content": {"text/plain": {"schema": {"type": "string"}}}}
_SHOWN = {"application/json": {"examples": {"draining": {"summary": "Told to stop", "value": _DRAINING.model_dump()}}}}


@router.get("/healthz", response_model=None, responses={200: {"model": Alive}})
async def alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get(
    "/readyz",
    response_model=None,
    responses={
        200: {"model": Readiness},
        503: {
            "model": Readiness,
            "description": "No engine answers, or the server is shutting down",
            "content": _SHOWN,
        },
    },
)
async def ready(gateway: GatewayOf) -> JSONResponse:
    """Principles are indexed, an engine answered its last check, and the server has not been told to stop."""
    draining = gateway.drain.begun
    engine_ready = not draining and await gateway.binding.ready()
    state = {
        "status": "draining" if draining else "ready" if engine_ready else "waiting",
        "engine": engine_ready,
        "engines": {replica.name: replica.health.state.value for replica in gateway.fleet.replicas},
        "principles": len(gateway.corpus),
        "corpus": gateway.corpus.sha8,
        "model": gateway.binding.model,
    }
    return JSONResponse(state, status_code=200 if engine_ready else 503)


@router.get("/metrics", response_class=Response, responses={200: _SERIES, **REFUSED})
async def metrics(gateway: GatewayOf) -> Response:
    """Prometheus text format."""
    return Response(gateway.metrics.render(), media_type=CONTENT_TYPE)
