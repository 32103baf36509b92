"""`preceptor-eval audit LABELS`: asks a judge what experts were asked, or reads what it said, and says its worth.

Invariant: a registry is changed only on a gain that was held out and lies above 0, or when that is forced. Exit status
0 is done, 1 a registry that was left as it is for that reason, 2 says what could not be done and why.
"""

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspect_ai.model import Model

from models.registry import RegistryError, load_registry
from service.revision.prompts.templates import PromptError
from training.data.files import FaultyRow
from training.data.jsonl import UnreadableFile
from training.evaluation.audit.audit import Audit, as_json, audit
from training.evaluation.audit.audited import GRADER, SECOND, Audited, audited, audited_in, audited_in_traces, by_answer
from training.evaluation.audit.labels import Labelled, LabelsError, read_labels
from training.evaluation.audit.miniclinic import exact, labelled
from training.evaluation.audit.page import audit_page
from training.evaluation.audit.pairs import read_pairs
from training.evaluation.audit.registry_line import write_threshold
from training.evaluation.audit.run import run_audit
from training.evaluation.audit.task import audit_task
from training.evaluation.audit.threshold import Costs
from training.evaluation.recipe import MINICLINIC
from training.evaluation.rows import read_rows
from training.evaluation.run import Stopped
from training.miniclinic.knowledge import load_knowledge
from training.runs.files import RunError, naming, replace_whole

DONE, REFUSED, FAILED = 0, 1, 2
REPORT, PAGE, WRITTEN = "audit.json", "audit.html", "threshold.json"
ASKED, CACHE, LABELS = "asked", "cache", "labels.jsonl"
Facts = Mapping[str, str | int | float]


class Unfit(Exception):
    """The options do not go together, or not with the data; the message says how."""


@dataclass(frozen=True, slots=True)
class _Verdicts:
    """What is audited, and what the report says of where it comes from."""

    items: list[Audited]
    second: list[Audited]
    facts: Facts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what ``audit`` takes, but for the judges, which the caller makes."""
    parser.add_argument(
        "labels", help=f"judge_label or healthbench_labels, JSONL or Parquet; or {MINICLINIC}: exact ones of its cases"
    )
    parser.add_argument("--n", type=int, default=100, help=f"cases of the {MINICLINIC} (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first of their held-out seeds (default: 0)")
    parser.add_argument("--out", type=Path, required=True, help="folder of logs and report; the same one goes on")
    parser.add_argument("--log", type=Path, action="append", help="audit the verdicts of this log; asks nobody")
    parser.add_argument(
        "--verdicts", choices=("judge", "gateway"), default="judge", help="of the log: whose (default: %(default)s)"
    )
    parser.add_argument("--comparisons", type=Path, help="pairs judged in both orders: JSONL, or a log")
    parser.add_argument("--style", choices=("verdict", "json"), default="verdict", help="default: %(default)s")
    parser.add_argument("--prompts", choices=("compact", "full"), help="of style verdict (default: the entry's)")
    parser.add_argument("--threshold", type=float, help="P(met) from which a criterion is met (default: the entry's)")
    parser.add_argument("--concurrent", type=int, default=16, help="questions at once (default: %(default)s)")
    parser.add_argument(
        "--goal", choices=("cost", "f1"), default="cost", help="of the threshold (default: %(default)s)"
    )
    parser.add_argument("--missed-fault", type=float, default=1.0, help="cost of a fault that passes (default: 1)")
    parser.add_argument("--needless-edit", type=float, default=1.0, help="cost of an edit for nothing (default: 1)")
    parser.add_argument("--model", help="the judge's served name, under which a registry knows it")
    parser.add_argument("--write-registry", type=Path, help="write the chosen threshold into this file, for --model")
    parser.add_argument("--force", action="store_true", help="write it though its gain may be none")


def run(arguments: argparse.Namespace, judge: Model | None, second: Model | None = None) -> int:
    """Audit a judge and write ``audit.json`` and ``audit.html``; return the exit status.

    ``judge`` is None with ``--log``. A registry that was changed is told of in ``threshold.json`` beside the report.
    """
    try:
        return _run(arguments, judge, second)
    except (
        FaultyRow,
        LabelsError,
        PromptError,
        RegistryError,
        RunError,
        Stopped,
        Unfit,
        UnreadableFile,
    ) as error:
        sys.stderr.write(f"error: {error}\n")
        return FAILED


def write_report(found: Audit, facts: Facts, folder: Path) -> None:
    """Write the audit as JSON and as a page. Raises ``RunError``."""
    with naming(folder):
        folder.mkdir(parents=True, exist_ok=True)
    replace_whole(folder / REPORT, [_json({"facts": dict(facts)} | as_json(found))])
    replace_whole(folder / PAGE, [audit_page(found, facts).encode()])


def _run(arguments: argparse.Namespace, judge: Model | None, second: Model | None) -> int:
    current, costs = _settled(arguments), _costs(arguments)
    verdicts = _logged(arguments) if arguments.log else _asked(arguments, judge, second, current)
    pairs = [] if arguments.comparisons is None else read_pairs(arguments.comparisons)
    if not verdicts.items:
        raise Unfit(f"{arguments.labels}: none of its labels is of a verdict in the log")
    found = audit(
        verdicts.items, second=verdicts.second, pairs=pairs, current=current, goal=arguments.goal, costs=costs
    )
    write_report(found, verdicts.facts, arguments.out)
    sys.stdout.write(_summary(found, arguments.out))
    return DONE if arguments.write_registry is None else _write_threshold(arguments, found, verdicts.facts)


def _labels(arguments: argparse.Namespace) -> list[Labelled]:
    if arguments.labels != MINICLINIC:
        return read_labels(Path(arguments.labels))
    if arguments.n < 1 or arguments.first < 0:
        raise Unfit("--n has to be 1 or more, and --first 0 or more")
    with naming(arguments.out):
        arguments.out.mkdir(parents=True, exist_ok=True)
    seeds = range(arguments.first, arguments.first + arguments.n)
    return labelled(arguments.out / LABELS, load_knowledge(), seeds)


def _settled(arguments: argparse.Namespace) -> float:
    """Fill what the model's entry decides, and return the threshold. Raises ``Unfit`` and ``RegistryError``."""
    if arguments.write_registry is not None:
        if arguments.model is None:
            raise Unfit("--write-registry needs --model")
        if arguments.style == "json" and not arguments.log:
            raise Unfit("style json gives no probabilities to choose a threshold by")
        if arguments.threshold is not None:
            raise Unfit("with --write-registry the present threshold is the entry's: leave --threshold out")
        if arguments.model not in load_registry(arguments.write_registry).models:
            raise Unfit(f"{arguments.write_registry} has no entry models.{arguments.model}")
    entry = load_registry(arguments.write_registry).entry(arguments.model or "")
    arguments.prompts = arguments.prompts or entry.prompts
    threshold: float = entry.verdict_threshold if arguments.threshold is None else arguments.threshold
    if not 0 < threshold < 1:
        raise Unfit(f"--threshold {threshold:g} is not between 0 and 1")
    return threshold


def _costs(arguments: argparse.Namespace) -> Costs:
    try:
        return Costs(arguments.missed_fault, arguments.needless_edit)
    except ValueError as error:
        raise Unfit(f"--missed-fault, --needless-edit: {error}") from error


def _asked(arguments: argparse.Namespace, judge: Model | None, second: Model | None, current: float) -> _Verdicts:
    if judge is None:
        raise Unfit("name a judge, or a log that holds its verdicts")
    labels = _labels(arguments)
    os.environ["INSPECT_CACHE_DIR"] = str((arguments.out / CACHE).resolve())
    task = audit_task(labels, style=arguments.style, prompts=arguments.prompts, threshold=current)
    roles = {GRADER: judge} | ({} if second is None else {SECOND: second})
    assert task.metadata is not None
    logs = arguments.out / ASKED / _digest(labels, task.metadata, roles)
    rows = run_audit(task, logs, roles, concurrent=arguments.concurrent)
    facts = {
        "labels": f"{arguments.labels}, {len(labels)} items",
        "judge": str(judge),
        "prompt": task.metadata["judge_prompt"],
        "threshold": current,
    }
    found = {role: [item for row in rows if (item := audited(row, role))] for role in (GRADER, SECOND)}
    return _Verdicts(found[GRADER], found[SECOND], facts | ({} if second is None else {"second judge": str(second)}))


def _digest(labels: list[Labelled], metadata: Mapping[str, Any], roles: Mapping[str, Model]) -> str:
    """Name the logs' folder by what was asked of whom, so that other labels never get an earlier run's verdicts."""
    asked = [*map(repr, labels), json.dumps(metadata, sort_keys=True), *(f"{role}={roles[role]}" for role in roles)]
    return hashlib.sha256("\0".join(asked).encode()).hexdigest()[:12]


def _logged(arguments: argparse.Namespace) -> _Verdicts:
    read = audited_in if arguments.verdicts == "judge" else audited_in_traces
    known = (
        exact(load_knowledge()) if arguments.labels == MINICLINIC else by_answer(read_labels(Path(arguments.labels)))
    )
    items: list[Audited] = []
    unlabelled = 0
    for log in arguments.log:
        found, without = read(read_rows(log), known)
        items, unlabelled = items + found, unlabelled + without
    return _Verdicts(
        items,
        [],
        {
            "labels": arguments.labels,
            "verdicts": f"the {arguments.verdicts}'s",
            "logs": ", ".join(map(str, arguments.log)),
            "verdicts without a label": unlabelled,
        },
    )


def _write_threshold(arguments: argparse.Namespace, found: Audit, facts: Facts) -> int:
    choice, file, model = found.choice, arguments.write_registry, arguments.model
    if choice is None:
        raise Unfit(f"{file} is left as it is: {found.no_choice}")
    if not choice.better and not arguments.force:
        sys.stderr.write(f"{file} is left as it is: the held-out gain {choice.gain} may be none; --force writes it\n")
        return REFUSED
    old = write_threshold(file, model, choice.threshold)
    told = {
        "registry": str(file),
        "model": model,
        "old": old,
        "new": choice.threshold,
        "forced": not choice.better,
        "goal": choice.goal,
        "costs": {"missed_fault": arguments.missed_fault, "needless_edit": arguments.needless_edit},
        "gain": as_json(choice.gain),
        "facts": dict(facts),
    }
    replace_whole(arguments.out / WRITTEN, [_json(told)])
    sys.stdout.write(f"wrote verdict_threshold {old:g} -> {choice.threshold:g} of {model} into {file}\n")
    return DONE


def _summary(found: Audit, folder: Path) -> str:
    lines = [f"{found.items} items, {found.labels} comparisons, {found.cases} questions, {found.unscored} unscored"]
    lines += [f"{name:12} {one}" for name, one in found.figures.items()]
    return "\n".join([*lines, f"wrote {folder / PAGE}", ""])


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
