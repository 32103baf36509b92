"""What the routes are handed: everything that ``create_app`` built, in one immutable object.

Invariant: nothing here holds data of a request.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from models.pool.fleet import Fleet
from principles.corpus import Corpus
from principles.retrieve import Retriever
from service.binding import Binding
from service.feedback.store import FeedbackStore
from service.metrics import Metrics
from service.outgoing import Drain
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of a running gateway. ``started`` is a Unix time in seconds."""

    settings: Settings
    metrics: Metrics
    corpus: Corpus
    retriever: Retriever
    fleet: Fleet
    binding: Binding
    drain: Drain
    feedback: FeedbackStore | None
    started: int


async def gateway_of(request: Request) -> Gateway:
    """The gateway of the app that serves this request."""
    gateway = request.app.state.gateway
    assert isinstance(gateway, Gateway)
    return gateway


GatewayOf = Annotated[Gateway, Depends(gateway_of)]
