"""What the routes are handed: everything that ``create_app`` built, in one immutable object.

Invariant: nothing here holds data of a request. A request is given one ``Gateway``, once; when the principles change,
the next one is given another, so that no request sees two editions.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from models.pool.fleet import Fleet
from principles.corpus import Corpus
from principles.retrieve import Retriever
from service.binding import Binding
from service.editions import Edition
from service.feedback.store import FeedbackStore
from service.metrics import Metrics
from service.outgoing import Drain
from service.revision.tracing import Tracer
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of a running gateway. ``started`` is a Unix time in seconds."""

    settings: Settings
    metrics: Metrics
    edition: Edition
    fleet: Fleet
    binding: Binding
    drain: Drain
    tracer: Tracer
    feedback: FeedbackStore | None
    started: int

    @property
    def corpus(self) -> Corpus:
        """The principles."""
        return self.edition.corpus

    @property
    def retriever(self) -> Retriever:
        """What searches them."""
        return self.edition.retriever


async def gateway_of(request: Request) -> Gateway:
    """The gateway of the app that serves this request, as it is now."""
    gateway = request.app.state.gateway
    assert isinstance(gateway, Gateway)
    return gateway


GatewayOf = Annotated[Gateway, Depends(gateway_of)]
