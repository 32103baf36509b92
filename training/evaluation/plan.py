"""From a recipe to inspect's tasks: one for each benchmark and arm, with the data read and the solver bound.

Invariant: a task's name and what it says of itself follow from the recipe alone, so that a run that is gone on with
finds its logs.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, assert_never

from inspect_ai import Task
from inspect_ai.solver import Solver, TaskState

from training.evaluation.arms.asked import Target
from training.evaluation.arms.solver import ArmDoctor, answering, key_of
from training.evaluation.consultations import load as consultation_files
from training.evaluation.consultations import miniclinic as consultation_world
from training.evaluation.consultations.consultation import Consultation
from training.evaluation.consultations.counterparts import Counterparts, read_counterparts
from training.evaluation.consultations.dialogue import Doctor, consulting
from training.evaluation.consultations.meddiagnose import load_meddiagnose
from training.evaluation.consultations.task import consultation_task
from training.evaluation.healthbench import miniclinic as healthbench_world
from training.evaluation.healthbench.meta_task import load_labels, meta_task
from training.evaluation.healthbench.task import healthbench_task, load
from training.evaluation.mlb import miniclinic as mlb_world
from training.evaluation.mlb.load import Example, read_datasets
from training.evaluation.mlb.task import mlb_task
from training.evaluation.recipe import (
    MINICLINIC,
    MLB,
    AnyBenchmark,
    ArmName,
    Consultations,
    Evaluation,
    HealthBench,
    HealthBenchMeta,
    JudgeSettings,
    ModelJudge,
)
from training.evaluation.run import Planned
from training.miniclinic.knowledge import load_knowledge

FIXTURES = "fixtures"
PUBLISHED = "published"
JUDGE_ALONE = "judge"
"""The arm of a task that asks nobody but the judge."""
_MINICLINIC_CASES = 100
_SEARCHED = 20
"""Cases looked at for each that a patient can play, about one in six."""
MakeTask = Callable[[ArmName, dict[str, Any]], Task]


def planned_tasks(recipe: Evaluation, target: Target, told_target: str) -> list[Planned]:
    """Read the data and make the tasks, benchmark by benchmark. Raises what reading them raises."""
    return [task for benchmark in recipe.benchmarks for task in _of_benchmark(recipe, benchmark, target, told_target)]


def _of_benchmark(recipe: Evaluation, benchmark: AnyBenchmark, target: Target, told_target: str) -> list[Planned]:
    told = {
        "benchmark": benchmark.name,
        "target": told_target,
        "judge": _judge_name(recipe.judge),
        "world": benchmark.data if benchmark.data in (MINICLINIC, FIXTURES) else PUBLISHED,
        "notes": list(recipe.notes),
    }
    if isinstance(benchmark, HealthBenchMeta):
        return [_planned(_meta(recipe, benchmark, told | {"arm": JUDGE_ALONE}), benchmark.epochs)]
    make = _maker(recipe, benchmark, target)
    tasks = [make(arm, told | {"arm": arm}) for arm in recipe.arms_of(benchmark)]
    return [_planned(task, benchmark.epochs) for task in tasks]


def _planned(task: Task, epochs: int) -> Planned:
    task.epochs = epochs
    task.metadata = {**(task.metadata or {}), "data": _digest(task)}
    return Planned(task.name, task, len(task.dataset) * epochs)


def _digest(task: Task) -> str:
    """Tell two sets of samples apart, by what is asked and what it is scored by."""
    digest = hashlib.sha256()
    for sample in task.dataset:
        asked = sample.input if isinstance(sample.input, str) else [[one.role, one.text] for one in sample.input]
        digest.update(json.dumps([sample.id, asked, sample.target, sample.metadata], sort_keys=True).encode())
    return digest.hexdigest()[:16]


def _maker(recipe: Evaluation, benchmark: HealthBench | MLB | Consultations, target: Target) -> MakeTask:
    match benchmark:
        case HealthBench():
            return _healthbench(recipe, benchmark, target)
        case MLB():
            return _mlb(benchmark, target)
        case Consultations():
            return _consultations(benchmark, target)
        case _:
            assert_never(benchmark)


def _healthbench(recipe: Evaluation, benchmark: HealthBench, target: Target) -> MakeTask:
    if benchmark.data == MINICLINIC:
        make = healthbench_world.consensus_rows if benchmark.subset == "consensus" else healthbench_world.full_rows
        rows = make(load_knowledge(), _seeds(benchmark))
    else:
        rows = load(Path(benchmark.data), benchmark.subset)[: benchmark.n]
    return lambda arm, told: healthbench_task(
        rows,
        answering(arm, target),
        name=f"{benchmark.name}-{arm}",
        subset=benchmark.subset,
        metadata=told,
        **_asked_how(recipe.judge),
    )


def _meta(recipe: Evaluation, benchmark: HealthBenchMeta, told: dict[str, Any]) -> Task:
    if benchmark.data == MINICLINIC:
        rows = healthbench_world.label_rows(load_knowledge(), _seeds(benchmark))
    else:
        rows = load_labels(Path(benchmark.data))[: benchmark.n]
    return meta_task(rows, name=benchmark.name, metadata=told, **_asked_how(recipe.judge))


def _mlb(benchmark: MLB, target: Target) -> MakeTask:
    examples, left_out = _examples(benchmark)
    return lambda arm, told: mlb_task(
        examples,
        answering(arm, target),
        name=f"{benchmark.name}-{arm}",
        combination=benchmark.combination,
        metadata=told | {"notes": [*told["notes"], *left_out]},
    )


def _examples(benchmark: MLB) -> tuple[list[Example], list[str]]:
    """``n`` samples of each dataset, and what is said of those that cannot be used."""
    if benchmark.data == MINICLINIC:
        found = mlb_world.examples(load_knowledge(), benchmark.n or _MINICLINIC_CASES, first_seed=benchmark.first)
        return [one for one in found if benchmark.datasets is None or one.dataset in benchmark.datasets], []
    loaded = read_datasets() if benchmark.data == FIXTURES else read_datasets(Path(benchmark.data))
    wanted = [one for one in loaded if benchmark.datasets is None or one.spec.key in benchmark.datasets]
    left_out = [f"left out: {fault}" for one in wanted for fault in one.faults]
    return [example for one in wanted for example in islice(one.examples, benchmark.n)], left_out


def _consultations(benchmark: Consultations, target: Target) -> MakeTask:
    cases = _cases(benchmark)
    counterparts = _counterparts(benchmark, cases)

    def make(arm: ArmName, told: dict[str, Any]) -> Task:
        return consultation_task(
            cases,
            _consulting(benchmark, arm, target),
            counterparts,
            name=f"{benchmark.name}-{arm}",
            language=benchmark.language,
            metadata=told,
        )

    return make


def _consulting(benchmark: Consultations, arm: ArmName, target: Target) -> Solver:
    def doctor(state: TaskState) -> Doctor:
        return ArmDoctor(arm, target, key_of(state))

    return consulting(doctor, benchmark.patient, language=benchmark.language, max_turns=benchmark.turns)


def _cases(benchmark: Consultations) -> list[Consultation]:
    if benchmark.data == MINICLINIC:
        seeds = _seeds(benchmark)
        if benchmark.patient == "scripted":
            return consultation_world.scripted(load_knowledge(), seeds)
        searched = range(seeds.start, seeds.start + _SEARCHED * len(seeds))
        return consultation_world.simulated(load_knowledge(), searched)[: len(seeds)]
    path = Path(benchmark.data)
    images = benchmark.images or path.parent
    match path.suffix:
        case ".json":
            cases = consultation_files.load_cmtmedqa(path, skip_safety_rows=True)
        case ".csv":
            cases = load_meddiagnose(path, images)
        case _:
            cases = consultation_files.load_records(path, images)
    if benchmark.patient == "simulated":
        cases = [consultation_files.with_hidden_case(case, benchmark.language) for case in cases]
    return cases[: benchmark.n]


def _counterparts(benchmark: Consultations, cases: Sequence[Consultation]) -> Counterparts:
    if benchmark.counterparts == MINICLINIC:
        return consultation_world.counterparts(load_knowledge(), cases)
    return read_counterparts([Path(benchmark.counterparts)])


def _seeds(benchmark: AnyBenchmark) -> range:
    return range(benchmark.first, benchmark.first + (benchmark.n or _MINICLINIC_CASES))


def _asked_how(judge: JudgeSettings) -> dict[str, Any]:
    if isinstance(judge, ModelJudge):
        return {"style": judge.style, "prompts": judge.prompts, "threshold": judge.threshold}
    return {"style": judge.style}


def _judge_name(judge: JudgeSettings) -> str:
    if isinstance(judge, ModelJudge):
        return f"{judge.model} ({judge.style})"
    return "the miniclinic's exact scorer"
