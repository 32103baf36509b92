"""Rounds of critique and revision on one draft, and the outcome that they come to.

Invariant: the answer is the draft, or the draft with kept edits only, or a rewrite judged better; never anything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from service.revision.budget import Level
from service.revision.critique import is_severe, judge, satisfied, unsatisfied
from service.revision.edits import MAX_EDITED_CHARS, is_editable
from service.revision.failure import Reason, StageFailure
from service.revision.guard import Refusal
from service.revision.revise import Edited, Editing
from service.revision.rewrite import rewrite
from service.revision.run import Run
from service.revision.sentences import split
from service.revision.trace import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Ending:
    """The final answer, how the loop came to it, and what cut it short, if anything did."""

    answer: str
    outcome: Outcome
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class _Round:
    """One round's result. ``outcome`` is accepted, revised, rewritten or kept_draft."""

    answer: str
    outcome: Outcome
    severe_open: bool = False
    reason: Reason | None = None


async def guided(run: Run) -> Ending:
    """Criticise the draft and revise it. Raises ``StageFailure`` where nothing could be judged or written."""
    ending = Ending(run.trace.draft, Outcome.KEPT_DRAFT)
    last = run.task.options.rounds
    for number in range(1, last + 1):
        try:
            done = await _round(run, ending.answer, first=number == 1, last=number == last)
        except StageFailure as failure:
            if number == 1:
                raise
            return Ending(ending.answer, ending.outcome, failure.reason)
        run.trace.rounds = number
        ending = _ending(ending, done, first=number == 1)
        kept = done.outcome in (Outcome.REVISED, Outcome.REWRITTEN)
        if number == last and last > 1 and done.severe_open:
            return Ending(ending.answer, Outcome.ROUND_LIMIT, ending.reason)
        if not (kept and done.severe_open and ending.reason is None):
            break
    return ending


def _ending(before: Ending, done: _Round, *, first: bool) -> Ending:
    if first or done.outcome in (Outcome.REVISED, Outcome.REWRITTEN):
        return Ending(done.answer, done.outcome, done.reason)
    return Ending(before.answer, before.outcome, done.reason)


async def _round(run: Run, answer: str, *, first: bool, last: bool) -> _Round:
    verdicts = await _criticise(run, answer, first=first)
    wrong = [verdict for verdict in verdicts if unsatisfied(run, verdict)]
    if not wrong:
        unscored = any(verdict.met is None for verdict in verdicts)
        return _Round(answer, Outcome.ACCEPTED, reason=Reason.VERDICTS_PARTLY_UNSCORED if unscored else None)
    run.budget.require(Level.GUIDED, Reason.DEADLINE_GATED)
    if len(answer) > MAX_EDITED_CHARS or not is_editable(split(answer)):
        raise StageFailure(Reason.DRAFT_TOO_LONG)
    with run.timed("edits"):
        edited = await Editing(run, answer, wrong, _protected(run, verdicts), live=last).result()
        if edited.unreadable and not run.sent:
            return await _rewritten(run, answer, verdicts)
    _note(run, edited.checks)
    fixed = {record.criterion for record in edited.records if record.refused is None}
    severe_open = any(is_severe(run, verdict) and verdict.criterion not in fixed for verdict in wrong)
    if not edited.kept:
        _raise_if_failed(edited)
        unscored = any(record.refused is Refusal.UNSCORED for record in edited.records)
        reason = edited.cut_short or (Reason.CHECKS_UNSCORED if unscored else None)
        return _Round(answer, Outcome.KEPT_DRAFT, severe_open, reason)
    return _Round(edited.answer, Outcome.REVISED, severe_open, edited.cut_short)


async def _criticise(run: Run, answer: str, *, first: bool) -> list[Verdict]:
    run.budget.require(Level.GATED)
    everything = range(len(run.trace.criteria))
    with run.timed("verdicts"):
        async with run.budget.in_time():
            verdicts = await judge(run, answer, everything, "draft" if first else "revision")
    if first:
        run.trace.before = verdicts
    else:
        _note(run, verdicts)
    if all(verdict.met is None for verdict in verdicts):
        raise StageFailure(Reason.VERDICTS_UNSCORED)
    return verdicts


async def _rewritten(run: Run, answer: str, verdicts: Sequence[Verdict]) -> _Round:
    async with run.budget.in_time():
        done = await rewrite(run, answer, verdicts)
    severe = [verdict.criterion for verdict in verdicts if is_severe(run, verdict) and unsatisfied(run, verdict)]
    if isinstance(done, Refusal):
        return _Round(answer, Outcome.KEPT_DRAFT, bool(severe), Reason.REWRITE_REFUSED)
    text, checks = done
    _note(run, checks)
    right = {check.criterion for check in checks if satisfied(run, check)}
    return _Round(text, Outcome.REWRITTEN, not right.issuperset(severe))


def _protected(run: Run, verdicts: Sequence[Verdict]) -> list[int]:
    return [verdict.criterion for verdict in verdicts if satisfied(run, verdict) and is_severe(run, verdict)]


def _note(run: Run, verdicts: Sequence[Verdict]) -> None:
    """Keep the newest verdict on each criterion of a revised answer."""
    newest = {verdict.criterion: verdict for verdict in [*run.trace.after, *verdicts]}
    run.trace.after = [newest[criterion] for criterion in sorted(newest)]


def _raise_if_failed(edited: Edited) -> None:
    """Nothing was kept: tell a failure from edits that were written and found wanting."""
    refused = {record.refused for record in edited.records}
    if refused <= {Refusal.DEADLINE, Refusal.BUDGET} and edited.cut_short is not None:
        raise StageFailure(edited.cut_short)
    if refused <= {Refusal.FAILED, Refusal.DEADLINE, Refusal.BUDGET, Refusal.UNSCORED}:
        raise StageFailure(Reason.CHECKS_UNSCORED if Refusal.UNSCORED in refused else Reason.EDITS_FAILED)
