"""Rows are what a log holds: every scored sample once, in the dataset's order, unscored values as None."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessage, ChatMessageUser, ContentImage, ContentText, get_model
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from training.evaluation.rows import ANSWER, SCORER, Answered, read_rows, score_metadata

PICTURE = "data:image/png;base64,iVBORw0KGgo="


@solver
def answering() -> Solver:
    async def solve(state: TaskState, generate: Generate) -> TaskState:
        if state.sample_id == "broken":
            raise ValueError("the target refused")
        state.metadata[ANSWER] = asdict(Answered("Rest.", 100, 60, 20, 1.5, 2, {"outcome": "revised"}, {"n": 1}))
        return state

    return solve


@scorer(metrics={"*": [mean()]}, name=SCORER)
def scoring() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        unread = state.sample_id == "unread"
        verdicts: list[dict[str, Any]] = [{"criterion": "Says when", "met": None if unread else True, "raw": "?"}]
        told = score_metadata(verdicts, asked=1, unscored=int(unread), cluster="c" if unread else None)
        return Score(value={"score": math.nan if unread else 0.5, "axis:accuracy": 1.0}, metadata=told)

    return score


@pytest.fixture
def log(inspect_home: Path) -> Path:
    shown = [ContentText(text="What is this?"), ContentImage(image=PICTURE)]
    pictured: list[ChatMessage] = [ChatMessageUser(content=shown)]
    samples = [
        Sample(id="z", input="First?", metadata={"tag": "t"}),
        Sample(id="broken", input="Second?"),
        Sample(id="unread", input=pictured),
        Sample(id="a", input="Last?"),
    ]
    task = Task(dataset=samples, solver=answering(), scorer=scoring(), fail_on_error=False)
    [done] = eval(task, model=get_model("mockllm/m"), log_dir=str(inspect_home), display="none")
    return Path(done.location)


def test_every_scored_sample_is_a_row_in_the_datasets_order(log: Path) -> None:
    first, unread, last = read_rows(log)
    assert [row.id for row in (first, unread, last)] == ["z", "unread", "a"], "one that ended in an error is none"
    assert (first.score, first.values["axis:accuracy"], first.cluster) == (0.5, 1.0, "z")
    assert (unread.score, unread.unscored, unread.cluster) == (None, 1, "c")
    assert first.verdicts[0]["met"] is True
    assert first.metadata == {"tag": "t"}
    assert unread.question == "user: What is this?\n[image]"


def test_what_an_answer_cost_comes_back(log: Path) -> None:
    answered = next(read_rows(log)).answered
    assert (answered.tokens, answered.computed_tokens, answered.calls, answered.seconds) == (120, 60, 2, 1.5)
    assert (answered.trace, answered.extra) == ({"outcome": "revised"}, {"n": 1})


def test_of_a_sample_written_twice_the_later_counts(log: Path) -> None:
    def later(sample: dict[str, Any]) -> dict[str, Any]:
        sample["scores"][SCORER]["value"]["score"] = 0.75
        return sample

    rewrite(log, "samples/z_epoch_1.json", later)
    rows = list(read_rows(log))
    assert [row.id for row in rows] == ["z", "unread", "a"]
    assert rows[0].score == 0.75


def rewrite(log: Path, name: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    with ZipFile(log) as archive:
        sample = json.loads(archive.read(name))
    with ZipFile(log, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(name, json.dumps(change(sample)))
