"""Metrics of gateways and engines beside a run: a few named series over time, from Prometheus's text form.

Invariant: what cannot be scraped is counted as missed and leaves no point; nothing is filled in.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import httpx

from loadtest.quantiles import gauge
from loadtest.run.slope import slope
from loadtest.standin.metrics import SIMULATED

SERIES = (
    "preceptor_in_flight_requests",
    "preceptor_queued_requests",
    "preceptor_arriving_requests",
    "preceptor_engine_ready",
    "preceptor_refused_total",
    "preceptor_degraded_total",
    "preceptor_cancelled_total",
    "preceptor_event_loop_tasks",
    "process_resident_memory_bytes",
    "process_open_fds",
    "process_cpu_seconds_total",
    "vllm:num_requests_running",
    "vllm:num_requests_waiting",
    "vllm:kv_cache_usage_perc",
    "vllm:num_preemptions_total",
    "vllm:prefix_cache_queries_total",
    "vllm:prefix_cache_hits_total",
    "vllm:generation_tokens_total",
    "loadtest_standin_greatest_lag_seconds",
)
Points = list[tuple[float, float]]


@dataclass(slots=True)
class Scraped:
    """What one source told: points (seconds from the start, value) by series."""

    series: dict[str, Points] = field(default_factory=dict)
    missed: int = 0
    simulated: bool = False

    def take(self, text: str, seconds: float) -> None:
        """Take one answer."""
        self.simulated = self.simulated or gauge(text, SIMULATED) is not None
        for name in SERIES:
            value = gauge(text, name)
            if value is not None:
                self.series.setdefault(name, []).append((round(seconds, 2), value))

    def figures(self) -> dict[str, Any]:
        """First, last, least, greatest and mean of each series, and its slope in an hour with the 95% interval."""
        return {"missed": self.missed, **{name: _figures(points) for name, points in self.series.items()}}


async def scrape(
    sources: Mapping[str, str], headers: Mapping[str, str], every_seconds: float, found: Mapping[str, Scraped]
) -> None:
    """Scrape all base URLs until cancelled."""
    started = perf_counter()
    async with httpx.AsyncClient(headers=headers, timeout=max(1.0, every_seconds), trust_env=False) as client:
        while True:
            await asyncio.gather(*(_once(client, url, found[name], started) for name, url in sources.items()))
            await asyncio.sleep(every_seconds)


async def _once(client: httpx.AsyncClient, url: str, found: Scraped, started: float) -> None:
    try:
        response = (await client.get(f"{url}/metrics")).raise_for_status()
    except httpx.HTTPError:
        found.missed += 1
        return
    found.take(response.text, perf_counter() - started)


def _figures(points: Points) -> dict[str, float | None]:
    values, found = [value for _, value in points], slope(points)
    return {
        "first": values[0],
        "last": values[-1],
        "least": min(values),
        "greatest": max(values),
        "mean": sum(values) / len(values),
        "slope_per_hour": found.per_hour if found else None,
        "slope_low": found.low if found else None,
        "slope_high": found.high if found else None,
    }
