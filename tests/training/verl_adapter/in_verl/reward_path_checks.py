"""From a prepared file to the reward tensor, through verl's own dataset, agent loop, reward workers and our manager."""

import asyncio
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray
import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from transformers import AutoTokenizer
from verl.experimental.agent_loop.agent_loop import AgentLoopMetrics, AgentLoopOutput, AgentLoopWorker
from verl.experimental.reward_loop.reward_loop import RewardLoopWorker
from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn

import training.verl_adapter.plugin
from tests.training.verl_adapter.judging import by_words, rollout, settings
from training.verl_adapter.actor import JudgeActor
from training.verl_adapter.prepare import main as prepare

ROOT = Path(__file__).parents[4]
CHECKPOINT = ROOT / "models" / "bundled"
QUESTIONS = ROOT / "training" / "data" / "examples" / "healthbench.jsonl"
ANSWERS = ("Do you know about the warfarin?", "mumble", "What is the urgency of it?", "It has to be away.")


@ray.remote
class LoadedWorker:
    """verl's reward worker in a process that has loaded the plugin, as VERL_USE_EXTERNAL_MODULES has every one do."""

    def __init__(self, config: Any) -> None:
        assert training.verl_adapter.plugin
        self._worker = RewardLoopWorker(config)

    async def compute_score(self, data: Any) -> Any:
        return await self._worker.compute_score(data)


def configuration(folder: Path) -> Any:
    with initialize_config_dir(str(ROOT / "training" / "configs" / "verl"), version_base=None):
        config = compose(
            "qwen3-4b-1x8",
            [
                "method=grpo",
                "judging.judge.urls=[http://judge]",
                f"trainer.default_local_dir={folder / 'run'}",
                f"data.train_files={folder / 'train.parquet'}",
                f"actor_rollout_ref.model.path={CHECKPOINT}",
                "actor_rollout_ref.rollout.n=2",
            ],
        )
    OmegaConf.resolve(config)
    return config


async def scored(worker: Any, tokenizer: Any, columns: dict[str, Any], session: int, answer: str) -> AgentLoopOutput:
    """Let verl's agent loop have one answer scored. It is given neither images nor positions to work out."""
    loop = SimpleNamespace(
        reward_loop_worker_handles=[worker],
        _compute_multi_modal_inputs=lambda output, ids: {},
        _compute_position_ids=lambda ids, mask, inputs, kwargs: torch.arange(ids.shape[1])[None],
        _get_mm_processor_kwargs=lambda audios: {},
    )
    ids = tokenizer.encode(answer, add_special_tokens=False)
    output = AgentLoopOutput(
        prompt_ids=[1, 2, 3], response_ids=ids, response_mask=[1] * len(ids), metrics=AgentLoopMetrics()
    )
    await AgentLoopWorker._compute_score(loop, [output], {**columns, "session_id": session})
    return output


async def test_prepared_questions_get_their_rewards(tmp_path: Path) -> None:
    assert prepare([str(QUESTIONS), str(tmp_path / "train.parquet"), "--split", "train"]) == 0
    tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT)
    config = configuration(tmp_path)
    # The first to ask starts the judge, and keeps it: this one judges by words, where the run's would ask an engine.
    starter = JudgeActor(settings(tmp_path / "run", buffer_tokens=100), 1000, by_words)
    await starter.judged(rollout("warm", 0, group=1))
    dataset = RLHFDataset(str(tmp_path / "train.parquet"), tokenizer, OmegaConf.merge(config.data, {"seed": 1}))
    [batch] = [collate_fn([dataset[0]])]
    columns = {name: values[0] for name, values in batch.items() if name != "dummy_tensor"} | {"global_steps": 7}
    worker = LoadedWorker.remote(config)
    asked = [
        scored(worker, tokenizer, columns | {"uid": f"u{number // 2}"}, number % 2, answer)
        for number, answer in enumerate(ANSWERS)
    ]
    met, unread, other, failed = await asyncio.gather(*asked)
    rubric = dataset[0]["reward_model"]["rubrics"]
    points = {c["criterion"].split()[-1]: c["points"] for c in rubric}
    positive = sum(p for p in points.values() if p > 0)
    assert met.reward_score == pytest.approx(points["warfarin"] / positive)
    extra = met.extra_fields["reward_extra_info"]
    assert (extra["score"], extra["unscored"], extra["judged_together"]) == (met.reward_score, 0.0, 2.0)
    assert set(extra) >= {"score/accuracy", "penalty", "parts", "unscored_parts", "judge_failed"}
    assert unread.reward_score is not None
    assert math.isnan(unread.reward_score)
    assert unread.extra_fields["reward_extra_info"]["score"] is None
    assert [one.extra_fields["reward_extra_info"]["judge_failed"] for one in (other, failed)] == [1.0, 1.0]
    tensor = unread.as_dict()["rm_scores"]
    assert math.isnan(float(tensor[-1]))
    assert tensor[:-1].tolist() == [0.0] * (len(tensor) - 1)


async def test_a_row_that_prepare_did_not_write_is_refused(tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(CHECKPOINT)
    worker = LoadedWorker.remote(configuration(tmp_path))
    columns: dict[str, Any] = {"uid": "u", "raw_prompt": [], "reward_model": {}, "extra_info": {"split": "test"}}
    with pytest.raises(ValueError, match=r"extra_info\.split is 'test'"):
        await scored(worker, tokenizer, columns, 0, "Rest.")
    with pytest.raises(ValueError, match="a rollout without reward_model"):
        await scored(
            worker, tokenizer, {name: columns[name] for name in ("uid", "raw_prompt", "extra_info")}, 0, "Rest."
        )
