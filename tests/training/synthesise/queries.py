"""Files of queries that the scripted engine tells apart, and readers of what a run leaves."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.training.synthesise.scripted_engine import MODEL
from training.synthesise.settings import Engines, SynthesiseSettings

SCENARIO = {"urgency": "non_emergent", "uncertainty": "none", "expertise": "lay", "task_type": "information"}


def write_queries(path: Path, count: int) -> list[str]:
    """Write so many queries and return their ids."""
    ids = [f"q-{number}" for number in range(count)]
    rows = [{"id": id_, "prompt": [{"role": "user", "content": f"This is question {id_}: what helps?"}]} for id_ in ids]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return ids


def settings(urls: Sequence[str], **more: Any) -> SynthesiseSettings:
    """Settings for the scripted engine; those of ``Engines`` among the keywords go there."""
    engines = {name: more.pop(name) for name in list(more) if name in Engines.model_fields}
    made = {"model": MODEL, "retries": 1, "timeout_seconds": 20.0, "concurrent": 8} | engines
    return SynthesiseSettings.model_validate({"engines": {"urls": list(urls), **made}, **more})


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Every row of a JSONL file."""
    return [json.loads(line) for line in path.read_text().splitlines()]
