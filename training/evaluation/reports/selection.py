"""What ``RUN[:BENCHMARK][:ARM]`` names, and which arms of two such are compared.

Invariant: what is not named is taken only where it can be one thing; else the error says what there is to choose from.
"""

from dataclasses import dataclass
from pathlib import Path

from training.evaluation.reports.reading import Arm, Run, read_run
from training.runs.files import RunError


@dataclass(frozen=True, slots=True)
class Selection:
    """A run and what was named of it; None is any."""

    run: Run
    benchmark: str | None
    arm: str | None


def selected(written: str) -> Selection:
    """Read ``RUN[:BENCHMARK][:ARM]``; one name alone is a benchmark's if the run has it, else an arm's.

    Raises ``RunError`` where there is no such run, benchmark or arm.
    """
    path, names = _parted(written)
    run = read_run(path)
    benchmark = names[0] if len(names) == 2 or (names and names[0] in run.arms) else None
    arm = names[-1] if names and (len(names) == 2 or benchmark is None) else None
    if benchmark is not None and benchmark not in run.arms:
        raise RunError(f"{path}: no benchmark {benchmark!r}; it has {', '.join(run.arms)}")
    if arm is not None and not _having(run, benchmark, arm):
        arms = dict.fromkeys(name for own in run.arms.values() for name in own)
        raise RunError(f"{path}: neither a benchmark nor an arm {arm!r}; it has {', '.join((*run.arms, *arms))}")
    return Selection(run, benchmark, arm)


def pairs_of(first: Selection, second: Selection) -> list[tuple[Arm, Arm]]:
    """Return the pairs of arms to compare: the named ones, or the same arm of both runs, of every benchmark in common.

    Raises ``RunError`` where nothing is left to compare.
    """
    if None not in (first.benchmark, second.benchmark) and first.benchmark != second.benchmark:
        raise RunError(f"benchmarks {first.benchmark} and {second.benchmark} cannot be compared with each other")
    wanted = first.benchmark or second.benchmark
    found = []
    for benchmark in first.run.arms:
        if benchmark not in second.run.arms or wanted not in (None, benchmark):
            continue
        ours, theirs = first.run.arms[benchmark], second.run.arms[benchmark]
        for name in [first.arm] if first.arm else [second.arm] if second.arm else ours:
            one, other = ours.get(first.arm or name), theirs.get(second.arm or name)
            if one is not None and other is not None and one.facts.log != other.facts.log:
                found.append((one, other))
    if not found:
        raise RunError(
            f"{first.run.path} and {second.run.path}: no two arms to compare; name them as RUN:BENCHMARK:ARM, of "
            f"{_all(first.run)} and {_all(second.run)}"
        )
    return found


def _parted(written: str) -> tuple[Path, list[str]]:
    """Part at the last colons, at most two, so that what is before them is a folder."""
    for colons in range(3):
        path, *names = written.rsplit(":", colons)
        if Path(path).is_dir() and all(names):
            return Path(path), names
    raise RunError(f"{written}: no such run")


def _having(run: Run, benchmark: str | None, arm: str) -> bool:
    return any(arm in arms for name, arms in run.arms.items() if benchmark in (None, name))


def _all(run: Run) -> str:
    return ", ".join(f"{benchmark}:{arm}" for benchmark, arms in run.arms.items() for arm in arms)
