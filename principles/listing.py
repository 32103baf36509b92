"""Owns how a corpus is shown to people and programs: text and JSON for listing, one principle, and a check.

Invariant: it only returns text, never writes it, and keeps the corpus order.
"""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from principles.corpus import Corpus, CorpusError, load_corpus, load_sources
from principles.schema import Applies, Dimension, Polarity, Principle, ReviewStatus

WIDTH = 100


def list_text(corpus: Corpus, dimension: Dimension | None = None) -> str:
    """One line per principle: id, points, title."""
    chosen = _chosen(corpus, dimension)
    width = max((len(principle.id) for principle in chosen), default=0)
    return "".join(f"{p.id:<{width}}  {p.points:+3d}  {p.title}\n" for p in chosen)


def list_json(corpus: Corpus, dimension: Dimension | None = None) -> str:
    """A JSON object with the corpus hash and the principles in full."""
    chosen = [principle.model_dump(mode="json") for principle in _chosen(corpus, dimension)]
    return json.dumps({"sha8": corpus.sha8, "count": len(chosen), "principles": chosen}, indent=2) + "\n"


def show_text(principle: Principle) -> str:
    """One principle in full, with its source spelled out when the key is known."""
    names = {source.key: source.name for source in load_sources()}
    review = principle.review
    reviewed = "" if review.reviewer is None else f" by {review.reviewer}, {review.date}"
    rows = {
        "applies": applies_text(principle.applies),
        "polarity": f"{principle.polarity} ({principle.points:+d})",
        "statement": principle.statement,
        "why": principle.why,
        "basis": names.get(principle.basis, principle.basis),
        "review": f"{review.status}{reviewed}",
    }
    return f"{principle.id}\n{principle.title}\n" + "".join(_row(name, value) for name, value in rows.items())


def show_json(principle: Principle) -> str:
    """One principle as a JSON object."""
    return principle.model_dump_json(indent=2) + "\n"


def applies_text(applies: Applies) -> str:
    """The constrained dimensions, such as "urgency emergent; expertise lay", or "any scenario"."""
    constrained = ((name, values) for name, values in applies if values)
    return "; ".join(f"{name} {'/'.join(values)}" for name, values in constrained) or "any scenario"


def check_text(corpus: Corpus) -> str:
    """Counts per dimension, polarity and review status of a corpus that loaded without a fault."""
    dimensions = _counts((p.dimension for p in corpus.principles), get_args(Dimension))
    polarities = _counts((p.polarity for p in corpus.principles), get_args(Polarity))
    reviews = _counts((p.review.status for p in corpus.principles), get_args(ReviewStatus))
    return (
        f"{len(corpus)} principles, sha8 {corpus.sha8}\n"
        + _row("dimension", dimensions)
        + _row("polarity", polarities)
        + _row("review", reviews)
    )


def check_json(corpus: Corpus) -> str:
    """The same counts as a JSON object; counts of zero are left out."""
    counts = {
        "dimension": Counter(p.dimension for p in corpus.principles),
        "polarity": Counter(p.polarity for p in corpus.principles),
        "review": Counter(p.review.status for p in corpus.principles),
    }
    return json.dumps({"valid": True, "count": len(corpus), "sha8": corpus.sha8, **counts}, indent=2) + "\n"


def faults_json(error: CorpusError) -> str:
    """The faults of a corpus that did not load, as a JSON object."""
    return json.dumps({"valid": False, "faults": list(error.faults)}, indent=2) + "\n"


def check(path: Path | None = None, *, as_json: bool = False) -> tuple[bool, str]:
    """Load the corpus at `path` (the project's own without one): whether it is valid, and the report to show."""
    try:
        corpus = load_corpus(path)
    except CorpusError as error:
        return False, faults_json(error) if as_json else f"{error}\nfaults: {len(error.faults)}\n"
    return True, check_json(corpus) if as_json else check_text(corpus)


def _chosen(corpus: Corpus, dimension: Dimension | None) -> list[Principle]:
    return [principle for principle in corpus.principles if dimension in (None, principle.dimension)]


def _counts(names: Iterable[str], order: tuple[str, ...]) -> str:
    counter = Counter(names)
    return ", ".join(f"{name} {counter[name]}" for name in order)


def _row(name: str, value: str) -> str:
    label = f"  {name:<10} "
    return textwrap.fill(value, WIDTH, initial_indent=label, subsequent_indent=" " * len(label)) + "\n"
