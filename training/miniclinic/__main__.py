"""Command line of the miniclinic: ``python -m training.miniclinic evaluate|hostile|questions|show``."""

import argparse
import asyncio
import json
import random
import sys
from pathlib import Path

from rich.console import Console

from models.engine import EngineError
from training.miniclinic.answers import draft_answer, full_answer, text_of
from training.miniclinic.cases import make_case
from training.miniclinic.evaluate import as_rows, evaluate, summary
from training.miniclinic.gateway import GatewayError, connect
from training.miniclinic.hostile import command
from training.miniclinic.knowledge import load_knowledge
from training.miniclinic.report import show
from training.miniclinic.scorer import score


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = _parser().parse_args(argv)
    try:
        if arguments.command == "evaluate":
            return asyncio.run(_evaluate(arguments))
        if arguments.command == "hostile":
            return asyncio.run(command.run(arguments))
    except (GatewayError, EngineError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return _questions(arguments.n) if arguments.command == "questions" else _show(arguments.seed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.miniclinic", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("evaluate", help="guided answers against their controls, through the running gateway")
    run.add_argument("--url", default="http://127.0.0.1:8000", help="gateway (default: %(default)s)")
    run.add_argument("--n", type=int, default=300, help="held-out cases (default: %(default)s)")
    run.add_argument("--first-seed", type=int, default=0, help="seed of the first case (default: %(default)s)")
    run.add_argument("--temperature", type=float, default=0.8, help="of the drafts (default: %(default)s)")
    run.add_argument("--concurrent", type=int, default=4, help="cases at a time (default: %(default)s)")
    run.add_argument("--out", type=Path, help="write every case as JSONL")
    run.add_argument("--json", action="store_true", help="print one JSON object as the last line")
    command.add_to(commands)
    questions = commands.add_parser("questions", help="held-out questions as JSONL, for load tests")
    questions.add_argument("--n", type=int, default=100)
    example = commands.add_parser("show", help="one held-out case with a draft and a full answer")
    example.add_argument("--seed", type=int, default=0)
    return parser


async def _evaluate(arguments: argparse.Namespace) -> int:
    async with connect(arguments.url, concurrent=4 * arguments.concurrent) as gateway:
        results = await evaluate(
            gateway,
            load_knowledge(),
            arguments.n,
            temperature=arguments.temperature,
            concurrent=arguments.concurrent,
            first_seed=arguments.first_seed,
        )
    figures = summary(results)
    show(figures, Console())
    if arguments.out is not None:
        arguments.out.write_text("".join(json.dumps(row) + "\n" for row in as_rows(results)), encoding="utf-8")
    if arguments.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    return 0


def _questions(n: int) -> int:
    knowledge = load_knowledge()
    for seed in range(n):
        case = make_case(knowledge, seed, "heldout")
        sys.stdout.write(json.dumps({"id": f"heldout-{seed}", "messages": list(case.messages)}) + "\n")
    return 0


def _show(seed: int) -> int:
    knowledge, console = load_knowledge(), Console()
    case, rng = make_case(knowledge, seed, "heldout"), random.Random(seed)
    for message in case.messages:
        console.print(f"[bold]{message['role']}[/bold]: {message['content']}")
    for name, sentences in (("draft", draft_answer(knowledge, case, rng)), ("full", full_answer(knowledge, case, rng))):
        text = text_of(sentences)
        console.print(f"\n[bold]{name}[/bold] ({score(knowledge, case, text).value:.2f}): {text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
