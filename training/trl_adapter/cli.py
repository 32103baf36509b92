"""Command line of training by a recipe: ``python -m training sft|judge|grpo|crpo --config FILE --out FOLDER``.

Invariant: the same command on the same folder goes on from the last whole checkpoint; every known fault is one line.
"""

import argparse
import sys
from pathlib import Path

from training.data.files import FaultyRow
from training.data.jsonl import UnreadableFile
from training.judges.errors import JudgeUnreachable
from training.runs.folder import RunError
from training.trl_adapter.settings import AnyRecipe, SettingsError, load_recipe


def main(argv: list[str]) -> int:
    """Run the recipe of the named method and return the exit status."""
    method, *rest = argv
    parser = argparse.ArgumentParser(prog=f"python -m training {method}", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="TOML file, see training/configs")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; an interrupted run goes on there")
    arguments = parser.parse_args(rest)
    try:
        recipe = load_recipe(arguments.config)
        if recipe.type != method:
            raise SettingsError(f"{arguments.config}: a recipe for {recipe.type}, not for {method}")
        finished = train(recipe, arguments.out)
    except (SettingsError, RunError, FaultyRow, UnreadableFile, JudgeUnreachable, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"finished: {finished}\n")
    return 0


def train(recipe: AnyRecipe, folder: Path) -> Path:
    """Train by a recipe in the run's folder; return the finished checkpoint's. Raises what the method raises."""
    if recipe.type == "sft":
        from training.trl_adapter.sft import train_sft

        return train_sft(recipe, folder)
    if recipe.type == "judge":
        from training.trl_adapter.judge import train_judge

        return train_judge(recipe, folder)
    from training.trl_adapter.alignment import align

    return align(recipe, folder)
