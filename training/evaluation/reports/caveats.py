"""What limits a report's figures, in words: notes, world, judge, and whatever is not whole.

Invariant: whatever is unscored, failed, missing or unfinished is said here, with its count.
"""

from collections.abc import Iterator, Sequence

from training.evaluation.reports import shown
from training.evaluation.reports.summaries import DRAFT, OfBenchmark, Report


def caveats(report: Report) -> Iterator[str]:
    """Yield one sentence each, the run's own notes first."""
    yield from dict.fromkeys(note for facts in report.run.facts for note in facts.notes)
    yield from _circumstances(report.benchmarks)
    for benchmark in report.benchmarks:
        yield from unfinished(benchmark)
    yield from (f"{one.log.name} is not counted: {one.reason}." for one in report.run.passed_over)


def unfinished(benchmark: OfBenchmark) -> Iterator[str]:
    """Yield what is not whole in a benchmark, arm by arm."""
    for name, summary in benchmark.arms.items():
        arm, where = summary.arm, f"{shown.named(benchmark.name)}, {shown.named(name)}"
        if not arm.facts.whole:
            problem = f" ({shown.label(arm.facts.problem, 200)})" if arm.facts.problem else ""
            yield f"{where}: not finished, its log says {arm.facts.status}{problem}; figures are of what there is."
        counts = {"error": len(arm.failures), "missing sample": arm.missing, "unscored sample": arm.unscored}
        if any(counts.values()):
            told = ", ".join(shown.plural(count, noun) for noun, count in counts.items() if count)
            yield f"{where}: {told} of {arm.facts.planned:,} planned."
        if summary.unread:
            yield f"{where}: {summary.unread:,} of {summary.asked:,} verdicts were unreadable; none counts as not met."
    if DRAFT not in benchmark.arms and len(benchmark.arms) > 1:
        yield f"{shown.named(benchmark.name)}: there is no arm draft, so nothing is compared with it."


def _circumstances(benchmarks: Sequence[OfBenchmark]) -> Iterator[str]:
    """One sentence for all benchmarks that have the same circumstances."""
    alike: dict[str, list[str]] = {}
    for benchmark in benchmarks:
        alike.setdefault(_told(benchmark), []).append(shown.named(benchmark.name))
    yield from (f"{', '.join(names)}: {told}" for told, names in alike.items())


def _told(benchmark: OfBenchmark) -> str:
    facts = [summary.arm.facts for summary in benchmark.arms.values()]
    worlds = " and ".join(dict.fromkeys(shown.label(one.world) for one in facts))
    judges = " and ".join(dict.fromkeys(shown.label(one.judge) for one in facts))
    data = dict.fromkeys(one.data for one in facts)
    differ = "" if len(data) == 1 else " Its arms answered different sets of samples."
    return f"world {worlds}; judged by {judges}.{differ}"
