"""Owns the command line of the principles: list, show, search, check, import, propose, evaluate.

Invariant: with --json the last line of the output is one JSON object; the status is 0, or 1 with a reason on stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, get_args

from principles.corpus import CorpusError, load_corpus
from principles.embedding import BundledEmbedder
from principles.evaluate import (
    cross_validate,
    evaluate,
    evaluate_topic,
    load_heldout,
    load_heldout_topics,
)
from principles.importer import import_principles, load_mapping, write_corpus
from principles.listing import check, list_json, list_text, show_json, show_text
from principles.proposals import SAME_AS, Proposals, propose, read_criteria
from principles.retrieve import TOP_K, Retrieval, build_retriever
from principles.review_sheet import read_review_sheet, sheet_text
from principles.schema import Dimension

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Command = Callable[[argparse.Namespace], tuple[bool, str]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; text goes to stdout, the reason of a failure to stderr."""
    arguments = build_parser().parse_args(argv)
    command: Command = arguments.command
    try:
        succeeded, text = command(arguments)
    except (CorpusError, FileNotFoundError, FileExistsError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(one_line(text) if arguments.json else text)
    return 0 if succeeded else 1


def build_parser() -> argparse.ArgumentParser:
    """Every command with its options; `arguments.command` is the function to call."""
    parser = argparse.ArgumentParser(prog="principles", description="The clinical principles and their retrieval.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listed = _add(commands, "list", _list, "one line per principle")
    listed.add_argument("--dimension", choices=get_args(Dimension))
    shown = _add(commands, "show", _show, "one principle in full")
    shown.add_argument("id")
    searched = _add(commands, "search", _search, "scenario and principles of a question")
    searched.add_argument("question", nargs="+")
    searched.add_argument("--top-k", type=int, default=TOP_K)
    checked = _add(commands, "check", _check, "whether a corpus is valid")
    checked.add_argument("path", nargs="?", type=Path)
    imported = _add(commands, "import", _import, "bring in a foreign principle set, or a review sheet, as YAML")
    imported.add_argument("file", type=Path, nargs="?", help="a principle set; needs --mapping")
    imported.add_argument("--mapping", type=Path, help="TOML that renames the set's fields")
    imported.add_argument("--review-sheet", type=Path, metavar="FILE", help="a sheet that `training distil` wrote")
    imported.add_argument("--unreviewed", action="store_true", help="bring in a sheet's undecided rows as well")
    imported.add_argument("--output", type=Path, required=True)
    proposed = _add(commands, "propose", _propose, "what reviewers ask for that no principle covers, as a review sheet")
    proposed.add_argument("file", type=Path, help="criteria.jsonl, which `training feedback export` wrote")
    proposed.add_argument("--output", type=Path, required=True, help="the sheet (CSV) to write")
    proposed.add_argument("--corpus", type=Path, help="principles to compare with; the packaged set when left out")
    proposed.add_argument("--same-as", type=float, default=SAME_AS, help="cosine of one meaning (default: %(default)s)")
    proposed.add_argument("--min-support", type=int, default=1, help="questions that must ask (default: %(default)s)")
    _add(commands, "evaluate", _evaluate, "retrieval and topic on the held-out questions")
    return parser


def one_line(text: str) -> str:
    """A JSON document on a single line."""
    return json.dumps(json.loads(text)) + "\n"


def retrieval_text(retrieval: Retrieval) -> str:
    """The scenario with its confidence, then one line per principle."""
    scenario = retrieval.scenario
    lines = [f"{name:<12} {getattr(scenario, name):<24} {share:.2f}" for name, share in retrieval.confidence.items()]
    width = max((len(hit.principle.id) for hit in retrieval.hits), default=0)
    lines.append("")
    for hit in retrieval.hits:
        lines.append(f"{hit.similarity:5.2f}  {hit.principle.id:<{width}}  {hit.principle.title}")
    lines += ["", f"health {retrieval.health:.2f}", ""]
    lines.append(f"embedding {retrieval.embed_ms:.2f} ms, search {retrieval.search_ms:.2f} ms")
    return "\n".join(lines) + "\n"


def retrieval_json(retrieval: Retrieval) -> str:
    """The same as a JSON object."""
    hits = [
        {"id": hit.principle.id, "title": hit.principle.title, "similarity": hit.similarity} for hit in retrieval.hits
    ]
    return json.dumps(
        {
            "scenario": retrieval.scenario.model_dump(),
            "confidence": dict(retrieval.confidence),
            "hits": hits,
            "embed_ms": retrieval.embed_ms,
            "search_ms": retrieval.search_ms,
            "health": retrieval.health,
        }
    )


def proposals_text(found: Proposals, sheet: Path) -> str:
    """What reviewers added, what covers it, and what is left for the sheet."""
    lines = [f"{found.added} criteria from {found.reviewers} reviewers; {len(found.rows)} proposals in {sheet}"]
    lines += [f"{row['support']:>5}  {row['points']:>3}  {row['statement']}" for row in found.rows]
    lines += ["", f"covered by principles: {found.covered.total()}"]
    lines += [f"{count:>5}  {id_}" for id_, count in found.covered.most_common()]
    return "\n".join(lines) + "\n"


def proposals_json(found: Proposals) -> str:
    """The same as a JSON object."""
    covered = dict(found.covered.most_common())
    return json.dumps(
        {"added": found.added, "reviewers": found.reviewers, "proposals": list(found.rows), "covered": covered}
    )


def evaluation_text(figures: Mapping[str, Any]) -> str:
    """One figure per line; figures of a group stand under its name."""
    lines = []
    for name, value in figures.items():
        group = value.items() if isinstance(value, Mapping) else ()
        lines.append(name if group else f"{name:<28} {round(value, 3):>8}")
        lines += [f"  {inner:<26} {round(figure, 3):>8}" for inner, figure in group]
    return "\n".join(lines) + "\n"


def _add(commands: Commands, name: str, run: Command, text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.set_defaults(command=run)
    return parser


def _list(arguments: argparse.Namespace) -> tuple[bool, str]:
    shown = list_json if arguments.json else list_text
    return True, shown(load_corpus(), arguments.dimension)


def _show(arguments: argparse.Namespace) -> tuple[bool, str]:
    try:
        principle = load_corpus().by_id(arguments.id)
    except KeyError as error:
        raise CorpusError([f"no principle {arguments.id}; `list` names them all"]) from error
    return True, show_json(principle) if arguments.json else show_text(principle)


def _search(arguments: argparse.Namespace) -> tuple[bool, str]:
    retrieval = build_retriever().retrieve([{"role": "user", "content": " ".join(arguments.question)}], arguments.top_k)
    return True, retrieval_json(retrieval) if arguments.json else retrieval_text(retrieval)


def _check(arguments: argparse.Namespace) -> tuple[bool, str]:
    return check(arguments.path, as_json=arguments.json)


def _import(arguments: argparse.Namespace) -> tuple[bool, str]:
    if arguments.review_sheet is not None:
        return _import_sheet(arguments)
    if arguments.file is None or arguments.mapping is None or arguments.unreviewed:
        raise CorpusError(["import takes FILE with --mapping, or --review-sheet FILE with or without --unreviewed"])
    corpus = import_principles(arguments.file, load_mapping(arguments.mapping))
    files = [str(path) for path in write_corpus(corpus, arguments.output, f"Imported from {arguments.file.name}.")]
    if arguments.json:
        return True, json.dumps({"count": len(corpus), "sha8": corpus.sha8, "files": files})
    return True, f"{len(corpus)} principles written to {', '.join(files)}\n"


def _import_sheet(arguments: argparse.Namespace) -> tuple[bool, str]:
    sheet: Path = arguments.review_sheet
    if arguments.file is not None or arguments.mapping is not None:
        raise CorpusError(["import takes --review-sheet alone, without FILE and --mapping"])
    found = read_review_sheet(sheet, unreviewed=arguments.unreviewed)
    if not len(found.corpus):
        raise CorpusError(
            [f"{sheet.name}: nothing to import: {found.rejected} rejected, {found.undecided} without a decision"]
        )
    files = [str(path) for path in write_corpus(found.corpus, arguments.output, f"Imported from {sheet.name}.")]
    counts = Counter[str](principle.review.status for principle in found.corpus.principles)
    counts.update(rejected=found.rejected, undecided=found.undecided)
    if arguments.json:
        return True, json.dumps({"count": len(found.corpus), "sha8": found.corpus.sha8, "files": files, **counts})
    said = ", ".join(f"{count} {name}" for name, count in counts.items())
    return True, f"{len(found.corpus)} principles written to {', '.join(files)} ({said})\n"


def _propose(arguments: argparse.Namespace) -> tuple[bool, str]:
    if arguments.output.exists():
        raise CorpusError([f"{arguments.output}: is there already; it may hold decisions"])
    rows = read_criteria(arguments.file)
    found = propose(
        rows, load_corpus(arguments.corpus), BundledEmbedder(), arguments.same_as, max(1, arguments.min_support)
    )
    arguments.output.write_text(sheet_text(found.rows), encoding="utf-8", newline="")
    return True, proposals_json(found) if arguments.json else proposals_text(found, arguments.output)


def _evaluate(arguments: argparse.Namespace) -> tuple[bool, str]:
    retriever = build_retriever()
    figures = {
        **evaluate(retriever, load_heldout()).as_dict(),
        "topic": evaluate_topic(retriever, load_heldout_topics()).as_dict(),
        "topic_cross_validation": cross_validate(retriever.topic).as_dict(),
    }
    return True, json.dumps(figures) if arguments.json else evaluation_text(figures)
