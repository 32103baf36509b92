"""What each stage of the wheel does; every one returns its figures.

Invariant: a stage reads what earlier stages wrote and writes only into its own place.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from models.registry import load_registry
from service.revision.prompts import load_prompts
from training.data.chats import Chat
from training.data.files import read_records, write_records
from training.export.evaluation import evaluate_checkpoint
from training.export.serving import serve_checkpoint
from training.feedback.export import export
from training.feedback.reading import read_export
from training.flywheel.collect import collect, shares
from training.flywheel.settings import FlywheelConfig
from training.flywheel.verdicts import read_verdicts, write_verdicts
from training.miniclinic.datasets import skill_chats, write_labels
from training.miniclinic.evaluate import as_rows
from training.miniclinic.knowledge import load_knowledge
from training.miniclinic.principles import retrieved_principles
from training.reproduce.drafts import write_drafts
from training.reproduce.heldout import sample_drafts
from training.runs.files import replace_whole
from training.runs.stages import Stage
from training.trl_adapter.judge import train_judge
from training.trl_adapter.settings import JudgeRecipe, SftRecipe, load_recipe
from training.trl_adapter.sft import train_sft

Figures = dict[str, Any]


class Flywheel:
    """One turn's folder, and what its stages do there."""

    def __init__(self, config: FlywheelConfig, folder: Path) -> None:
        self._config, self._folder = config, folder
        self._data, self._export = folder / "data", folder / "export.jsonl"
        self._knowledge = load_knowledge()
        self._served_as, self._entry = load_registry().bundled()

    def do(self, stage: Stage) -> Figures:
        """Do one stage and return its figures. Raises what its work raises."""
        kinds: dict[str, Callable[[str], Figures]] = {
            "collect": self._collect,
            "export": self._to_data,
            "judge": self._judge,
            "policy": self._policy,
            "drafts": self._drafts,
            "guided": self._guided,
            "verdicts": partial(self._verdicts, "verdicts", self._data / "exact_labels.jsonl"),
            "reviewers": partial(self._verdicts, "reviewers", self._data / "held_out" / "labels.jsonl"),
        }
        return kinds[stage.kind](stage.subject)

    def _collect(self, _: str) -> Figures:
        """Serve the model that is there, review what it revises, and ask for the export."""
        database = (self._folder / "feedback.db").resolve()
        variables = {"PRECEPTOR_FEEDBACK_DATABASE": f"sqlite:///{database}", "PRECEPTOR_FEEDBACK_CONTENT": "true"}
        settings, temperature = self._config.collection, self._config.temperature
        logs = self._folder / "logs" / "collect"
        with serve_checkpoint(self._config.start, self._served_as, logs=logs, variables=variables) as served:
            rows = collect(served.url, self._knowledge, settings, temperature, self._folder / "reviewed.jsonl")
            records = read_export(served.url)
        lines = (record.model_dump_json(by_alias=True) + "\n" for record in records)
        replace_whole(self._export, [line.encode() for line in lines])
        return {
            "revisions": len(rows),
            "feedback": len(records),
            "outcomes": dict(Counter(row.outcome for row in rows)),
            "preferred": shares(rows),
        }

    def _to_data(self, _: str) -> Figures:
        held_out = self._config.held_out
        found = export(read_export(str(self._export)), self._data, self._config.held_out_share)
        seeds = range(held_out.first, held_out.first + held_out.labels)
        exact = write_labels(self._data / "exact_labels.jsonl", self._knowledge, "heldout", seeds)
        chats = write_records(self._data / "policy.jsonl", self._lessons(), Chat)
        return {**asdict(found), "exact_labels": exact, "policy_chats": chats}

    def _lessons(self) -> Iterator[Chat]:
        """What reviewers would have sent, and beside it the loop's other skills."""
        yield from read_records(self._data / "train" / "chats.jsonl", Chat)
        first = self._config.collection.first + self._config.collection.revisions
        seeds = range(first, first + self._config.replay)
        prompts = load_prompts(self._entry.prompts)
        for name, messages in skill_chats(self._knowledge, prompts, retrieved_principles(), seeds):
            if not name.endswith("-draft"):
                yield Chat.model_validate({"id": name, "messages": messages, "last_turn_only": True})

    def _judge(self, _: str) -> Figures:
        recipe = self._recipe("judge", JudgeRecipe, self._data / "train" / "labels.jsonl")
        train_judge(recipe, self._folder / "runs" / "judge")
        return self._finished("judge")

    def _policy(self, _: str) -> Figures:
        train_sft(self._recipe("policy", SftRecipe, self._data / "policy.jsonl"), self._folder / "runs" / "policy")
        return self._finished("policy")

    def _recipe(self, name: str, kind: type[Any], data: Path) -> Any:
        changes = {"model": str(self._config.start), "data": data}
        return kind.model_validate({**load_recipe(self._config.recipe(name)).model_dump(), **changes})

    def _finished(self, run: str) -> Figures:
        text = (self._folder / "runs" / run / "finished.json").read_text(encoding="utf-8")
        found: Figures = json.loads(text)
        return found

    def _checkpoint(self, subject: str) -> Path:
        return self._config.start if subject == "start" else self._folder / "runs" / subject / "model"

    def _drafts(self, subject: str) -> Figures:
        held_out = self._config.held_out
        drafts = sample_drafts(
            self._checkpoint(subject), self._knowledge, held_out.first, held_out.drafts, self._config.temperature
        )
        write_drafts(self._folder / "drafts" / f"{subject}.jsonl", drafts)
        return {"n": len(drafts), "score": sum(draft.score for draft in drafts) / len(drafts)}

    def _guided(self, subject: str) -> Figures:
        held_out = self._config.held_out
        results = evaluate_checkpoint(
            self._checkpoint(subject),
            held_out.guided,
            held_out.first,
            logs=self._folder / "logs" / f"guided-{subject}",
            temperature=self._config.temperature,
            controls=False,
        )
        rows = [json.dumps(row, ensure_ascii=False) + "\n" for row in as_rows(results)]
        place = self._folder / "guided"
        place.mkdir(exist_ok=True)
        replace_whole(place / f"{subject}.jsonl", [row.encode() for row in rows])
        return {"n": len(results), "score": sum(result.scores["guided"] for result in results) / len(results)}

    def _verdicts(self, measure: str, labels: Path, subject: str) -> Figures:
        """Judge answers whose verdicts the exact scorer gave, or reviewers whose patients were held out."""
        threshold = self._entry.verdict_threshold
        found = read_verdicts(self._checkpoint(subject), labels, self._entry.prompts, threshold)
        write_verdicts(self._folder / measure / f"{subject}.json", found)
        flags = [flag for of in found.right.values() for flag in of]
        return {"labels": len(flags), "accuracy": sum(flags) / len(flags), "unread": found.unread}
