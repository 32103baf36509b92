"""Owns ``python -m training data``: check a file, and measure the rules that find identifiers.

Invariant: exit status 0 says clean, 1 says faults, 2 says that the question was wrong or the file could not be read.
"""

import argparse
import json
import os
import sqlite3
import sys
from pathlib import Path

from training.data.capitals import CapitalRules
from training.data.check import Rules, Tally, check_rows
from training.data.files import described, raw_rows
from training.data.identifiers import Recogniser
from training.data.jsonl import UnreadableFile
from training.data.kinds import KINDS, Kind, UntoldKind, told_kind
from training.data.names import NameRules
from training.data.patterns import PatternRules
from training.data.progress import Progress
from training.data.recognition import HELD_OUT, load_sentences, measure
from training.data.token_classifier import ModelError, load_token_classifier

CLEAN, FAULTS, WRONGLY_ASKED = 0, 1, 2
SEARCHED = "consultation"  # published only after a search for identifiers; other kinds are searched when asked


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = _parser().parse_args(argv)
    try:
        return _check(arguments) if arguments.command == "check" else _identifiers(arguments)
    except (UnreadableFile, UntoldKind, ModelError) as error:
        sys.stderr.write(f"error: {error}\n")
    except sqlite3.Error as error:
        sys.stderr.write(f"error: the ids seen so far could not be kept on disk: {error}\n")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered has no reader either
        return FAULTS
    return WRONGLY_ASKED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training data", description="Check training data.")
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="name file, line and field of every fault in a file")
    check.add_argument("file", type=Path, help="JSONL or Parquet, by its suffix")
    check.add_argument("--kind", choices=list(KINDS), help="what the rows are (default: told by their fields)")
    images = check.add_mutually_exclusive_group()
    images.add_argument("--images", type=Path, metavar="FOLDER", help="image folder (default: the file's own)")
    images.add_argument("--no-images", action="store_true", help="do not look for image files")
    check.add_argument("--identifiers", action="store_true", help=f"search every kind, not only {SEARCHED}")
    check.add_argument("--ner", type=Path, metavar="FOLDER", help="a token-classification model to search with as well")
    check.add_argument("--json", action="store_true", help="end with the summary in one line of JSON")
    measured = commands.add_parser("identifiers", help="precision and recall of the search on labelled sentences")
    measured.add_argument("--sentences", type=Path, default=HELD_OUT, help="labelled JSONL (default: the held-out set)")
    measured.add_argument(
        "--ner", type=Path, metavar="FOLDER", help="a token-classification model to search with as well"
    )
    measured.add_argument("--errors", action="store_true", help="show every sentence with a miss or a false alarm")
    measured.add_argument("--json", action="store_true", help="end with the figures in one line of JSON")
    return parser


def _recognisers(ner: Path | None) -> list[Recogniser]:
    found: list[Recogniser] = [PatternRules(), NameRules(), CapitalRules()]
    return [*found, load_token_classifier(ner)] if ner else found


def _check(arguments: argparse.Namespace) -> int:
    path: Path = arguments.file
    if arguments.images and not arguments.images.is_dir():
        raise UnreadableFile(f"{arguments.images}: no such folder")
    kind, told_by = _kind(path, arguments.kind)
    searched = arguments.identifiers or arguments.ner or kind.name == SEARCHED
    rules = Rules(
        kind,
        recognisers=_recognisers(arguments.ner) if searched else (),
        images=None if arguments.no_images or kind.name != SEARCHED else arguments.images or path.parent,
    )
    tally, progress = Tally(), Progress(sys.stderr)
    for raw, faults in check_rows(raw_rows(path), rules):
        tally.add(raw, faults)
        for fault in faults:
            sys.stdout.write(described(path, fault) + "\n")
        progress.show(tally.rows, raw.share)
    progress.end()
    if not tally.rows:
        raise UnreadableFile(f"{path}: holds no row")
    _summarise(path, kind, told_by, rules, tally, as_json=arguments.json)
    return FAULTS if tally.faulty_rows else CLEAN


def _kind(path: Path, name: str | None) -> tuple[Kind, str]:
    if name:
        return KINDS[name], "as asked"
    kind, line = told_kind(raw_rows(path))
    return kind, f"by the fields of line {line}"


def _summarise(path: Path, kind: Kind, told_by: str, rules: Rules, tally: Tally, *, as_json: bool) -> None:
    searched = "searched" if rules.recognisers else "not searched"
    lines = [
        f"{path}: {tally.rows} rows of {kind.name} ({told_by}), {tally.faulty_rows} with faults",
        *(f"  {count:>9}  {fault}" for fault, count in tally.faults.most_common()),
        f"identifiers: {searched}; image files: {'looked for' if rules.images else 'not looked for'}",
    ]
    if tally.unread_rows:
        lines.append(f"{tally.unread_rows} rows could not be read as JSON, so their fields were not looked into")
    sys.stdout.write("\n".join(lines) + "\n")
    if as_json:
        summary = {
            "file": str(path),
            "kind": kind.name,
            "told_by": told_by,
            "rows": tally.rows,
            "faulty_rows": tally.faulty_rows,
            "unread_rows": tally.unread_rows,
            "faults": {str(fault): count for fault, count in tally.faults.most_common()},
            "identifiers_searched": bool(rules.recognisers),
            "images_looked_for": rules.images is not None,
        }
        sys.stdout.write(json.dumps(summary) + "\n")


def _identifiers(arguments: argparse.Namespace) -> int:
    report = measure(load_sentences(arguments.sentences), _recognisers(arguments.ner))
    sys.stdout.write("\n".join(report.lines(errors=arguments.errors)) + "\n")
    if arguments.json:
        sys.stdout.write(json.dumps(report.figures()) + "\n")
    return CLEAN
