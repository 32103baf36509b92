"""Owns ``python -m training synthesise``: rubrics from principles for a file of queries, and the filter of rubrics.

Invariant: exit status 0 says that every row has a result, 1 that some have none yet, 2 that the run could not begin or
was stopped.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from models.registry import RegistryError, load_registry
from principles.corpus import CorpusError
from service.revision.prompts.templates import PromptError
from training.data.jsonl import UnreadableFile
from training.runs.files import RunError
from training.synthesise.filtering import filter_rubrics
from training.synthesise.settings import Cluster, Engines, FilterSettings, SynthesisError, SynthesiseSettings
from training.synthesise.synthesis import synthesise

DONE, SOME_FAILED, STOPPED, INTERRUPTED = 0, 1, 2, 130

M = TypeVar("M", bound=BaseModel)


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    given = sys.argv[1:] if argv is None else argv
    try:
        return _filter(given[1:]) if given[:1] == ["filter"] else _synthesise(given)
    except (SynthesisError, UnreadableFile, RunError, CorpusError, PromptError, RegistryError) as error:
        sys.stderr.write(f"error: {error}\n")
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the same command goes on\n")
        return INTERRUPTED
    return STOPPED


def _synthesise(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m training synthesise",
        description="Write a rubric for each query, from the principles that bear on it.",
        epilog="`python -m training synthesise filter --help`: drop rubrics that teach nothing.",
    )
    parser.add_argument("queries", type=Path, help="JSONL or Parquet of `query` records")
    parser.add_argument("--out", type=Path, required=True, help="folder; the same command again goes on there")
    parser.add_argument("--prompts", choices=("compact", "full"), help="prompt set (default: the model's own)")
    parser.add_argument("--corpus", type=Path, help="principles in YAML (default: the project's own)")
    parser.add_argument(
        "--scenario-model",
        dest="scenario",
        action="store_const",
        const="engine",
        help="have the engine classify (default: in process)",
    )
    parser.add_argument("--top-k", type=int, help="principles offered to a rubric at most (default: 8)")
    _add_run_options(parser, temperature=0.2)
    arguments = parser.parse_args(argv)
    if arguments.corpus is not None and not arguments.corpus.exists():
        raise SynthesisError(f"{arguments.corpus}: no such file")
    settings = _settings(SynthesiseSettings, arguments)
    summary = synthesise(arguments.queries, arguments.out, settings)
    lines = [
        f"{summary.rubrics}: {summary.done} rubrics, {summary.criteria} criteria, "
        f"{summary.citing_a_principle} citing a principle",
        *_failed(summary.failed),
        f"{summary.asked} rows asked in {summary.seconds:.1f} s, {summary.rows_per_second:.2f} rows/s",
    ]
    figures = {**asdict(summary), "rubrics": str(summary.rubrics), "rows_per_second": summary.rows_per_second}
    return _report(lines, figures, summary.failed, as_json=arguments.json)


def _filter(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m training synthesise filter",
        description="Drop rubrics that the model's own answers always or never satisfy.",
    )
    parser.add_argument("rubrics", type=Path, help="JSONL or Parquet of `healthbench` records")
    parser.add_argument("--out", type=Path, required=True, help="JSONL of the rubrics kept; the rest lies beside it")
    parser.add_argument(
        "--judge", choices=("exact", "engine"), required=True, help="the miniclinic's scorer, or a model"
    )
    parser.add_argument("--judge-url", action="append", help="engine of the judge; repeatable (default: --engine-url)")
    parser.add_argument("--judge-model", help="served name of the judge (default: --model)")
    parser.add_argument("--judge-prompts", choices=("compact", "full"), help="(default: the judge's own)")
    parser.add_argument("--rollouts", type=int, help="answers a query (default: 8)")
    parser.add_argument("--min-mean", type=float, help="drop rubrics whose mean score is below (default: 0)")
    parser.add_argument("--max-mean", type=float, help="drop rubrics whose mean score is above (default: 0.75)")
    parser.add_argument("--max-pass-rate", type=float, help="drop single criteria that pass this often (default: none)")
    _add_run_options(parser, temperature=1.0)
    arguments = parser.parse_args(argv)
    settings = _settings(FilterSettings, arguments, judge=_judge(arguments))
    summary = filter_rubrics(arguments.rubrics, arguments.out, settings)
    lines = [
        f"{arguments.out}: {summary.kept} rubrics kept, {summary.criteria_dropped} criteria dropped from them",
        *(f"  {count:>9}  dropped, {reason}" for reason, count in summary.dropped.items()),
        *_failed(summary.failed),
        f"{summary.asked} rows asked in {summary.seconds:.1f} s",
    ]
    return _report(lines, asdict(summary), summary.failed, as_json=arguments.json)


def _add_run_options(parser: argparse.ArgumentParser, temperature: float) -> None:
    """What both commands take; where nothing is given, the settings have the default."""
    parser.add_argument("--engine-url", action="append", required=True, help="engine; repeatable")
    parser.add_argument("--model", required=True, help="served name of the model")
    parser.add_argument("--concurrent", type=int, help="requests open at once over all engines (default: 32)")
    parser.add_argument(
        "--timeout", type=float, dest="timeout_seconds", help="seconds a request may take (default: 120)"
    )
    parser.add_argument("--retries", type=int, help="further attempts of a request (default: 4)")
    parser.add_argument("--temperature", type=float, help=f"(default: {temperature})")
    parser.add_argument("--max-tokens", type=int, help="tokens of an answer at most")
    parser.add_argument("--seed", type=int, help="sampling seed (default: the engine draws)")
    parser.add_argument(
        "--max-failed-share", type=float, help="stop when more of the last 100 rows fail (default: 0.5)"
    )
    parser.add_argument("--ray-address", dest="address", help="a Ray cluster (default: a Ray on this machine)")
    parser.add_argument("--actors", type=int, help="Ray actors that ask (default: 1)")
    parser.add_argument("--cpus", type=int, help="logical CPUs of the Ray on this machine (default: actors + 2)")
    parser.add_argument("--json", action="store_true", help="end with the summary in one line of JSON")


def _settings(kind: type[M], arguments: argparse.Namespace, **more: Any) -> M:
    """Make the settings of what was given. Raises ``SynthesisError`` naming the keys that cannot be."""
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    engines = {"urls": given["engine_url"], **_part(given, Engines)}
    own = {**_part(given, kind), **more, "engines": engines, "cluster": _part(given, Cluster)}
    try:
        return kind.model_validate(own)
    except ValidationError as error:
        faults = ("{}: {}".format(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors())
        raise SynthesisError("; ".join(faults)) from error


def _part(given: Mapping[str, Any], kind: type[BaseModel]) -> dict[str, Any]:
    return {name: given[name] for name in kind.model_fields if name in given}


def _judge(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.judge == "exact":
        return {"type": "miniclinic"}
    model = arguments.judge_model or arguments.model
    entry = load_registry().entry(model)
    return {
        "type": "engine",
        "urls": arguments.judge_url or arguments.engine_url,
        "model": model,
        "prompts": arguments.judge_prompts or entry.prompts,
        "threshold": entry.verdict_threshold,
    }


def _failed(failed: Mapping[str, int]) -> list[str]:
    return [f"  {count:>9}  failed, {reason}" for reason, count in failed.items()]


def _report(lines: list[str], figures: Mapping[str, Any], failed: Mapping[str, int], *, as_json: bool) -> int:
    sys.stdout.write("\n".join(lines) + "\n")
    if as_json:
        sys.stdout.write(json.dumps(figures) + "\n")
    return SOME_FAILED if failed else DONE
