"""What each stage of a reproduction does; every one returns its figures.

Invariant: a stage reads what earlier stages wrote and writes only into its own place.
"""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.embedder import build_embedder
from models.vllm import VLLMEngine
from principles.corpus import load_corpus
from service.revision.prompts import load_prompts
from training.data.chats import Chat
from training.data.files import write_records
from training.distil.evaluate import Evaluation
from training.distil.merge_prompt import load_merge_prompt
from training.distil.miniclinic import merge_chats
from training.distil.settings import Merging, Settings
from training.distil.watch import Bars
from training.export.evaluation import evaluate_checkpoint
from training.export.serving import serve_checkpoint
from training.miniclinic.datasets import (
    cases_of,
    skill_chats,
    write_counterparts,
    write_labels,
    write_queries,
    write_rubrics,
)
from training.miniclinic.evaluate import as_rows
from training.miniclinic.knowledge import load_knowledge
from training.miniclinic.principles import retrieved_principles
from training.miniclinic.rubrics import GenericJudge, exact_row, generic_row
from training.reproduce.drafts import write_drafts
from training.reproduce.heldout import sample_drafts
from training.reproduce.settings import ReproduceConfig
from training.runs.stages import Stage
from training.synthesise.settings import Engines, SynthesiseSettings
from training.synthesise.synthesis import synthesise
from training.trl_adapter.alignment import align
from training.trl_adapter.judge import evaluate_judge, train_judge
from training.trl_adapter.settings import CrpoRecipe, GrpoRecipe, JudgeRecipe, SftRecipe, load_recipe
from training.trl_adapter.sft import train_sft

Figures = dict[str, Any]
MODEL = "preceptor-miniclinic"
CONCURRENT = 8


class Reproduction:
    """One reproduction's folder, and what its stages do there."""

    def __init__(self, config: ReproduceConfig, folder: Path) -> None:
        self._config, self._folder, self._data = config, folder, folder / "data"
        self._knowledge = load_knowledge()

    def do(self, stage: Stage) -> Figures:
        """Do one stage and return its figures. Raises what its work raises."""
        kinds: dict[str, Callable[[str], Figures]] = {
            "data": self._write_data,
            "sft": self._sft,
            "judge": self._judge,
            "merger": self._merger,
            "synthesise": self._synthesise,
            "distil": self._distil,
            "align": self._align,
            "drafts": self._drafts,
            "guided": self._guided,
        }
        return kinds[stage.kind](stage.subject)

    def checkpoint(self, subject: str) -> Path:
        """Return the folder of a subject's model: ``start``, ``sft``, ``judge``, or an arm and its seed."""
        if subject == "start":
            return self._config.start
        return self._run(subject) / "model"

    def drafts_of(self, subject: str) -> Path:
        """Return where a subject's held-out drafts lie, one JSON object a line."""
        return self._folder / "drafts" / f"{_named(subject)}.jsonl"

    def guided_of(self, subject: str) -> Path:
        """Return where a subject's answers through the gateway lie, one JSON object a line."""
        return self._folder / "guided" / f"{_named(subject)}.jsonl"

    def _run(self, subject: str) -> Path:
        return self._folder / "runs" / _named(subject)

    def _seeds(self) -> dict[str, range]:
        """Ranges of training cases, one after the other, so that none serves two ends."""
        cases, ranges = self._config.cases, {}
        first = cases.first
        for name, count in (("sft", cases.sft), ("labels", cases.labels), ("rollouts", cases.rollouts)):
            ranges[name] = range(first, first + count)
            first += count
        return ranges

    def _write_data(self, _: str) -> Figures:
        knowledge, cases, seeds = self._knowledge, self._config.cases, self._seeds()
        self._data.mkdir(parents=True, exist_ok=True)
        rollouts = list(cases_of(knowledge, "train", seeds["rollouts"]))
        held_out = range(cases.held_out, cases.held_out + cases.held_out_labels)
        write_counterparts(self._data / "counterparts.jsonl", knowledge, seeds["rollouts"])
        return {
            "chats": write_records(self._data / "chats.jsonl", self._skills(seeds["sft"]), Chat),
            "merges": write_records(self._data / "merges.jsonl", self._merges(), Chat),
            "labels": write_labels(self._data / "labels.jsonl", knowledge, "train", seeds["labels"]),
            "held_out_labels": write_labels(self._data / "held_out_labels.jsonl", knowledge, "heldout", held_out),
            "queries": write_queries(self._data / "queries.jsonl", knowledge, seeds["rollouts"]),
            "exact": write_rubrics(self._data / "exact.jsonl", (exact_row(knowledge, c, i) for i, c in rollouts)),
            "generic": write_rubrics(self._data / "generic.jsonl", (generic_row(c, i) for i, c in rollouts)),
        }

    def _skills(self, seeds: range) -> Iterator[Chat]:
        rows = skill_chats(self._knowledge, load_prompts("compact"), retrieved_principles(), seeds)
        return (_chat(name, messages) for name, messages in rows)

    def _merges(self) -> Iterator[Chat]:
        cases = self._config.cases
        rows = merge_chats(self._knowledge, load_corpus(), cases.first, cases.merges)
        return (_chat(f"merge-{number}", messages) for number, messages in enumerate(rows))

    def _sft(self, _: str) -> Figures:
        recipe = self._recipe("sft", SftRecipe, model=str(self._config.start), data=self._data / "chats.jsonl")
        train_sft(recipe, self._run("sft"))
        return _finished(self._run("sft"))

    def _merger(self, _: str) -> Figures:
        """A model of its own names principles: only distillation asks for that, and no gateway does."""
        changes = {"model": str(self.checkpoint("sft")), "data": self._data / "merges.jsonl"}
        train_sft(self._recipe("merger", SftRecipe, **changes), self._run("merger"))
        return _finished(self._run("merger"))

    def _judge(self, _: str) -> Figures:
        recipe = self._recipe(
            "judge",
            JudgeRecipe,
            model=str(self._config.start),
            data=self._data / "labels.jsonl",
            held_out=self._data / "held_out_labels.jsonl",
        )
        train_judge(recipe, self._run("judge"))
        return _finished(self._run("judge")) | {"start": evaluate_judge(self._config.start, recipe)}

    def _align(self, subject: str) -> Figures:
        arm, _, seed = subject.partition(":")
        changes: dict[str, Any] = {"model": str(self.checkpoint("sft")), "seed": int(seed)}
        if arm in ("crpo", "absolute"):
            changes["data"] = self._data / "queries.jsonl"
            changes["counterparts"] = self._data / "counterparts.jsonl" if arm == "crpo" else None
            align(self._recipe(arm, CrpoRecipe, **changes), self._run(subject))
        else:
            changes["data"] = self._data / {"grpo": "exact.jsonl"}.get(arm, f"{arm}.jsonl")
            judge = GenericJudge(self._knowledge) if arm == "generic" else None
            align(self._recipe("grpo", GrpoRecipe, **changes), self._run(subject), judge)
        return _finished(self._run(subject))

    def _recipe(self, name: str, kind: type[Any], **changes: Any) -> Any:
        recipe = load_recipe(self._config.recipe(name))
        return kind.model_validate({**recipe.model_dump(), **changes})

    def _synthesise(self, _: str) -> Figures:
        logs, out = self._folder / "logs" / "synthesise", self._folder / "synthesise"
        with serve_checkpoint(self.checkpoint("sft"), MODEL, logs=logs) as served:
            engines = Engines(urls=(served.engine_url,), model=MODEL, concurrent=CONCURRENT)
            settings = SynthesiseSettings(engines=engines, seed=self._config.seeds[0])
            summary = synthesise(self._data / "queries.jsonl", out, settings)
        shutil.copy(summary.rubrics, self._data / "synthesised.jsonl")
        return {**asdict(summary), "rubrics": summary.rubrics.name}

    def _distil(self, _: str) -> Figures:
        settings = Settings(merging=Merging(prompts="compact", concurrent=CONCURRENT))
        evaluation = Evaluation(self._knowledge, load_corpus(), build_embedder(), settings, self._config.cases.drafts)
        with serve_checkpoint(self.checkpoint("merger"), MODEL, logs=self._folder / "logs" / "distil") as served:
            merged = asyncio.run(self._merged(evaluation, served.engine_url))
        unmerged = {f"{name}_without_merge": value for name, value in evaluation.without_merge().items()}
        return {**merged, **unmerged, "ceiling": evaluation.ceiling(), "criteria": len(evaluation.criteria)}

    async def _merged(self, evaluation: Evaluation, url: str) -> Figures:
        folder = self._folder / "distil"
        folder.mkdir(exist_ok=True)
        engine = VLLMEngine(url, MODEL)
        try:
            with Bars() as bars:
                return await evaluation.with_merge(engine, load_merge_prompt("compact"), folder, bars)
        finally:
            await engine.aclose()

    def _drafts(self, subject: str) -> Figures:
        cases, path = self._config.cases, self.drafts_of(subject)
        drafts = sample_drafts(
            self.checkpoint(subject), self._knowledge, cases.held_out, cases.drafts, self._config.temperature
        )
        write_drafts(path, drafts)
        scores = [draft.score for draft in drafts]
        return {"n": len(scores), "score": sum(scores) / len(scores)}

    def _guided(self, subject: str) -> Figures:
        cases = self._config.cases
        results = evaluate_checkpoint(
            self.checkpoint(subject),
            cases.guided,
            cases.held_out,
            logs=self._folder / "logs" / f"guided-{_named(subject)}",
            temperature=self._config.temperature,
            controls=False,
        )
        _write_lines(self.guided_of(subject), as_rows(results))
        scores = [result.scores["guided"] for result in results]
        return {"n": len(scores), "score": sum(scores) / len(scores)}


def _chat(name: str, messages: Iterable[Mapping[str, Any]]) -> Chat:
    return Chat.model_validate({"id": name, "messages": [dict(m) for m in messages], "last_turn_only": True})


def _finished(run: Path) -> Figures:
    found: Figures = json.loads((run / "finished.json").read_text(encoding="utf-8"))
    return found


def _named(subject: str) -> str:
    return subject.replace(":", "-")


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
