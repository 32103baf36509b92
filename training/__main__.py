"""Command line of training: ``python -m training sft|embedder|data``."""

import argparse
import sys
from pathlib import Path

DEFAULT_CONFIG = Path(__file__).with_name("configs") / "sft" / "miniclinic.toml"


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    given = sys.argv[1:] if argv is None else argv
    if given[:1] == ["embedder"]:
        from training.embedder import main as build_embedder

        return build_embedder(given[1:])
    if given[:1] == ["data"]:
        from training.data.cli import main as data

        return data(given[1:])
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("embedder", help="build the bundled sentence encoder", add_help=False)
    commands.add_parser("data", help="check training data", add_help=False)
    sft = commands.add_parser("sft", help="train the bundled model from scratch on the miniclinic")
    sft.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="TOML file (default: %(default)s)")
    sft.add_argument("--out", type=Path, required=True, help="folder of the run; an interrupted run goes on there")
    arguments = parser.parse_args(given)
    return _sft(arguments.config, arguments.out)


def _sft(config_path: Path, out: Path) -> int:
    from training.launch import RunError, train
    from training.settings import load_sft_config

    try:
        finished = train(load_sft_config(config_path), out)
    except RunError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"finished: {finished}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
