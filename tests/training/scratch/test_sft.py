"""A run that is stopped and resumed must end with the very weights of one that was not, experts included."""

from pathlib import Path

import pytest
import torch

from training.scratch.muon import orthogonal
from training.scratch.settings import ModelShape, SftConfig
from training.scratch.sft import SftRun, schedule
from training.scratch.tokenizer import train_tokenizer
from training.scratch.tree import TASKS, Row, Tree, flatten

SHAPE = ModelShape(
    hidden_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, head_dim=16, num_experts=4,
    num_experts_per_tok=2, moe_intermediate_size=16,
)  # fmt: skip
CONFIG = SftConfig(
    seed=3, cases=16, vocabulary=512, steps=8, rows_per_step=2, processes=1, learning_rate=1e-2,
    muon_learning_rate=1e-2, warmup_steps=2, weight_decay=0.01, router_loss_weight=0.01, checkpoint_every_steps=4,
    log_every_steps=4, model=SHAPE, task_weights=dict.fromkeys(TASKS, 1.0),
)  # fmt: skip


def rows() -> list[Row]:
    out = []
    for number in range(16):
        tree = Tree()
        trunk = tree.add(-1, [10 + number, 11])
        draft = tree.add(trunk, [5], [20 + number % 3, 21, 22], "draft")
        tree.add(draft, [6], [30 + number % 2], "verdict")
        out.append(flatten(tree))
    return out


def run(folder: Path) -> SftRun:
    folder.mkdir(parents=True, exist_ok=True)
    return SftRun(CONFIG, rows(), train_tokenizer(["a b"] * 4, 512), folder)


def test_resumed_weights_equal_uninterrupted_ones(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole")
    whole.run()
    first = run(tmp_path / "stopped")
    first.run(until=6)
    resumed = run(tmp_path / "stopped")
    assert resumed.step == 4
    resumed.run()
    assert resumed.step == 8
    for (name, expected), (_, found) in zip(
        whole.model.named_parameters(), resumed.model.named_parameters(), strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=0, atol=0, msg=name)


def test_it_learns_and_every_parameter_moves(tmp_path: Path) -> None:
    training = run(tmp_path)
    before = {name: value.detach().clone() for name, value in training.model.named_parameters()}
    training.run()
    still = [name for name, value in training.model.named_parameters() if torch.equal(value, before[name])]
    assert still == []
    lines = (tmp_path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2


def test_schedule_warms_up_and_falls_to_a_twentieth() -> None:
    assert schedule(0, 10, 100) == pytest.approx(0.1)
    assert schedule(10, 10, 100) == pytest.approx(1.0)
    assert schedule(100, 10, 100) == pytest.approx(0.05)


@pytest.mark.parametrize("shape", [(8, 24), (24, 8), (3, 16, 12)])
def test_muon_directions_have_singular_values_near_one(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(shape), steps=8))
    assert values.min() > 0.5
    assert values.max() < 1.3
