"""Owns ``python -m training distil``: distil a file of rubrics, measure it, time the clustering, make example rubrics.

Invariant: exit status 0 says that principles were made, 1 that none was, 2 that something was asked or given wrongly.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.clock import Timeouts
from models.embedder import EmbedderError, build_embedder
from models.engine import EngineError
from models.vllm import VLLMEngine
from principles.corpus import CorpusError, load_corpus
from principles.scenario import ScenarioClassifier, load_exemplars
from service.revision.prompts.templates import PromptError
from training.data.files import FaultyRow
from training.data.jsonl import UnreadableFile
from training.data.kinds import UntoldKind
from training.distil.criteria import read_rubrics
from training.distil.evaluate import Evaluation, threshold_table
from training.distil.merge_prompt import load_merge_prompt
from training.distil.miniclinic import rubric_rows
from training.distil.pipeline import Parts, distil
from training.distil.report import shown
from training.distil.settings import Clustering, Merging, Settings
from training.distil.timing import against_exact, time_clustering
from training.distil.watch import Bars
from training.miniclinic.knowledge import load_knowledge
from training.runs.files import RunError

MADE, NOTHING, WRONGLY_ASKED = 0, 1, 2
_ERRORS = (
    UnreadableFile, UntoldKind, FaultyRow, RunError, EngineError, EmbedderError, CorpusError, PromptError,
    OSError,
)  # fmt: skip


class WronglyAsked(Exception):
    """The options or the engine do not say what to do."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = _parser().parse_args(argv)
    try:
        figures, status = _COMMANDS[arguments.command](arguments)
    except (*_ERRORS, WronglyAsked) as error:
        sys.stderr.write(f"error: {error}\n")
        return WRONGLY_ASKED
    if figures is not None:
        sys.stdout.write(shown(figures))
        if arguments.json:
            sys.stdout.write(json.dumps(figures) + "\n")
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training distil", description="Distil rubrics into principles.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="distil a file of health rubrics or HealthBench rows")
    run.add_argument("file", type=Path, help="JSONL or Parquet, by its suffix")
    run.add_argument("--out", type=Path, required=True, help="folder of the run; a stopped run goes on there")
    run.add_argument("--corpus", type=Path, help="principles to compare with (default: the project's own)")
    _merging(run, prompts="full")
    measured = commands.add_parser("evaluate", help="precision and recall on the miniclinic's held-out rubrics")
    measured.add_argument("--n", type=int, default=1500, help="rubrics (default: %(default)s)")
    _merging(measured, prompts="compact")
    timed = commands.add_parser("cluster", help="time the clustering of made-up criteria")
    timed.add_argument("--synthetic", type=int, default=100_000, metavar="N", help="criteria (default: %(default)s)")
    timed.add_argument("--exact-on", type=int, default=20_000, metavar="N", help="also compare with all pairs, on N")
    _clustering(timed)
    examples = commands.add_parser("examples", help="the miniclinic's held-out rubrics as JSONL")
    examples.add_argument("--n", type=int, default=1500, help="rubrics (default: %(default)s)")
    examples.set_defaults(json=False)
    return parser


def _clustering(parser: argparse.ArgumentParser) -> None:
    usual = Clustering()
    parser.add_argument("--threshold", type=float, default=usual.threshold, help="mean cosine (default: %(default)s)")
    parser.add_argument(
        "--exact-below", type=int, default=usual.exact_below, metavar="N", help="(default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--json", action="store_true", help="end with the figures in one line of JSON")


def _merging(parser: argparse.ArgumentParser, prompts: str) -> None:
    usual, merging = Settings(), Merging()
    parser.add_argument("--engine-url", required=True, help="an OpenAI-compatible engine")
    parser.add_argument("--model", help="served name (default: the only one that the engine lists)")
    parser.add_argument("--api-key-file", type=Path, help="file that holds the engine's key")
    parser.add_argument("--prompts", choices=("compact", "full"), default=prompts, help="(default: %(default)s)")
    parser.add_argument("--concurrent", type=int, default=merging.concurrent, help="calls (default: %(default)s)")
    parser.add_argument("--timeout-seconds", type=float, default=merging.timeout_seconds, help="(default: %(default)s)")
    parser.add_argument("--max-tokens", type=int, default=merging.max_tokens, help="(default: %(default)s)")
    parser.add_argument("--min-support", type=int, default=usual.min_support, help="questions (default: %(default)s)")
    parser.add_argument("--same-as", type=float, default=usual.same_as, help="cosine (default: %(default)s)")
    _clustering(parser)


def _settings(arguments: argparse.Namespace) -> Settings:
    try:
        clustering = _clustering_settings(arguments)
        merging = Merging(
            prompts=arguments.prompts,
            concurrent=arguments.concurrent,
            timeout_seconds=arguments.timeout_seconds,
            max_tokens=arguments.max_tokens,
        )
        return Settings(
            clustering=clustering, merging=merging, min_support=arguments.min_support, same_as=arguments.same_as
        )
    except ValueError as error:
        raise WronglyAsked(str(error)) from error


def _clustering_settings(arguments: argparse.Namespace) -> Clustering:
    try:
        return Clustering(threshold=arguments.threshold, exact_below=arguments.exact_below, seed=arguments.seed)
    except ValueError as error:
        raise WronglyAsked(str(error)) from error


def _run(arguments: argparse.Namespace) -> tuple[dict[str, Any], int]:
    settings = _settings(arguments)
    questions, asked = read_rubrics(arguments.file)
    figures: dict[str, Any] = asyncio.run(_distil(arguments, settings, questions, asked))
    return figures, MADE if figures["candidates"] else NOTHING


async def _distil(arguments: argparse.Namespace, settings: Settings, questions: Any, asked: Any) -> dict[str, Any]:
    embed = build_embedder()
    corpus = load_corpus(arguments.corpus)
    prompt = load_merge_prompt(settings.merging.prompts)
    engine = await _engine(arguments, settings.merging)
    try:
        parts = Parts(engine, prompt, embed, ScenarioClassifier(load_exemplars(), embed), corpus)
        with Bars() as bars:
            counts = await distil(questions, asked, parts, settings, arguments.out, bars)
    finally:
        await engine.aclose()
    return {name: getattr(counts, name) for name in counts.__slots__}


def _evaluate(arguments: argparse.Namespace) -> tuple[dict[str, Any], int]:
    figures = asyncio.run(_measured(arguments, _settings(arguments)))
    return figures, MADE if figures["with_merge"]["distilled"] else NOTHING


async def _measured(arguments: argparse.Namespace, settings: Settings) -> dict[str, Any]:
    knowledge, embed = load_knowledge(), build_embedder()
    evaluation = Evaluation(knowledge, load_corpus(), embed, settings, arguments.n)
    prompt = load_merge_prompt(settings.merging.prompts)
    engine = await _engine(arguments, settings.merging)
    try:
        with Bars() as bars, tempfile.TemporaryDirectory() as folder:
            merged = await evaluation.with_merge(engine, prompt, Path(folder), bars)
    finally:
        await engine.aclose()
    return {
        "questions": evaluation.questions,
        "criteria": len(evaluation.criteria),
        "clusters": len(evaluation.clusters),
        "supported": len(evaluation.supported),
        "model": engine.model,
        "prompt": prompt.version,
        "clustering": evaluation.clustering(),
        "ceiling_recall": evaluation.ceiling(),
        "without_merge": evaluation.without_merge(),
        "with_merge": merged,
        "thresholds": threshold_table(knowledge, embed, settings.clustering),
    }


def _cluster(arguments: argparse.Namespace) -> tuple[dict[str, Any], int]:
    settings, embed = _clustering_settings(arguments), build_embedder()
    if arguments.synthetic < 3 or arguments.exact_on < 3:
        raise WronglyAsked("--synthetic and --exact-on must be at least 3")
    texts = list(load_knowledge().asked_by)
    with Bars() as bars:
        told = bars.step("clustering", arguments.synthetic)
        figures = time_clustering(texts, embed, arguments.synthetic, settings, lambda n: told(arguments.synthetic - n))
        told(arguments.synthetic)
    return {"synthetic": figures, "against_exact": against_exact(embed(texts), arguments.exact_on, settings)}, MADE


def _examples(arguments: argparse.Namespace) -> tuple[None, int]:
    for row in rubric_rows(load_knowledge(), arguments.n):
        sys.stdout.write(row.model_dump_json(exclude={"canary"}) + "\n")
    return None, MADE


async def _engine(arguments: argparse.Namespace, settings: Merging) -> VLLMEngine:
    """An engine that answers, with the model asked for or its only one. Raises ``EngineError``, ``WronglyAsked``."""
    key = arguments.api_key_file.read_text(encoding="utf-8").strip() if arguments.api_key_file else None
    limits = Timeouts(total=settings.timeout_seconds)

    def made(model: str) -> VLLMEngine:
        url, size = arguments.engine_url, settings.concurrent
        return VLLMEngine(url, model, timeouts=limits, retries=settings.retries, connections=size, api_key=key)

    engine = made(arguments.model or "")
    try:
        listed = [card.id for card in await engine.models()]
    finally:
        await engine.aclose()
    model = arguments.model or (listed[0] if len(listed) == 1 else None)
    if model is None or model not in listed:
        raise WronglyAsked(f"name one with --model: the engine serves {', '.join(listed) or 'nothing'}")
    return made(model)


_COMMANDS = {"run": _run, "evaluate": _evaluate, "cluster": _cluster, "examples": _examples}
