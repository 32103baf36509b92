"""Which call goes first, where an engine schedules by priority, and whether it does.

Invariant: a lower number goes earlier, and a call without one counts as 0.
"""

import asyncio

from models.engine import ChatRequest, Engine, EngineRefused, EngineTimeout
from models.judge import PROBE_SECONDS


async def takes_priorities(engine: Engine) -> bool:
    """Ask the engine once whether it takes a priority; the caller keeps the answer.

    Some versions of vLLM refuse every priority but 0 unless they run with ``--scheduling-policy priority``. Others,
    0.32 among them, take it and pass over it, as engines do that do not know it: their calls go as they come.
    Raises `EngineUnavailable` or `EngineTimeout` when that cannot be known now.
    """
    question = ({"role": "user", "content": "Answer yes or no."},)
    request = ChatRequest(messages=question, max_tokens=1, temperature=0.0, priority=1)
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            await engine.chat(request)
    except TimeoutError as error:
        raise EngineTimeout("total", PROBE_SECONDS) from error
    except EngineRefused:
        return False
    return True
