"""How much of the gateway one client may have: its bounds, and its weight beside others.

Invariant: plain data; what is None bounds nothing.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Bound = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(ge=0.01, le=100, allow_inf_nan=False)]


class ClientLimits(BaseModel):
    """One client's. ``weight`` is its share of slots and places where several clients want more than there are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_in_flight: Bound | None = None
    tokens_per_minute: Bound | None = None
    weight: Weight = 1.0


NO_LIMITS = ClientLimits()
