"""Runs reinforcement on groups of rollouts with TRL's GRPOTrainer: rubric reward, comparisons, or absolute scores.

Invariant: the same command on the same folder goes on from the last whole checkpoint to the same result. The reference
of a KL penalty is always the model that the run began with.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import PreTrainedTokenizerBase, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from trl import GRPOConfig, GRPOTrainer

from training.judges.build import JudgeBuilder, close
from training.judges.criteria import CriterionJudge
from training.methods import grpo, gspo
from training.methods.advantages import leave_one_out, mean_only, standardised
from training.runs.folder import RunError, RunFolder
from training.trl_adapter.advantage_reward import AdvantageFunction, AdvantageReward, guards_of
from training.trl_adapter.callbacks import FolderCallback, open_run
from training.trl_adapter.checkpoints import latest_checkpoint, resume_exactly
from training.trl_adapter.counterpart_store import CounterpartStore, load_counterparts
from training.trl_adapter.policy import load_policy, load_tokenizer, peft_config
from training.trl_adapter.questions import Question, read_questions
from training.trl_adapter.scorers import AbsoluteScorer, ComparisonScorer, RubricScorer
from training.trl_adapter.settings import CrpoRecipe, GrpoRecipe, Rollouts
from training.trl_adapter.trainer import Untold, common_arguments, write_finished

ADVANTAGES: dict[str, AdvantageFunction] = {
    "standardised": standardised,
    "mean_only": mean_only,
    "leave_one_out": leave_one_out,
}


def align(recipe: GrpoRecipe | CrpoRecipe, path: Path, judge: CriterionJudge | None = None) -> Path:
    """Train by a recipe in the run's folder ``path``, and return the folder of the finished checkpoint.

    ``judge`` takes the place of the one that a rubric recipe names. Raises ``RunError``, ``JudgeUnreachable``, and what
    the data files raise; whichever, the last checkpoint stays whole and the same command goes on from it.
    """
    folder = open_run(path, recipe)
    if folder.finished is not None:
        return folder.model
    tokenizer = load_tokenizer(recipe.model)
    questions = read_questions(recipe.data, rubrics=isinstance(recipe, GrpoRecipe))
    prompts, too_long = prompts_of(questions, tokenizer, recipe.max_prompt_tokens)
    checkpoint = latest_checkpoint(folder.checkpoints)
    kept = set(prompts["question_id"])
    store = _counterparts(recipe, folder, checkpoint, kept)
    scorer = _scorer(recipe, kept, store, judge)
    with asyncio.Runner() as runner:
        reward = AdvantageReward(
            {question.id: question for question in questions if question.id in kept},
            scorer,
            ADVANTAGES[recipe.advantages],
            guards_of(recipe.max_answer_tokens, recipe.buffer_tokens, recipe.length_weight, recipe.repetition_weight),
            recipe.group,
            folder,
            runner,
        )
        try:
            trainer = _trainer(recipe, folder, reward, prompts, tokenizer, _callbacks(folder, store))
            resume_exactly(trainer, checkpoint)
        finally:
            runner.run(close(scorer.judge))
    if trainer.accelerator.is_main_process:
        _finish(recipe, folder, {"questions": len(kept), "questions_too_long": too_long})
    return folder.model


def _trainer(
    recipe: Rollouts,
    folder: RunFolder,
    reward: AdvantageReward,
    prompts: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    callbacks: list[TrainerCallback],
) -> "_Trainer":
    """The arguments come first: they set the process up as FSDP wants it before a model is loaded."""
    arguments = grpo_config(recipe, folder)
    model = load_policy(recipe.model, recipe)
    return _Trainer(
        model=model,
        reward_funcs=[reward],
        args=arguments,
        train_dataset=prompts,
        processing_class=tokenizer,
        peft_config=peft_config(recipe.lora, model),
        callbacks=callbacks,
    )


def _finish(recipe: Rollouts, folder: RunFolder, figures: dict[str, Any]) -> None:
    write_finished(recipe, folder)
    folder.mark_finished({"steps": recipe.steps, **figures, "last": folder.metrics()[-1]})


def _scorer(
    recipe: GrpoRecipe | CrpoRecipe, ids: set[str], store: CounterpartStore | None, judge: CriterionJudge | None
) -> RubricScorer | ComparisonScorer | AbsoluteScorer:
    build = JudgeBuilder(recipe.judge, recipe.seed)
    if isinstance(recipe, GrpoRecipe):
        return RubricScorer(build.criteria() if judge is None else judge)
    if recipe.arm == "absolute":
        return AbsoluteScorer(build.scores(ids))
    return ComparisonScorer(build.comparisons(ids), store, recipe.half_ties, recipe.refresh)


def _counterparts(
    recipe: GrpoRecipe | CrpoRecipe, folder: RunFolder, checkpoint: Path | None, ids: set[str]
) -> CounterpartStore | None:
    """Return the counterparts as they stood at the checkpoint, or as the recipe's file has them at the start."""
    if not isinstance(recipe, CrpoRecipe) or recipe.counterparts is None:
        return None
    source = recipe.counterparts if checkpoint is None else _kept_counterparts(folder, _step_of(checkpoint))
    store = load_counterparts(source)
    store.require(ids, source)
    return store


def _kept_counterparts(folder: RunFolder, step: int) -> Path:
    return folder.path / "counterparts" / f"step-{step}.jsonl"


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _callbacks(folder: RunFolder, store: CounterpartStore | None) -> list[TrainerCallback]:
    callbacks: list[TrainerCallback] = [FolderCallback(folder)]
    return callbacks if store is None else [*callbacks, _KeepCounterparts(folder, store)]


class _Trainer(Untold, GRPOTrainer):  # type: ignore[misc]  # untyped library
    """TRL's own, untold."""


class _KeepCounterparts(TrainerCallback):  # type: ignore[misc]  # untyped library
    """Keeps the counterparts of a step that is about to be saved: before the checkpoint, or a kill would part them."""

    def __init__(self, folder: RunFolder, store: CounterpartStore) -> None:
        self._folder, self._store = folder, store

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        if control.should_save and state.is_world_process_zero:
            path = _kept_counterparts(self._folder, state.global_step)
            path.parent.mkdir(exist_ok=True)
            self._store.save(path)
        return control


def grpo_config(recipe: Rollouts, folder: RunFolder) -> GRPOConfig:
    """Translate a recipe into TRL's own configuration."""
    clip = gspo.CLIP if recipe.importance == "sequence" else grpo.CLIP
    return GRPOConfig(
        **common_arguments(recipe, folder.checkpoints),
        num_generations=recipe.group,
        num_iterations=recipe.updates_per_rollout,
        max_completion_length=recipe.max_answer_tokens,
        temperature=recipe.temperature,
        importance_sampling_level=recipe.importance,
        epsilon=recipe.clip_low or clip.low,
        epsilon_high=recipe.clip_high or clip.high,
        beta=recipe.beta,
        loss_type="grpo",
        scale_rewards="none",
        **_sampling(recipe),
    )


def _sampling(recipe: Rollouts) -> dict[str, Any]:
    """Where rollouts are sampled: in place, or by vLLM beside the trainer or as a server."""
    if recipe.engine == "transformers":
        return {"use_vllm": False}
    if recipe.engine == "vllm_server":
        return {"use_vllm": True, "vllm_mode": "server", "vllm_server_base_url": recipe.engine_url}
    return {
        "use_vllm": True,
        "vllm_mode": "colocate",
        "vllm_gpu_memory_utilization": recipe.engine_memory_share,
        "vllm_tensor_parallel_size": recipe.engine_tensor_parallel,
        "vllm_max_model_length": recipe.max_prompt_tokens + recipe.max_answer_tokens,
        "vllm_enable_sleep_mode": True,
    }


def prompts_of(
    questions: Sequence[Question], tokenizer: PreTrainedTokenizerBase, max_tokens: int
) -> tuple[Dataset, int]:
    """Return the prompts as TRL takes them, and how many were too long. Raises ``RunError`` where none is left."""
    kept = [q for q in questions if _tokens(q, tokenizer) <= max_tokens]
    if not kept:
        raise RunError(f"every one of {len(questions)} prompts is longer than {max_tokens} tokens")
    rows = [{"prompt": [dict(m) for m in q.prompt], "question_id": q.id} for q in kept]
    return Dataset.from_list(rows), len(questions) - len(kept)


def _tokens(question: Question, tokenizer: PreTrainedTokenizerBase) -> int:
    chat = [dict(message) for message in question.prompt]
    return len(tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False))
