"""Owns measuring a search for identifiers on sentences whose identifiers are marked, as in ``I am [name|Ann Lee].``

Invariant: a marked span counts as found only where it is covered whole, whatever kind it is taken for; half a name
found is a miss. The held-out sentences were written after the rules and the rules were not changed for them.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.identifiers import Identifier, IdentifierKind, Recogniser, find_identifiers
from training.data.jsonl import UnreadableFile

HELD_OUT = Path(__file__).with_name("held_out.txt")
TUNING = Path(__file__).with_name("tuning.txt")
_MARK = re.compile(r"\[([a-z0-9_]+)\|([^\]]+)\]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text and the identifiers in it."""

    text: str
    identifiers: tuple[Identifier, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search made of one sentence."""

    sentence: Sentence
    missed: tuple[Identifier, ...]
    false_alarms: tuple[Identifier, ...]
    found: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a search made of all sentences."""

    outcomes: tuple[Outcome, ...]

    def figures(self) -> dict[str, float | int | dict[str, float]]:
        """Recall over marked spans, precision over found spans, and the sentences behind them."""
        marked = Counter(span.kind for row in self.outcomes for span in row.sentence.identifiers)
        missed = Counter(span.kind for row in self.outcomes for span in row.missed)
        found = sum(row.found for row in self.outcomes)
        false_alarms = sum(len(row.false_alarms) for row in self.outcomes)
        clean = [row for row in self.outcomes if not row.sentence.identifiers]
        return {
            "sentences": len(self.outcomes),
            "sentences_without_identifiers": len(clean),
            "marked": marked.total(),
            "missed": missed.total(),
            "found": found,
            "false_alarms": false_alarms,
            "recall": _share(marked.total() - missed.total(), marked.total()),
            "precision": _share(found - false_alarms, found),
            "clean_sentences_with_false_alarms": sum(1 for row in clean if row.false_alarms),
            "recall_by_kind": {str(kind): _share(n - missed[kind], n) for kind, n in sorted(marked.items())},
        }

    def lines(self, *, errors: bool) -> Iterator[str]:
        """The figures for people, and each error in its sentence where asked."""
        for name, value in self.figures().items():
            yield f"{name}: {value}" if isinstance(value, int) else f"{name}: {_shown(value)}"
        for row in self.outcomes if errors else ():
            for word, spans in (("missed", row.missed), ("false alarm", row.false_alarms)):
                for span in spans:
                    yield f"{word}: {span.kind} {row.sentence.text[span.start : span.end]!r} in {row.sentence.text!r}"


def load_sentences(path: Path) -> tuple[Sentence, ...]:
    """Read marked sentences, one a line. Raises ``UnreadableFile`` for an absent file or an unknown kind."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(f"{path}: {error}") from error
    try:
        return tuple(marked_sentence(line) for line in lines if line.strip())
    except ValueError as error:
        raise UnreadableFile(f"{path}: {error}") from error


def marked_sentence(line: str) -> Sentence:
    """Take the marks out of a line; ``\\n`` stands for a line's end. Raises ValueError for a kind that is none."""
    text, spans, at = "", [], 0
    line = line.replace("\\n", "\n")
    for match in _MARK.finditer(line):
        text += line[at : match.start()]
        spans.append(Identifier(len(text), len(text) + len(match[2]), IdentifierKind(match[1])))
        text += match[2]
        at = match.end()
    return Sentence(text + line[at:], tuple(spans))


def measure(sentences: Sequence[Sentence], recognisers: Sequence[Recogniser]) -> Report:
    """Search every sentence and compare with its marks."""
    return Report(tuple(_outcome(sentence, recognisers) for sentence in sentences))


def _outcome(sentence: Sentence, recognisers: Sequence[Recogniser]) -> Outcome:
    found = find_identifiers(sentence.text, recognisers)
    covered = {at for span in found for at in range(span.start, span.end)}
    marked = {at for span in sentence.identifiers for at in range(span.start, span.end)}
    missed = tuple(span for span in sentence.identifiers if not covered.issuperset(range(span.start, span.end)))
    false_alarms = tuple(span for span in found if marked.isdisjoint(range(span.start, span.end)))
    return Outcome(sentence, missed, false_alarms, len(found))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 1.0


def _shown(value: float | dict[str, float]) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{kind} {share:.3f}" for kind, share in value.items())
    return f"{value:.3f}"
