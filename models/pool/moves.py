"""Why a call goes to another replica than the one that its conversation belongs to.

Invariant: the reasons are a closed set, and an error that another replica would give as well has none.
"""

from enum import StrEnum

from models.engine import EngineError, EngineTimeout, EngineUnavailable

WENT_DOWN = "engine_down"
BUSY_STATUS = 429
SERVER_ERROR_STATUS = 500


class Move(StrEnum):
    """The first six are failures of a call before its first byte; the others keep a call from being sent there."""

    UNREACHABLE = "unreachable"
    """No connection, or it was lost before an answer began."""
    NO_FIRST_BYTE = "no_first_byte"
    CUT_OFF = "cut_off"
    """A stream that was opened ended before anything of the answer had come."""
    MALFORMED = "malformed"
    """A reply that is none: what a proxy says in the place of a sick engine, or half of an answer."""
    SERVER_ERROR = "server_error"
    BUSY = "busy"
    DOWN = "down"
    BREAKER = "breaker"
    LOAD = "load"


def reason_of(error: EngineError) -> Move | None:
    """Say why a call that ended so before its first byte may be sent to another replica; None where it may not."""
    match error:
        case EngineTimeout(phase="connect"):
            return Move.UNREACHABLE
        case EngineTimeout(phase="first_token"):
            return Move.NO_FIRST_BYTE
        case EngineUnavailable(type="engine_pool_exhausted"):
            return None
        case EngineUnavailable(type="engine_malformed"):
            return Move.MALFORMED
        case EngineUnavailable(status=429):
            return Move.BUSY
        case EngineUnavailable(type="engine_unavailable"):
            return Move.UNREACHABLE
        case EngineUnavailable(type="engine_cut_off"):
            return Move.CUT_OFF
        case EngineUnavailable(type="engine_down"):
            return Move.DOWN
        case EngineUnavailable():
            return Move.SERVER_ERROR
    return None


def reason_of_status(status: int) -> Move | None:
    """The same for a reply that has not been read."""
    if status == BUSY_STATUS:
        return Move.BUSY
    return Move.SERVER_ERROR if status >= SERVER_ERROR_STATUS else None
