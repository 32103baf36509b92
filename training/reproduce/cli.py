"""Command line of a reproduction: ``python -m training reproduce``.

Invariant: the same command again does what is not done yet; ``--report`` runs nothing.
"""

import argparse
import json
import sys
from pathlib import Path

from training.export.stopping import stopping_on_sigterm
from training.reproduce.figures import collect
from training.reproduce.report import write_report
from training.reproduce.settings import ReproduceConfig, load_config
from training.reproduce.stages import stages
from training.runs.folder import RunError
from training.runs.schedule import StageFailed, run
from training.runs.stages import Results, Stage, check_same, do_one
from training.trl_adapter.settings import SettingsError

ROOT = Path(__file__).parents[2]
PUBLISHED = Path("training/reproduce/published/figures.json")
CONFIG = ROOT / "training" / "configs" / "reproduce" / "miniclinic.toml"


def main(argv: list[str]) -> int:
    """Run, go on, or report; return the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        config = load_config(arguments.config)
        if arguments.stage is not None:
            return _one(config, arguments.out, arguments.stage)
        if arguments.report and not (arguments.out / "stages").is_dir():
            return _published(arguments.out, arguments.json)
        if not arguments.report:
            _all(config, arguments.config, arguments.out)
        figures = collect(config, arguments.out)
        write_report(figures, config, arguments.out)
    except (SettingsError, RunError, StageFailed) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    if arguments.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        sys.stdout.write(f"report: {arguments.out / 'report.html'}\n")
    return 0


def _published(out: Path, as_json: bool) -> int:
    """Show the last run that was published with this version, and say so."""
    sys.stderr.write(f"no run in {out}: these are the figures published with this version, {PUBLISHED}\n")
    text = (ROOT / PUBLISHED).read_text(encoding="utf-8")
    sys.stdout.write(json.dumps(json.loads(text)) + "\n" if as_json else text)
    return 0


def _all(config: ReproduceConfig, path: Path, out: Path) -> None:
    check_same(config, out, "a reproduction")

    def command(stage: Stage) -> list[str]:
        named = ["--config", str(path.resolve()), "--out", str(out.resolve()), "--stage", stage.name]
        return [sys.executable, "-m", "training", "reproduce", *named]

    with stopping_on_sigterm():
        run(stages(config.seeds), Results(out), command, config.workers, ROOT)


def _one(config: ReproduceConfig, out: Path, name: str) -> int:
    """Do one stage on one thread, as a process of the schedule."""
    import torch

    from training.reproduce.work import Reproduction

    torch.set_num_threads(1)
    do_one(stages(config.seeds), name, out, Reproduction(config, out).do)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training reproduce", description=__doc__)
    parser.add_argument("--config", type=Path, default=CONFIG, help="TOML file (default: the miniclinic's)")
    parser.add_argument("--out", type=Path, default=Path("runs/reproduce"), help="folder (default: %(default)s)")
    parser.add_argument("--report", action="store_true", help="report on what is done, and run nothing")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    return parser
