"""A branch of a packed tree must get the very logits that its own conversation would get alone."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training.scratch.batch import collate, load_rows, save_rows
from training.scratch.model import build_model
from training.scratch.settings import ModelShape
from training.scratch.tokenizer import ChatEncoder, train_tokenizer
from training.scratch.tree import TASKS, Tree, flatten, visible_LL

SHAPE = ModelShape(
    hidden_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, head_dim=16, num_experts=4,
    num_experts_per_tok=2, moe_intermediate_size=16,
)  # fmt: skip


def tree() -> Tree:
    tree = Tree()
    trunk = tree.add(-1, [5, 6, 7])
    draft = tree.add(trunk, [8], [9, 10], "draft")
    tree.add(draft, [11], [12], "verdict")
    tree.add(draft, [13, 14], [15, 16], "edit")
    tree.add(trunk, [17], [18], "rubric")
    return tree


def test_positions_and_targets() -> None:
    row = flatten(tree())
    assert row.positions_L.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 6, 7, 8, 9, 3, 4]
    assert row.previous_L.tolist() == [-1, 0, 1, 2, 3, 4, 5, 6, 5, 8, 9, 10, 2, 12]
    trained = {TASKS[code - 1] for code in row.task_L if code}
    assert trained == {"draft", "verdict", "edit", "rubric"}
    assert [int(token) for token, code in zip(row.ids_L, row.task_L, strict=True) if code] == [9, 10, 12, 15, 16, 18]


def test_siblings_do_not_see_each_other() -> None:
    seen = visible_LL(flatten(tree()))
    assert seen[7].nonzero()[0].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert seen[11].nonzero()[0].tolist() == [0, 1, 2, 3, 4, 5, 8, 9, 10, 11]
    assert seen[13].nonzero()[0].tolist() == [0, 1, 2, 12, 13]


def test_packed_logits_equal_those_of_separate_conversations() -> None:
    tokenizer = train_tokenizer(["a b c"] * 4, 512)
    model = build_model(SHAPE, tokenizer, seed=1).eval()
    row = flatten(tree())
    batch = collate([row, row], pad=0)
    with torch.no_grad():
        packed = model(input_ids=batch.ids_BL, attention_mask=batch.mask_B1LL, position_ids=batch.positions_BL).logits[
            0
        ]
        for last in (7, 11, 13):
            path = visible_LL(row)[last].nonzero()[0]
            alone = model(input_ids=torch.from_numpy(row.ids_L[path]).long()[None]).logits[0]
            torch.testing.assert_close(packed[path], alone, rtol=1e-4, atol=1e-5)


def test_rows_survive_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "rows.npz"
    rows = [flatten(tree()), flatten(Tree(tree().nodes[:2]))]
    save_rows(path, rows)
    for before, after in zip(rows, load_rows(path), strict=True):
        np.testing.assert_array_equal(before.ids_L, after.ids_L)
        np.testing.assert_array_equal(before.ancestors_NN, after.ancestors_NN)
        np.testing.assert_array_equal(before.previous_L, after.previous_L)


def test_chat_ids_are_those_of_the_template() -> None:
    tokenizer = train_tokenizer(["user\nassistant\nIs it met? yes no"] * 4, 600)
    messages = [
        {"role": "user", "content": 'Take 2 of {"delete":3} [1] now'},
        {"role": "assistant", "content": "no"},
        {"role": "user", "content": "First. [1] Second. [2]"},
    ]
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    encoder = ChatEncoder(tokenizer)
    assert encoder.prompt(messages) == ids
    longer = encoder.prompt(messages)
    draft = [*encoder.prompt(messages[:1]), *encoder.piece("no"), encoder.end, *encoder.newline]
    assert longer[: len(draft)] == draft


@pytest.mark.parametrize("epoch", [0, 1])
def test_batches_hold_each_row_at_most_once(epoch: int) -> None:
    from training.scratch.batch import batches_by_length

    rows = [flatten(Tree(tree().nodes[: 1 + number % 4])) for number in range(23)]
    batches = batches_by_length(rows, 4, seed=epoch)
    numbers = [number for batch in batches for number in batch]
    assert len(batches) == 5
    assert len(set(numbers)) == 20
