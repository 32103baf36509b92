"""The model names that a client may choose: guided answers, and the engine's own model as it is."""

from typing import Any

from fastapi import APIRouter

from service.api.answer_types import ModelList, ModelRow
from service.api.openapi import read
from service.errors import NotFound
from service.gateway import GatewayOf

router = APIRouter(prefix="/v1/models")
_READ_ONE = "read_model"
_ONE = {"operationId": _READ_ONE, "parameters": {"name": "$response.body#/data/0/id"}}


@router.get("", **read(ModelList, links={"one": _ONE}))
async def list_models(gateway: GatewayOf) -> dict[str, Any]:
    """Both names; only ours while the engine's is not known."""
    await gateway.binding.ready()
    names = [name for name in (gateway.settings.slug, gateway.binding.model) if name]
    return {"object": "list", "data": [_model(gateway, name) for name in names]}


@router.get("/{name:path}", operation_id=_READ_ONE, **read(ModelRow))
async def read_model(name: str, gateway: GatewayOf) -> dict[str, Any]:
    """One of them."""
    await gateway.binding.ready()
    if name != gateway.settings.slug and not gateway.binding.serves(name):
        raise NotFound("there is no model of that name here", param="model", code="model_not_found")
    return _model(gateway, name)


def _model(gateway: GatewayOf, name: str) -> dict[str, Any]:
    """``preceptor`` says whether answers are guided, and what is to be known of the model that gives them."""
    bound = gateway.binding.current
    told = {
        "guided": name == gateway.settings.slug,
        "engine_model": gateway.binding.model,
        "bundled": None if bound is None else bound.entry.bundled,
        "notice": None if bound is None else bound.entry.notice or None,
    }
    return {
        "id": name,
        "object": "model",
        "created": gateway.started,
        "owned_by": "preceptor",
        "preceptor": told,
    }
