"""Runs made for tests: inspect's own logs of answers, costs and verdicts that are handed in."""

import gc
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from inspect_ai import Task, eval
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.log import EvalLog
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver

from training.evaluation.pooled import Pooled, mean_of
from training.evaluation.rows import ANSWER, SCORER, Answered, Row, score_metadata

AXES = ("axis:completeness", "axis:communication_quality")


@dataclass(frozen=True)
class Made:
    """One sample as it shall stand in a log; ``error`` is what its solver raises."""

    id: str
    values: Mapping[str, float]
    text: str = "An answer."
    question: str = "A question?"
    tokens: int = 100
    seconds: float = 1.0
    verdicts: Sequence[Mapping[str, Any]] = ()
    trace: Mapping[str, Any] | None = None
    cluster: str | None = None
    error: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sample(self) -> Sample:
        return Sample(id=self.id, input=self.question, metadata={**self.metadata, "made": asdict(self)})


def figures(rows: Sequence[Row]) -> dict[str, Pooled]:
    """The mean score and the mean of each axis."""
    return {name: mean_of([row.values.get(name) for row in rows]) for name in ("score", *AXES)}


FIGURES = {"healthbench": figures, "mlb": figures}


@solver
def as_made() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        made = state.metadata.pop("made")
        if made["error"] is not None:
            raise RuntimeError(made["error"])
        answered = Answered(
            made["text"],
            made["tokens"] - 10,
            0,
            10,
            made["seconds"],
            1 + (made["trace"] is not None),
            made["trace"],
            {},
        )
        state.metadata[ANSWER] = asdict(answered)
        state.store.set("made", made)
        state.output = ModelOutput.from_content("mockllm/model", made["text"])
        return state

    return solve


@scorer(metrics={"*": [mean(), stderr()]}, name=SCORER)
def as_made_scored() -> Scorer:
    async def scored(state: TaskState, target: Target) -> Score:
        made = state.store.get("made")
        verdicts = made["verdicts"]
        unread = sum(verdict["met"] is None for verdict in verdicts)
        metadata = score_metadata(verdicts, asked=len(verdicts), unscored=unread, cluster=made["cluster"])
        return Score(value=dict(made["values"]), metadata=metadata)

    return scored


def logged(run: Path, benchmark: str, arm: str, samples: Sequence[Made], *, epochs: int = 1, **told: Any) -> EvalLog:
    """Evaluate into the run's folder, and give it a configuration where it has none."""
    run.mkdir(parents=True, exist_ok=True)
    config = {"config": {"seed": 0}, "revision": "abc123", "packages": {"vllm": "0.32.0"}}
    (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
    metadata = {"benchmark": benchmark, "arm": arm, "target": "toy", "judge": "exact", "world": "miniclinic"} | told
    task = Task(
        name=f"{benchmark}-{arm}",
        dataset=MemoryDataset([made.sample for made in samples], name=benchmark),
        solver=as_made(),
        scorer=as_made_scored(),
        metadata=metadata,
        epochs=epochs,
    )
    with warnings.catch_warnings():
        # Inspect leaves streams for the garbage collector to close, which says so.
        warnings.filterwarnings("ignore", "Unclosed", ResourceWarning)
        [log] = eval(
            task,
            model="mockllm/model",
            log_dir=str(run / "logs" / f"{benchmark}-{arm}"),
            display="none",
            fail_on_error=False,
            log_realtime=False,
            score_display=False,
        )
        gc.collect()
    return log
