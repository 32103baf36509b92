"""Tree-packed training rows: one question as the trunk, its draft and every step of the loop as branches.

A branch sees its ancestors and nothing of its siblings, and its positions go on from its parent's: the very same
mathematics as separate append-only conversations, at a fraction of the tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

TASKS = ("draft", "rubric", "verdict", "edit", "rewrite", "improve", "critique")


@dataclass(slots=True)
class Node:
    """A run of tokens after its parent's. ``task`` names whose loss the targets count to; None trains nothing.

    ``targets`` says for each token whether predicting it is trained.
    """

    parent: int
    tokens: list[int]
    targets: list[bool]
    task: str | None


@dataclass(slots=True)
class Tree:
    """One row: nodes in order, each after its parent."""

    nodes: list[Node] = field(default_factory=list)

    def add(self, parent: int, prompt: Sequence[int], answer: Sequence[int] = (), task: str | None = None) -> int:
        """Add ``prompt`` (not trained) and ``answer`` (trained) below ``parent``; return the new node's number."""
        targets = [False] * len(prompt) + [task is not None] * len(answer)
        self.nodes.append(Node(parent, [*prompt, *answer], targets, task))
        return len(self.nodes) - 1

    def __len__(self) -> int:
        return sum(len(node.tokens) for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Row:
    """A tree as arrays: ids_L, positions_L, node_L, task_L (0 where nothing is trained, else 1 + index in TASKS);
    ancestors_NN says which nodes a node sees; previous_L is the index of the token before it in its branch."""

    ids_L: NDArray[np.int32]
    positions_L: NDArray[np.int32]
    node_L: NDArray[np.int32]
    task_L: NDArray[np.int32]
    previous_L: NDArray[np.int32]
    ancestors_NN: NDArray[np.bool_]


def flatten(tree: Tree) -> Row:
    """Lay a tree out as one row."""
    count = len(tree.nodes)
    ancestors = np.eye(count, dtype=np.bool_)
    ids: list[int] = []
    positions: list[int] = []
    owners: list[int] = []
    tasks: list[int] = []
    previous: list[int] = []
    last: list[tuple[int, int]] = []
    for number, node in enumerate(tree.nodes):
        before, position = last[node.parent] if node.parent >= 0 else (-1, -1)
        if node.parent >= 0:
            ancestors[number] |= ancestors[node.parent]
        code = 1 + TASKS.index(node.task) if node.task else 0
        for token, trained in zip(node.tokens, node.targets, strict=True):
            position += 1
            previous.append(before)
            before = len(ids)
            ids.append(token)
            positions.append(position)
            owners.append(number)
            tasks.append(code if trained else 0)
        last.append((before, position))
    as_int = np.int32
    return Row(
        np.array(ids, as_int), np.array(positions, as_int), np.array(owners, as_int), np.array(tasks, as_int),
        np.array(previous, as_int), ancestors,
    )  # fmt: skip


def visible_LL(row: Row) -> NDArray[np.bool_]:
    """Return which token sees which: ancestors and itself, never ahead."""
    length = len(row.ids_L)
    causal = np.tril(np.ones((length, length), dtype=np.bool_))
    visible: NDArray[np.bool_] = row.ancestors_NN[row.node_L[:, None], row.node_L[None, :]] & causal
    return visible
