"""Command line of the wheel: ``python -m training flywheel``.

Invariant: the same command again does what is not done yet; ``--report`` runs nothing.
"""

import argparse
import json
import sys
from pathlib import Path

from training.export.stopping import stopping_on_sigterm
from training.flywheel.figures import collect_figures
from training.flywheel.report import write_report
from training.flywheel.settings import FlywheelConfig, load_config
from training.flywheel.stages import stages
from training.runs.files import RunError
from training.runs.schedule import StageFailed, run
from training.runs.stages import Results, Stage, check_same, do_one
from training.trl_adapter.settings import SettingsError

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "training" / "configs" / "flywheel" / "miniclinic.toml"


def main(argv: list[str]) -> int:
    """Run, go on, or report; return the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        config = load_config(arguments.config)
        if arguments.stage is not None:
            return _one(config, arguments.out, arguments.stage)
        if not arguments.report:
            _all(config, arguments.config, arguments.out)
        figures = collect_figures(arguments.out)
        path = write_report(figures, arguments.out)
    except (SettingsError, RunError, StageFailed) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(json.dumps(figures) + "\n" if arguments.json else f"report: {path}\n")
    return 0


def _all(config: FlywheelConfig, path: Path, out: Path) -> None:
    check_same(config, out, "a turn")

    def command(stage: Stage) -> list[str]:
        named = ["--config", str(path.resolve()), "--out", str(out.resolve()), "--stage", stage.name]
        return [sys.executable, "-m", "training", "flywheel", *named]

    with stopping_on_sigterm():
        run(stages(), Results(out), command, config.workers, ROOT)


def _one(config: FlywheelConfig, out: Path, name: str) -> int:
    """Do one stage on one thread, as a process of the schedule."""
    import torch

    from training.flywheel.work import Flywheel

    torch.set_num_threads(1)
    do_one(stages(), name, out, Flywheel(config, out).do)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training flywheel", description=__doc__)
    parser.add_argument("--config", type=Path, default=CONFIG, help="TOML file (default: the miniclinic's)")
    parser.add_argument("--out", type=Path, default=Path("runs/flywheel"), help="folder (default: %(default)s)")
    parser.add_argument("--report", action="store_true", help="report on what is done, and run nothing")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    return parser
