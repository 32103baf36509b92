"""What a change would take from an answer: emergency advice, doses, medicines, or the sense in which they were meant.

Invariant: pure. A criterion excuses only what it names: emergency advice, crisis lines, maximum doses and warnings of
medicines stay even where a fault is struck out, unless they are the fault.
"""

from dataclasses import dataclass
from functools import cached_property

from service.revision.advice import Advice, advice, names_care
from service.revision.contradictions import (
    dismisses_care,
    exchanged,
    forbids_call,
    higher_limits,
    removes_bounds,
    stopped_drugs,
)
from service.revision.drug_advice import drug_advice, maximum_doses, named_drugs, names_maximum
from service.revision.emergencies import Kind, mentions
from service.revision.facts import Quantity, drugs, quantities
from service.revision.rubric import Criterion
from service.revision.words import cased_words, word_set

_FAULTS_OF_LACK = word_set(
    "not no never fails fail failing omits omitting omit forgets misses lacks lacking lack neglects ignores",
    "delays delaying delay discourages discouraging downplays dismisses refuses instead rather without before",
    "wait waiting against although though despite when where while if needing needs doesnt dont",
)
_CARE = frozenset([Kind.HELP, Kind.CARE_SOON, Kind.URGENCY])
_PLACES = word_set("hospital hospitals er ed")


@dataclass(frozen=True)
class Change:
    """One change for one criterion: ``old`` becomes ``new`` (either may be empty) and ``answer`` is what results.

    ``others`` are the texts around it, or those of the draft where ``new`` is a whole answer (``is_whole``); ``before``
    is the unit after which a text is inserted, or empty.
    """

    old: str
    new: str
    answer: str
    criterion: Criterion
    others: tuple[str, ...] = ()
    before: str = ""
    is_whole: bool = False

    def loses_emergency(self) -> bool:
        """Say whether a kind of emergency help is no longer sent to, or only under a condition that was not set."""
        was = self._was
        if not was.kinds:
            return False
        now = self._now
        lost = was.kinds - now.kinds
        if Kind.CARE_SOON in now.kinds:
            lost -= {Kind.HELP}
        if Kind.HELP in now.kinds or (Kind.URGENCY in now.kinds and names_care(self.new)):
            lost -= {Kind.CARE_SOON}
        if now.kinds:
            lost -= {Kind.URGENCY}
        if not self.is_whole and was.is_plain and now.is_conditional and not now.is_soon:
            lost |= {Kind.HELP}
        return bool(lost - self._excused_kinds)

    def reverses_advice(self) -> bool:
        """Say whether the new text takes back emergency advice, turns advice on a medicine round, or contradicts it."""
        return bool(self.new) and (
            self._takes_back_emergency() or self._turns_drug_round() or self._turns_from_care() or self._contradicts()
        )

    def loses_number(self) -> bool:
        """Say whether a number goes; a fault may take any number along but a maximum dose."""
        named = quantities(self.criterion.text)
        units = {quantity.unit for quantity in named if quantity.unit}

        def unexcused(gone: frozenset[Quantity]) -> set[Quantity]:
            return {quantity for quantity in gone - named if quantity.unit not in units}

        maxima = unexcused(maximum_doses(self.old) - maximum_doses(self.new))
        if maxima and not self._names_maximum() and maxima - maximum_doses(self.answer):
            return True
        if self.criterion.points < 0 or not self.old:
            return not self.is_whole and exchanged(self.old, self.new, self.criterion.text)
        gone = unexcused(quantities(self.old) - quantities(self.new))
        return bool(gone and gone - quantities(self.answer))

    def loses_drug(self) -> bool:
        """Say whether a medicine, or a warning of it, goes; a fault may take along medicines it does not warn of."""
        warned = drug_advice(self.old).against - drug_advice(self.new).against - drugs(self.new)
        if warned and not self._names_a_drug_of_old and warned - drug_advice(self.answer).against:
            return True
        if self.criterion.points < 0 or not self.old:
            return False
        if not self.is_whole and exchanged(self.old, self.new, self.criterion.text):
            return True
        gone = drugs(self.old) - drugs(self.new) - drugs(self.criterion.text)
        return bool(gone and gone - drugs(self.answer))

    def _takes_back_emergency(self) -> bool:
        was, now = self._was, self._now
        if not now.weakens or was.weakens or self._excused_kinds:
            return False
        if not self.is_whole and was.kinds and (now.takes_back or was.is_plain):
            return True
        if now.takes_back and advice(self.before).kinds:
            return True
        return any(advice(text).is_plain for text in self.others)

    def _turns_drug_round(self) -> bool:
        was, now = drug_advice(self.old), drug_advice(self.new)
        let_go = (was.against & now.offered) - now.against
        forbidden = (was.offered & now.against) - now.offered - was.against
        if self.criterion.points < 0:
            forbidden = frozenset()
        turned = let_go | forbidden
        return bool(turned - named_drugs(self.criterion.text, turned))

    def _turns_from_care(self) -> bool:
        """Say whether the reader is told not to heed or call those who help; a draft that says so may go on."""
        if dismisses_care(self.new) and not dismisses_care(self.old):
            return True
        return forbids_call(self.new) and not forbids_call(self.old) and not self._excused_kinds

    def _contradicts(self) -> bool:
        """Say whether the new text unsays what is said of medicines around it; a whole answer has nothing around it."""
        if removes_bounds(self.old, self.new) and not removes_bounds(self.old, self.old):
            return True
        if self.is_whole:
            return False
        around = drug_advice(" ".join(self.others))
        named = named_drugs(self.criterion.text, around.against | around.offered)
        offered = (drug_advice(self.new).offered & around.against) - around.offered - drug_advice(self.old).offered
        if (offered | (stopped_drugs(self.new) & around.offered)) - named:
            return True
        return bool(higher_limits(self.new, (self.old, *self.others))) and not self._names_maximum()

    @cached_property
    def _was(self) -> Advice:
        return advice(self.old)

    @cached_property
    def _now(self) -> Advice:
        return advice(self.new)

    @cached_property
    def _excused_kinds(self) -> frozenset[Kind]:
        """Kinds that a fault names as what is wrong; a fault of sending nobody there excuses nothing."""
        if self.criterion.points >= 0:
            return frozenset()
        cased = cased_words(self.criterion.text)
        words = [word.lower() for word in cased]
        named = [(mention.start, mention.kind) for mention in mentions(cased)]
        named += [(at, Kind.HELP) for at, word in enumerate(words) if word in _PLACES]
        kinds = {kind for at, kind in named if _FAULTS_OF_LACK.isdisjoint(words[:at])}
        if kinds & {Kind.HELP, Kind.CARE_SOON}:
            kinds |= _CARE
        return frozenset(kinds)

    @property
    def _names_a_drug_of_old(self) -> bool:
        """Say whether the criterion names any medicine of the old text: then the whole sentence is in question."""
        return bool(named_drugs(self.criterion.text, drugs(self.old)))

    def _names_maximum(self) -> bool:
        return names_maximum(self.criterion.text) or (self.criterion.points < 0 and self._names_a_drug_of_old)
