"""The names of the series that vLLM exports, kept in `vllm_metrics.txt`, and how they are taken from a running engine.

`python -m tests.helm.vllm_metrics http://127.0.0.1:8001` writes the list; a test compares it with a live engine.
"""

import sys
import urllib.request
from pathlib import Path

from tests.helm.exposition import series_names

LIST = Path(__file__).with_suffix(".txt")


def listed() -> set[str]:
    """The names kept in the list."""
    return set(LIST.read_text(encoding="utf-8").split())


def exported(url: str) -> set[str]:
    """The names under `vllm:` that the engine at this base URL exports now."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as response:
        text = response.read().decode()
    return {name for name in series_names(text) if name.startswith("vllm:") and not name.endswith("_created")}


if __name__ == "__main__":
    LIST.write_text("".join(f"{name}\n" for name in sorted(exported(sys.argv[1]))), encoding="utf-8")
