"""What vLLM itself says of its work.

It counts no request whose client left (in 0.32 ``finished_reason="abort"`` stays at 0), so an abort shows as work
that is no longer there and never came to its end.
"""

from tests.clients.scrape import total


def running(engine_url: str) -> float:
    """Requests that the engine has accepted and not yet ended."""
    return total(engine_url, "vllm:num_requests_running") + total(engine_url, "vllm:num_requests_waiting")


def long_answers(engine_url: str) -> float:
    """Requests that came to their end with more than 1000 tokens, as ``LONG`` would and hardly another."""
    name = "vllm:request_generation_tokens"
    return total(engine_url, f"{name}_count") - total(engine_url, f"{name}_bucket", le="1000.0")
