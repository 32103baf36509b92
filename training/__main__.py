"""Command line of training: ``python -m training COMMAND``; each command tells its options with ``--help``."""

import argparse
import importlib
import sys

COMMANDS = {
    "data": ("training.data.cli", "check training data and look for identifiers"),
    "feedback": ("training.feedback.cli", "feedback of reviewers to training data"),
    "flywheel": ("training.flywheel.cli", "revisions, feedback, training and its lift: one turn in the miniclinic"),
    "distil": ("training.distil.cli", "rubrics to principles, with a review sheet"),
    "synthesise": ("training.synthesise.cli", "queries to rubrics, on Ray Data; filter them by rollouts"),
    "sft": ("training.trl_adapter.cli", "supervised training on conversations"),
    "judge": ("training.trl_adapter.cli", "supervised training of a judge on labels"),
    "grpo": ("training.trl_adapter.cli", "reinforcement with a rubric reward"),
    "crpo": ("training.trl_adapter.cli", "reinforcement by comparisons, or by absolute scores"),
    "plot": ("training.runs.plots", "plots and report of a run"),
    "export": ("training.export.cli", "a run to a served checkpoint; FP8; the gate"),
    "reproduce": ("training.reproduce.cli", "every method in the miniclinic, evaluated, in one report"),
    "scratch": ("training.scratch.cli", "train the bundled model from nothing on the miniclinic"),
    "embedder": ("training.embedder", "build the bundled sentence encoder"),
    "verl": ("training.verl_adapter.prepare", "write verl's parquet files from rows with rubrics"),
}
NAMED = frozenset({"sft", "judge", "grpo", "crpo"})
"""Commands of one module that tells them apart by their name."""


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    given = sys.argv[1:] if argv is None else argv
    if not given or given[0] not in COMMANDS:
        return _help(given)
    name, *rest = given
    command = importlib.import_module(COMMANDS[name][0]).main
    status: int = command([name, *rest] if name in NAMED else rest)
    return status


def _help(given: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (_, help_text) in COMMANDS.items():
        commands.add_parser(name, help=help_text, add_help=False)
    parser.parse_args(given)
    return 2


if __name__ == "__main__":
    sys.exit(main())
