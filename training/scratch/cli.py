"""Command line of training the bundled model from nothing: ``python -m training scratch --out FOLDER``.

Invariant: the same command on the same folder goes on from the last checkpoint.
"""

import argparse
import sys
from pathlib import Path

DEFAULT_CONFIG = Path(__file__).parents[1] / "configs" / "scratch" / "miniclinic.toml"


def main(argv: list[str]) -> int:
    """Train and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training scratch", description=__doc__)
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="TOML file (default: %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; an interrupted run goes on there")
    arguments = parser.parse_args(argv)
    from training.runs.files import RunError
    from training.scratch.launch import train
    from training.scratch.settings import load_sft_config

    try:
        finished = train(load_sft_config(arguments.config), arguments.out)
    except RunError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"finished: {finished}\n")
    return 0
