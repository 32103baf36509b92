import pytest

from models.engine import EngineError, EngineRefused, EngineTimeout, EngineUnavailable
from models.pool.moves import Move, reason_of, reason_of_status
from models.wire import error_from, malformed


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EngineUnavailable("engine cannot be reached"), Move.UNREACHABLE),
        (EngineTimeout("connect", 5.0), Move.UNREACHABLE),
        (EngineTimeout("first_token", 5.0), Move.NO_FIRST_BYTE),
        (EngineTimeout("between_tokens", 5.0), None),
        (EngineTimeout("total", 5.0), None),
        (EngineUnavailable("x", status=502, type="engine_cut_off"), Move.CUT_OFF),
        (error_from(429, b"", 3.0), Move.BUSY),
        (error_from(500, b"{}"), Move.SERVER_ERROR),
        (error_from(503, b"{}"), Move.SERVER_ERROR),
        (error_from(400, b"{}"), None),
        (malformed("x"), Move.MALFORMED),
        (EngineUnavailable("x", type="engine_pool_exhausted"), None),
        (EngineRefused("x", status=404, type="x", body={}), None),
        (EngineError("x"), None),
    ],
)
def test_an_error_moves_a_call_for_a_reason_or_not_at_all(error: EngineError, reason: Move | None) -> None:
    assert reason_of(error) is reason


@pytest.mark.parametrize(
    ("status", "reason"),
    [(200, None), (404, None), (429, Move.BUSY), (500, Move.SERVER_ERROR), (503, Move.SERVER_ERROR)],
)
def test_so_does_a_status(status: int, reason: Move | None) -> None:
    assert reason_of_status(status) is reason
