"""Makes the scorer that a run's block ``judging`` names, and keeps counterparts that gave way in a file of their own.

Invariant: the file of counterparts is never changed; what gave way is a line in ``refreshed``, where the last counts.
"""

from pathlib import Path

from training.data.counterparts import CounterpartRow
from training.judges.comparisons import EngineComparisonJudge
from training.judges.criteria import EngineCriterionJudge
from training.judges.scores import EngineScoreJudge
from training.methods.counterparts import Counterpart, Counterparts
from training.runs.files import append, json_line, keep_lines, read_lines
from training.trl_adapter.counterpart_store import CounterpartStore, load_counterparts
from training.trl_adapter.scorers import AbsoluteScorer, ComparisonScorer, GroupScorer, RubricScorer
from training.verl_adapter.settings import Judging


class RefreshedCounterparts(CounterpartStore):
    """Counterparts as a file has them, over which ``log`` holds one line for each prompt whose counterparts changed.

    A run that is resumed has those of its end, which may be later than the checkpoint it goes on from.
    """

    def __init__(self, source: CounterpartStore, log: Path) -> None:
        self._source, self._log = source, log
        keep_lines(log, lambda _: True)
        super().__init__({row.prompt_id: row for row in (_counterparts(line) for line, _ in read_lines(log))})

    def of(self, prompt_id: str) -> Counterparts:
        """Return a prompt's counterparts. Raises ``KeyError`` where it has none."""
        return self._rows[prompt_id] if prompt_id in self._rows else self._source.of(prompt_id)

    def put(self, counterparts: Counterparts) -> None:
        """Take the place of what the same prompt had. Raises ``RunError`` where the log cannot be written."""
        answers = [{"label": c.label, "answer": c.answer, "refreshes": c.refreshes} for c in counterparts.answers_C]
        row = {"prompt_id": counterparts.prompt_id, "counterparts": answers}
        append(self._log, json_line(row, self._log))
        super().put(counterparts)


def build_scorer(judging: Judging) -> GroupScorer:
    """Return the scorer of a run. Raises ``RunError`` for a file of counterparts that cannot be read."""
    if judging.method == "grpo":
        return RubricScorer(EngineCriterionJudge(judging.judge))
    if judging.method == "absolute":
        return AbsoluteScorer(EngineScoreJudge(judging.judge))
    store = None if judging.counterparts is None else load_counterparts(judging.counterparts)
    if store is not None and judging.refreshed is not None:
        judging.refreshed.parent.mkdir(parents=True, exist_ok=True)
        store = RefreshedCounterparts(store, judging.refreshed)
    return ComparisonScorer(
        EngineComparisonJudge(judging.judge), store, judging.half_ties, refresh=judging.refreshed is not None
    )


def _counterparts(line: bytes) -> Counterparts:
    row = CounterpartRow.model_validate_json(line)
    return Counterparts(row.prompt_id, tuple(Counterpart(c.label, c.answer, c.refreshes) for c in row.counterparts))
