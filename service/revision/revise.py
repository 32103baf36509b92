"""The edit stage: for every unsatisfied criterion one edit, written, guarded and checked in parallel.

Our choice, instead of one call for all edits: each call continues the branch that judged its criterion, so the prefix
cache holds all but the numbered draft, and the stage takes as long as its longest edit, not as their sum.
Invariant: an edit is kept only if the guard is silent and its criterion, judged on the edited answer, is satisfied.
"""

import asyncio
import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import get_args

from models.engine import EngineError
from service.revision.critique import judge, satisfied
from service.revision.edits import Edit, EditFailure, Operation, apply_edits, conflicts, edit_schema, parse_edit
from service.revision.events import EditDecided
from service.revision.failure import Reason, StageFailure
from service.revision.guard import Refusal, fitted, refusal
from service.revision.release import Release
from service.revision.run import Run
from service.revision.sentences import numbered, split
from service.revision.trace import EditRecord, Verdict

_OPERATIONS: dict[str, Operation] = {operation: operation for operation in get_args(Operation)}
_PLACE = re.compile(r'\s*\{\s*"(insert_after|replace|delete)"\s*:\s*(\d{1,9})\s*[,}]')


@dataclass(frozen=True, slots=True)
class Edited:
    """What became of an answer. ``checks`` holds the verdicts that the kept edits were kept for."""

    answer: str
    records: tuple[EditRecord, ...]
    checks: tuple[Verdict, ...]
    cut_short: Reason | None

    @property
    def kept(self) -> bool:
        """Whether any edit was kept."""
        return any(record.refused is None for record in self.records)

    @property
    def unreadable(self) -> bool:
        """Whether no edit could be read, so that only a rewrite can help."""
        refused = {record.refused for record in self.records}
        return Refusal.UNREADABLE in refused and refused <= {Refusal.UNREADABLE, Refusal.FAILED}


class Editing:
    """The edits to one answer.

    ``protected`` are satisfied criteria on which much hangs: they are judged again where an edit takes words away, in
    that edit's own check and not after all edits, since what has been streamed cannot be taken back (our choice).
    """

    def __init__(
        self, run: Run, answer: str, wrong: Sequence[Verdict], protected: Sequence[int], *, live: bool
    ) -> None:
        self._run = run
        self._answer = answer
        self._wrong = wrong
        self._protected = protected
        self._live = live
        self._units = split(answer)
        self._numbered = numbered(self._units)
        self._release = Release(self._units, [verdict.criterion for verdict in wrong])
        self._accepted: list[Edit] = []
        self._records: dict[int, EditRecord] = {}
        self._checks: list[Verdict] = []
        self._cut_short: Reason | None = None

    async def result(self) -> Edited:
        """Have every edit written and decided; at the deadline what is undecided is refused."""
        try:
            async with self._run.budget.in_time(), asyncio.TaskGroup() as group:
                for verdict in self._wrong:
                    group.create_task(self._one(verdict))
        except StageFailure as failure:
            self._cut_short = failure.reason
        for verdict in self._wrong:
            if verdict.criterion not in self._records:
                self._decide(verdict.criterion, None, Refusal.DEADLINE)
        answer = apply_edits(self._units, self._accepted)
        return Edited(answer, tuple(self._records.values()), tuple(self._checks), self._cut_short)

    async def _one(self, verdict: Verdict) -> None:
        with self._run.step("edit") as step:
            edit, refused = await self._written_and_checked(verdict)
            step.note(criterion=verdict.criterion, edit=refused or "applied")
        self._decide(verdict.criterion, edit, refused)

    async def _written_and_checked(self, verdict: Verdict) -> tuple[Edit | None, Refusal | None]:
        edit: Edit | None = None
        refused: Refusal | None
        try:
            text, tokens = await self._write(verdict)
            edit = fitted(self._units, parse_edit(text, len(self._units)))
            refused = self._refusal(edit, verdict, tokens) or await self._check(edit, verdict, tokens)
        except EditFailure:
            refused = Refusal.UNREADABLE
        except EngineError:
            refused = Refusal.FAILED
        except StageFailure as failure:
            refused = Refusal.BUDGET
            self._cut_short = failure.reason
        return edit, refused

    async def _write(self, verdict: Verdict) -> tuple[str, int]:
        """The edit as the model wrote it, and how many tokens it took."""
        run, text, tokens, placed = self._run, "", 0, False
        criterion = run.trace.criteria[verdict.criterion]
        said = "yes" if verdict.met else "no"
        prompt = run.prompts.edit(run.task.messages, self._answer, criterion.text, said, self._numbered)
        request = run.request(prompt, run.limits.edit_tokens, edit_schema(len(self._units)))
        if not run.task.live:
            written = await run.calls.chat("edit", request)
            return written.text, written.usage.completion_tokens
        async with aclosing(run.calls.stream("edit", request)) as deltas:
            async for delta in deltas:
                text += delta.text
                tokens = delta.usage.completion_tokens if delta.usage else tokens
                if not placed and (place := _place(text)) is not None:
                    placed = True
                    self._release.place(verdict.criterion, *place)
                    self._send()
        return text, tokens

    def _refusal(self, edit: Edit, verdict: Verdict, tokens: int) -> Refusal | None:
        if conflicts(edit, self._accepted):
            return Refusal.CONFLICT
        criterion = self._run.trace.criteria[verdict.criterion]
        return self._out_of_bounds(edit, tokens) or refusal(
            self._units, edit, criterion, self._accepted, self._run.limits.guard
        )

    def _out_of_bounds(self, edit: Edit, tokens: int) -> Refusal | None:
        """Hold the answer to the client's bounds; an edit's tokens are those of its whole call, so that it errs low."""
        room, sampling = self._run.room_tokens, self._run.task.sampling
        if room is not None and edit.operation != "delete" and tokens > room:
            return Refusal.MAX_TOKENS
        if sampling.stop or sampling.bad_words:
            edited = apply_edits(self._units, [*self._accepted, edit])
            if any(edited.count(text) > self._answer.count(text) for text in (*sampling.stop, *sampling.bad_words)):
                return Refusal.STOP
        return None

    async def _check(self, edit: Edit, verdict: Verdict, tokens: int) -> Refusal | None:
        """Judge the answer with this edit; edits accepted meanwhile are guarded against, not judged again."""
        candidate = apply_edits(self._units, [*self._accepted, edit])
        protected = () if edit.operation == "insert_after" else self._protected
        verdicts = await judge(self._run, candidate, [verdict.criterion, *protected], "revision")
        if any(check.met is None for check in verdicts):
            return Refusal.UNSCORED
        if not all(satisfied(self._run, check) for check in verdicts):
            return Refusal.NOT_BETTER
        refused = self._refusal(edit, verdict, tokens)
        if refused is None:
            self._accept(edit, tokens)
            self._checks += verdicts
        return refused

    def _accept(self, edit: Edit, tokens: int) -> None:
        self._accepted.append(edit)
        if self._run.room_tokens is not None and edit.operation != "delete":
            self._run.room_tokens -= tokens

    def _decide(self, criterion: int, edit: Edit | None, refused: Refusal | None) -> None:
        record = EditRecord(criterion, edit, refused)
        self._records[criterion] = record
        self._run.trace.edits.append(record)
        self._run.emit(EditDecided(record))
        self._release.decide(criterion)
        if len(self._records) < len(self._wrong):
            self._send()

    def _send(self) -> None:
        if self._live:
            self._run.send_up_to(self._release.fixed(self._accepted))


def _place(text: str) -> tuple[Operation, int] | None:
    """Read an edit's operation and number from its first tokens."""
    match = _PLACE.match(text)
    return (_OPERATIONS[match.group(1)], int(match.group(2))) if match else None
