"""The report of a run as one HTML file: tables, plots, and the profile that it was made with.

Invariant: self-contained, without a script; every text from outside is escaped; simulated results say so on top.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from loadtest.run.figures import LATENCIES
from loadtest.run.profile import Slo
from loadtest.run.row import End, Row
from loadtest.run.svg import Series, cumulative, plot

_PAGE = Path(__file__).with_name("report.html")
_WINDOWS = 40
_SHARES = ("p50", "p95", "p99")


def page(results: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """The whole file."""
    label = '<p class="mark">SIMULATED: the engine was a stand-in with published speeds.</p>'
    broken_off = '<p class="mark">INTERRUPTED: rates are for each second that was planned.</p>'
    return Template(_PAGE.read_text(encoding="utf-8")).substitute(
        title=escape(f"Load run: {results['profile_name']}"),
        marks=(label if results["simulated"] else "") + (broken_off if results["interrupted"] else ""),
        description=escape(results["profile"]["description"]),
        headline=_headline(results["targets"]),
        latencies=_latencies(results["targets"]),
        comparison=_comparison(results["targets"]),
        stages=_stages(results["targets"]),
        kinds=_kinds(results["targets"]),
        idle=_idle(results.get("idle")),
        ends="".join(_counts(name, found) for name, found in results["targets"].items()),
        plots="".join(f"<figure>{drawn}</figure>" for drawn in _plots(results, rows)),
        scraped=_scraped(results["scraped"]),
        profile=escape(json.dumps(results["profile"], indent=1, ensure_ascii=False)),
    )


def number(value: float | None, digits: int = 3) -> str:
    """A figure for people; a dash for what is not there."""
    return "-" if value is None else f"{value:.{digits}f}"


def percent(value: float | None) -> str:
    """A share for people."""
    return "-" if value is None else f"{value:.1%}"


def _headline(targets: Mapping[str, Any]) -> str:
    head = ("target", "requests", "offered/s", "goodput/s", "good", "good of those accepted", "send lag p99 s")
    return _table(
        head,
        (
            (
                name,
                str(found["requests"]),
                number(found["offered_per_second"], 2),
                number(found["goodput_per_second"], 2),
                percent(found["goodput_share"]),
                percent(found["goodput_share_of_accepted"]),
                number(found["send_lag_seconds"]["p99"]),
            )
            for name, found in targets.items()
        ),
    )


def _latencies(targets: Mapping[str, Any]) -> str:
    rows = []
    for name, found in targets.items():
        for measure in (*LATENCIES, "itl_ms", "refused_seconds"):
            quantiles = found[measure]
            rows.append((name, measure, *(number(quantiles[share]) for share in _SHARES)))
    return _table(("target", "from the scheduled arrival", "p50", "p95", "p99"), rows)


def _comparison(targets: Mapping[str, Any]) -> str:
    if len(targets) < 2:
        return ""
    (base, first), *others = targets.items()
    rows = []
    for name, found in others:
        for measure in (*LATENCIES, "itl_ms"):
            for share in ("p50", "p99"):
                under, over = first[measure][share], found[measure][share]
                ratio = over / under if over is not None and under else None
                rows.append((f"{name} over {base}", f"{measure} {share}", number(under), number(over), number(ratio)))
    return "<h2>Compared</h2>" + _table(("", "measure", "first", "other", "ratio"), rows)


def _stages(targets: Mapping[str, Any]) -> str:
    head = ("target", "stage", "requests", "goodput/s", "good", "good of those accepted", "refused", "refused p99 s")
    rows = [
        (
            name,
            stage,
            str(found["requests"]),
            number(found["goodput_per_second"], 2),
            percent(found["goodput_share"]),
            percent(found["goodput_share_of_accepted"]),
            str(found["ends"].get(End.REFUSED.value, 0)),
            number(found["refused_seconds"]["p99"]),
            number(found["last_miss_seconds_into"], 1),
        )
        for name, target in targets.items()
        for stage, found in target["stages"].items()
    ]
    return _table((*head, "last miss, s into the stage"), rows)


def _kinds(targets: Mapping[str, Any]) -> str:
    head = ("target", "kind", "requests", "goodput/s", "good")
    spans = ("overhead ms p50", "p95", "p99", "e2e s p50", "p95", "p99")
    rows = [
        (
            name,
            kind,
            str(found["requests"]),
            number(found["goodput_per_second"], 2),
            percent(found["goodput_share"]),
            *(number(found[measure][share], 2) for measure in ("overhead_ms", "e2e_seconds") for share in _SHARES),
        )
        for name, target in targets.items()
        for kind, found in target["kinds"].items()
    ]
    return _table((*head, *spans), rows)


def _idle(idle: Mapping[str, Mapping[str, float]] | None) -> str:
    """What the gateway held idle before and after, of runs that look at it."""
    if idle is None:
        return ""
    rows = [
        (name, *(f"{state[name]:g}" for state in (idle["before"], idle["after"])), f"{difference:+g}")
        for name, difference in idle["difference"].items()
    ]
    return "<h2>Idle before and after</h2>" + _table(("", "before", "after", "difference"), rows)


def _counts(name: str, found: Mapping[str, Any]) -> str:
    rows = [
        (what, value, str(count))
        for what, counts in (("end", found["ends"]), ("outcome", found["outcomes"]), ("reason", found["reasons"]))
        for value, count in counts.items()
    ]
    return f"<h3>{escape(name)}</h3>" + _table(("", "", "requests"), rows)


def _plots(results: Mapping[str, Any], rows: Sequence[Row]) -> Iterable[str]:
    by_target = {name: [row for row in rows if row.target == name] for name in results["targets"]}
    served = {name: [row for row in own if row.end is End.OK] for name, own in by_target.items()}
    for measure in ("first_answer_seconds", "e2e_seconds"):
        values = {
            name: [value for row in own if (value := LATENCIES[measure](row)) is not None]
            for name, own in served.items()
        }
        series = [Series(name, cumulative(found)) for name, found in values.items() if found]
        yield plot(f"{measure}: share of requests", "seconds from the scheduled arrival", "%", series)
    times = [Series(name, [(row.scheduled, row.e2e) for row in own]) for name, own in served.items()]
    yield plot("Each answer", "scheduled, seconds from the start", "e2e seconds", times, "points")
    width = results["profile_seconds"] / _WINDOWS
    slo = Slo.model_validate(results["profile"]["slo"])
    good = [Series(name, _rate([row for row in own if row.keeps(slo)], width)) for name, own in by_target.items()]
    yield plot("Goodput", "scheduled, seconds from the start", "per second", good)
    ends = []
    for name, own in by_target.items():
        for end in sorted({row.end for row in own}):
            ends.append(Series(f"{name}: {end.value}", _rate([row for row in own if row.end is end], width)))
    yield plot("Requests by end", "scheduled, seconds from the start", "per second", ends)
    for source, series in results["series"].items():
        for name, points in series.items():
            yield plot(f"{source}: {name}", "seconds from the start", "", [Series(name, points)])


def _rate(rows: Sequence[Row], width: float) -> list[tuple[float, float]]:
    counts = [0] * _WINDOWS
    for row in rows:
        counts[min(int(row.scheduled / width), _WINDOWS - 1)] += 1
    return [((place + 0.5) * width, count / width) for place, count in enumerate(counts)]


def _scraped(scraped: Mapping[str, Mapping[str, Any]]) -> str:
    head = ("source", "series", "first", "last", "least", "greatest", "mean", "slope an hour", "95% from", "to")
    rows = []
    for source, found in scraped.items():
        rows.append((source, "scrapes missed", str(found["missed"]), *[""] * (len(head) - 3)))
        for name, values in found.items():
            if name != "missed":
                rows.append(
                    (source, name, *(f"{value:.6g}" if value is not None else "-" for value in values.values()))
                )
    return _table(head, rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{escape(cell)}</th>' for cell in head)}</tr>{body}</table>"
