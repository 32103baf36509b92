"""Reads counters and gauges off a ``/metrics`` page, the gateway's or vLLM's."""

import httpx
from prometheus_client.parser import text_string_to_metric_families


def total(url: str, name: str, *, api_key: str = "none", **labels: str) -> float:
    """The sum over all samples of that name which carry these labels; 0 where there is none yet."""
    headers = {"authorization": f"Bearer {api_key}"}
    page = httpx.get(f"{url}/metrics", headers=headers, timeout=30, trust_env=False)
    page.raise_for_status()
    return sum(
        sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )
