"""A run's folder: ``results.json`` (figures), ``rows.jsonl`` (each request), ``report.html``.

Invariant: the report is made from the other two alone, so that it can be made again.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loadtest.run.html import page
from loadtest.run.row import Row

_RESULTS, _ROWS, _REPORT = "results.json", "rows.jsonl", "report.html"


class ResultsError(Exception):
    """A folder has no results of a run, or none that can be read."""


def write_results(folder: Path, results: Mapping[str, Any], rows: Sequence[Row]) -> None:
    """Write all three files."""
    text = json.dumps(results, ensure_ascii=False, indent=1)
    (folder / _RESULTS).write_text(text + "\n", encoding="utf-8")
    lines = "".join(json.dumps(row.as_json(), ensure_ascii=False) + "\n" for row in rows)
    (folder / _ROWS).write_text(lines, encoding="utf-8")
    write_report(folder)


def write_report(folder: Path) -> Path:
    """Make the report anew. Raises ``ResultsError``."""
    try:
        results = json.loads((folder / _RESULTS).read_text(encoding="utf-8"))
        lines = (folder / _ROWS).read_text(encoding="utf-8").splitlines()
        rows = [Row.of_json(json.loads(line)) for line in lines]
    except OSError as error:
        raise ResultsError(f"{error.filename}: {error.strerror}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise ResultsError(f"{folder}: not the results of a run: {error}") from error
    path = folder / _REPORT
    path.write_text(page(results, rows), encoding="utf-8")
    return path
