"""What an evaluation is: whom it asks, who judges, which benchmarks and arms; TOML, closed, importable without inspect.

Invariant: the resolved whole stands in the run's folder, so that a run is gone on with from its folder alone.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from training.trl_adapter.settings import Strict, read_toml

BUNDLED = "bundled"
MINICLINIC = "miniclinic"
ArmName = Literal[
    "plain",
    "draft",
    "guided",
    "no_principles",
    "all_principles",
    "rounds_2",
    "rounds_3",
    "length_matched",
    "best_of_n",
]


class Endpoint(Strict):
    """An OpenAI-compatible server: ``url`` without ``/v1``. ``api_key_file`` holds the key alone."""

    url: str
    model: str
    api_key_file: Path | None = None


class TargetSettings(Strict):
    """Whom the evaluation is about. Either a running server's ``url``, or a checkpoint that is served for it.

    ``model`` is the name of the plain model (None: the only one listed besides the guided); ``guided`` the gateway's
    slug, false for a server that is no gateway. ``serve`` is a folder with a checkpoint, or ``bundled``.
    """

    url: str | None = None
    serve: str | None = None
    model: str | None = None
    guided: str | Literal[False] = "preceptor"
    api_key_file: Path | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "TargetSettings":
        if (self.url is None) == (self.serve is None):
            raise ValueError("give either url or serve")
        return self


class ModelJudge(Endpoint):
    """A judge behind an endpoint. ``style`` json asks for reason and verdict; verdict for one token, as the gateway
    does with its prompt set ``prompts``, met from P(yes) >= ``threshold`` up."""

    type: Literal["endpoint"] = "endpoint"
    style: Literal["json", "verdict"] = "json"
    prompts: Literal["compact", "full"] = "full"
    threshold: float = Field(default=0.5, gt=0, lt=1)


class ExactJudge(Strict):
    """The miniclinic's own scorer."""

    type: Literal["miniclinic"] = "miniclinic"
    style: Literal["json"] = "json"


JudgeSettings = Annotated[ModelJudge | ExactJudge, Field(discriminator="type")]


class Benchmark(Strict):
    """What every benchmark has. ``data`` is a path, or ``miniclinic``; ``n`` the first so many samples, None all.

    ``first`` is the first held-out seed of the miniclinic. ``arms`` None are the recipe's.
    """

    data: str
    n: int | None = Field(default=None, gt=0)
    first: int = Field(default=0, ge=0)
    epochs: int = Field(default=1, gt=0)
    arms: tuple[ArmName, ...] | None = None
    label: str | None = None
    """Distinguishes two benchmarks of one kind; part of their logs' names."""

    @property
    def name(self) -> str:
        """Name of this benchmark's logs."""
        kind: str = self.kind  # type: ignore[attr-defined]
        return kind if self.label is None else f"{kind}-{self.label}"


class HealthBench(Benchmark):
    """OpenAI's file, downloaded by the user, or the miniclinic's exact rubrics."""

    kind: Literal["healthbench"]
    subset: Literal["full", "hard", "consensus"] = "full"


class HealthBenchMeta(Benchmark):
    """How far the judge agrees with physicians on HealthBench's labels; asks no target and has no arms."""

    kind: Literal["healthbench_meta"]


class MLB(Benchmark):
    """The published folder of one JSON file a dataset, ``fixtures``, or the miniclinic's."""

    kind: Literal["mlb"]
    datasets: tuple[str, ...] | None = None
    combination: Literal["veto", "mean_of_six"] = "veto"


class Consultations(Benchmark):
    """CMtMedQA's JSON, MedDiagnose's CSV or our records by suffix, or the miniclinic's. ``counterparts`` is JSONL."""

    kind: Literal["consultations"]
    patient: Literal["scripted", "simulated"] = "scripted"
    counterparts: str
    images: Path | None = None
    language: Literal["zh", "en"] = "zh"
    turns: int = Field(default=8, gt=0)


AnyBenchmark = Annotated[HealthBench | HealthBenchMeta | MLB | Consultations, Field(discriminator="kind")]


class Evaluation(Strict):
    """One run. ``concurrent`` samples at once, ``judge_concurrent`` questions to a judge; ``patience_seconds`` is how
    long a server may keep failing before the run stops, to be gone on with. ``notes`` stand in its report."""

    seed: int = 0
    temperature: float = Field(default=0.8, ge=0, le=2)
    max_tokens: int = Field(default=1024, gt=0)
    concurrent: int = Field(default=8, gt=0)
    judge_concurrent: int = Field(default=16, gt=0)
    patience_seconds: int = Field(default=600, gt=0)
    arms: tuple[ArmName, ...] = ("draft", "guided")
    target: TargetSettings
    judge: JudgeSettings
    second_judge: JudgeSettings | None = None
    third_judge: JudgeSettings | None = None
    patient: Endpoint | None = None
    benchmarks: tuple[AnyBenchmark, ...] = Field(min_length=1)
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> "Evaluation":
        judges = [judge for judge in (self.judge, self.second_judge, self.third_judge) if judge is not None]
        if len({judge.model_dump_json() for judge in judges}) < len(judges):
            raise ValueError("two judges are the same: they would agree with each other and tell nothing")
        names = [benchmark.name for benchmark in self.benchmarks]
        if len(set(names)) < len(names):
            raise ValueError("two benchmarks have the same name: give one a label")
        asked = {arm for benchmark in self.benchmarks for arm in self.arms_of(benchmark)}
        if not self.target.guided and (guided := asked - {"plain"}):
            raise ValueError(f"the target has no gateway, which {', '.join(sorted(guided))} would need: use arm plain")
        return self

    def arms_of(self, benchmark: Benchmark) -> tuple[ArmName, ...]:
        """The arms of one benchmark."""
        if isinstance(benchmark, HealthBenchMeta):
            return ()
        return self.arms if benchmark.arms is None else benchmark.arms


def read_recipe(path: Path) -> Evaluation:
    """Read TOML. Raises ``SettingsError``."""
    return read_toml(path, Evaluation.model_validate)
