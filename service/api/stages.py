"""The stages of the loop as text, for clients that show a model's reasoning.

Invariant: nothing is told once the answer has begun, since clients show reasoning before it; the trace has the rest.
"""

from principles.corpus import Corpus
from service.revision.events import (
    AnswerDelta,
    DraftDelta,
    EditDecided,
    Event,
    PrinciplesFound,
    RubricWritten,
    VerdictGiven,
)
from service.revision.rubric import Criterion
from service.revision.trace import EditRecord, Verdict


class StageText:
    """Turns events into the reasoning text of one answer."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._criteria: tuple[Criterion, ...] = ()
        self._section = ""
        self._held = ""
        self._answering = False

    def tell(self, event: Event) -> str:
        """The text that this event adds, empty where it adds none."""
        if self._answering:
            return ""
        if isinstance(event, AnswerDelta):
            self._answering = True
            return self._released()
        match event:
            case DraftDelta(text):
                return self._under("Draft", text)
            case PrinciplesFound(scenario, principles):
                titles = (f"- {id_} ({near:.2f}) {self._corpus.by_id(id_).title}\n" for id_, near in principles)
                return self._beside("Principles", f"{', '.join(scenario.values())}\n{''.join(titles)}")
            case RubricWritten(criteria):
                self._criteria = criteria
                listed = (f"{number}. ({c.points:+d}) {c.text}\n" for number, c in enumerate(criteria, start=1))
                return self._beside("Criteria", "".join(listed))
            case VerdictGiven(verdict, check):
                return self._released() + self._under("Checks" if check else "Verdicts", self._verdict(verdict))
            case EditDecided(record):
                return self._released() + self._under("Edits", _edit(record))
        return ""

    def _beside(self, section: str, text: str) -> str:
        """Hold back what arrives in the middle of a draft."""
        if self._section != "Draft" and not self._held:
            return self._under(section, text)
        self._held += f"\n\n{section}:\n{text}"
        return ""

    def _released(self) -> str:
        held, self._held = self._held, ""
        if held:
            self._section = "held"
        return held

    def _under(self, section: str, text: str) -> str:
        if section == self._section:
            return text
        gap = "\n\n" if self._section else ""
        self._section = section
        return f"{gap}{section}:\n{text}"

    def _verdict(self, verdict: Verdict) -> str:
        if verdict.met is None:
            return f"{verdict.criterion + 1}. unscored\n"
        satisfied = self._criteria[verdict.criterion].satisfied_by(verdict.met)
        sure = "" if verdict.probability is None else f" (P {verdict.probability:.2f})"
        return f"{verdict.criterion + 1}. {'satisfied' if satisfied else 'not satisfied'}{sure}\n"


def _edit(record: EditRecord) -> str:
    edit = record.edit
    what = "no edit" if edit is None else f"{edit.operation} {edit.number} {edit.text}".rstrip()
    return f"- {what}{'' if record.refused is None else f' (refused: {record.refused})'}\n"
