"""How a run came about, on its page: recipe, environment, logs, tokens by model, and the figures as a file.

Invariant: shown as recorded; what was not recorded is said to be so.
"""

import json
from collections.abc import Iterator
from typing import Any

from training.evaluation.reports import tables
from training.evaluation.reports.document import document_of, encoded
from training.evaluation.reports.html import download, fold, foreign, grid, quiet, subheading
from training.evaluation.reports.summaries import Report
from training.runs.page import Cell


def origin_parts(report: Report) -> Iterator[str]:
    """Recipe, environment, logs, and the figures as a file."""
    made_with: dict[str, Any] = dict(report.run.made_with)
    recipe = made_with.pop("config", {})
    yield fold("Recipe", [foreign(json.dumps(recipe, indent=1, ensure_ascii=False))])
    rows: list[list[Cell]] = [[name, json.dumps(value, ensure_ascii=False)] for name, value in made_with.items()]
    for what, found in (
        ("revision in the logs", [facts.revision or "not recorded" for facts in report.run.facts]),
        ("versions in the logs", [json.dumps(dict(facts.versions)) for facts in report.run.facts]),
        ("data", [f"{facts.benchmark}: {facts.data}" for facts in report.run.facts]),
        ("judge", [facts.judge for facts in report.run.facts]),
    ):
        rows.append([what, "; ".join(dict.fromkeys(found))])
    yield fold("Environment", [grid(["what", "value"], rows), *_used(report)])
    logs: list[list[Cell]] = [
        [f.benchmark, f.arm, f.log.name, f.status, f.created, f.completed] for f in report.run.facts
    ]
    header = ["benchmark", "arm", "log", "status", "begun", "ended"]
    yield fold(
        "Logs",
        [grid(header, logs, "inspect view --log-dir with the run's folder logs shows every sample and question.")],
    )
    yield quiet("All figures of this page, and the regressions in full, as one file:")
    yield download("report.json", encoded(document_of(report)))


def _used(report: Report) -> Iterator[str]:
    for one in report.benchmarks:
        if table := tables.used_table(one.arms):
            yield subheading(one.name)
            yield table
