"""``python -m training.miniclinic hostile``: what a thousand hostile texts do to verdicts, answers and the guard.

Invariant: the folder keeps every single result beside the figures, so that any of them can be looked up.
"""

import argparse
import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from models.engine import EngineError
from models.registry import load_registry
from models.vllm import VLLMEngine
from service.revision.prompts import load_prompts
from training.miniclinic.gateway import GatewayError, connect
from training.miniclinic.hostile.answers import Answered, answer_all
from training.miniclinic.hostile.edits import guard_all
from training.miniclinic.hostile.figures import answer_figures, verdict_figures
from training.miniclinic.hostile.prompts import read_entries
from training.miniclinic.hostile.report import show
from training.miniclinic.hostile.verdicts import Judged, judge_all
from training.miniclinic.knowledge import load_knowledge

_T = TypeVar("_T")


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command's parser."""
    parser = commands.add_parser("hostile", help="hostile texts against verdicts, answers and the guard")
    parser.add_argument("--engine", help="engine whose verdicts are asked for; none: the guard alone")
    parser.add_argument("--gateway", help="gateway in front of it, for final answers; none: no answers")
    parser.add_argument("--texts", type=int, default=1000, help="how many of the file (default: all %(default)s)")
    parser.add_argument("--answers", type=int, default=200, help="of them through the gateway (default: %(default)s)")
    parser.add_argument("--concurrent", type=int, default=8, help="texts at a time (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder for figures.json and every result as JSONL")


async def run(arguments: argparse.Namespace) -> int:
    """Measure, write, show. Raises ``GatewayError`` and ``EngineError``."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    guarded = guard_all()
    figures: dict[str, Any] = {"guard": guarded.figures()}
    _write(arguments.out / "guard.jsonl", guarded.rows())
    if arguments.engine:
        judged, threshold, model = await _judged(arguments)
        figures |= {"model": model, "threshold": threshold, "verdicts": verdict_figures(judged, threshold)}
        _write(arguments.out / "verdicts.jsonl", (row.as_row() for row in judged))
    if arguments.gateway:
        answered = await _answered(arguments)
        if not answered:
            raise GatewayError(f"{arguments.gateway} gave no answer to any text")
        figures["answers"] = answer_figures(answered)
        _write(arguments.out / "answers.jsonl", (row.as_row() for row in answered))
    (arguments.out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    show(figures, Console())
    return 0


async def _judged(arguments: argparse.Namespace) -> tuple[list[Judged], float, str]:
    finder = VLLMEngine(arguments.engine, "")
    try:
        cards = await finder.models()
    finally:
        await finder.aclose()
    if not cards:
        raise EngineError("the engine names no model", status=502, type="engine_malformed")
    entry = load_registry().entry(cards[0].id)
    engine = VLLMEngine(arguments.engine, cards[0].id)
    try:
        texts = sampled(read_entries(), arguments.texts)
        prompts = load_prompts(entry.prompts)
        rows = await judge_all(engine, prompts, load_knowledge(), texts, concurrent=arguments.concurrent)
    finally:
        await engine.aclose()
    return rows, entry.verdict_threshold, cards[0].id


async def _answered(arguments: argparse.Namespace) -> list[Answered]:
    numbered = sampled(list(enumerate(sampled(read_entries(), arguments.texts))), arguments.answers)
    async with connect(arguments.gateway, concurrent=arguments.concurrent) as gateway:
        return await answer_all(gateway, load_knowledge(), numbered, concurrent=arguments.concurrent)


def sampled(items: list[_T], n: int) -> list[_T]:
    """Return ``n`` of the items in their order, always the same ones; all of them where there are no more."""
    if n >= len(items):
        return items
    return [items[place] for place in sorted(random.Random("hostile").sample(range(len(items)), n))]


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
