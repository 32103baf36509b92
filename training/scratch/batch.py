"""Batches of tree-packed rows as tensors, and rows kept on disk between runs."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from training.scratch.tree import Row, visible_LL


@dataclass(frozen=True, slots=True)
class Batch:
    """ids_BL, positions_BL, an additive mask_B1LL, and for each trained token: where its prediction stands in the
    flattened batch (source_T), the token (target_T) and its task (task_T, index in TASKS)."""

    ids_BL: torch.Tensor
    positions_BL: torch.Tensor
    mask_B1LL: torch.Tensor
    source_T: torch.Tensor
    target_T: torch.Tensor
    task_T: torch.Tensor


def collate(rows: Sequence[Row], pad: int) -> Batch:
    """Pad rows to the longest and list what is trained."""
    length = max(len(row.ids_L) for row in rows)
    ids = torch.full((len(rows), length), pad, dtype=torch.long)
    positions = torch.zeros((len(rows), length), dtype=torch.long)
    mask = torch.full((len(rows), 1, length, length), torch.finfo(torch.float32).min)
    sources, targets, tasks = [], [], []
    for b, row in enumerate(rows):
        n = len(row.ids_L)
        ids[b, :n] = torch.from_numpy(row.ids_L)
        positions[b, :n] = torch.from_numpy(row.positions_L)
        mask[b, 0, :n, :n].masked_fill_(torch.from_numpy(visible_LL(row)), 0.0)
        mask[b, 0, range(n, length), range(n, length)] = 0.0
        trained = np.nonzero(row.task_L)[0]
        sources.append(torch.from_numpy(row.previous_L[trained]).long() + b * length)
        targets.append(torch.from_numpy(row.ids_L[trained]).long())
        tasks.append(torch.from_numpy(row.task_L[trained]).long() - 1)
    return Batch(ids, positions, mask, torch.cat(sources), torch.cat(targets), torch.cat(tasks))


def save_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write rows to one uncompressed ``.npz`` file."""
    arrays: dict[str, np.ndarray] = {}
    for field in fields(Row):
        values = [getattr(row, field.name) for row in rows]
        arrays[field.name] = np.concatenate([value.ravel() for value in values])
    arrays["lengths"] = np.array([len(row.ids_L) for row in rows])
    arrays["nodes"] = np.array([len(row.ancestors_NN) for row in rows])
    with path.open("wb") as file:
        np.savez(file, **arrays)


def load_rows(path: Path) -> list[Row]:
    """Read what ``save_rows`` wrote."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    starts = np.concatenate([[0], np.cumsum(arrays["lengths"])])
    corners = np.concatenate([[0], np.cumsum(arrays["nodes"] ** 2)])
    rows = []
    for i, nodes in enumerate(arrays["nodes"]):
        values = [arrays[name][starts[i] : starts[i + 1]] for name in ("ids_L", "positions_L", "node_L", "task_L",
                                                                        "previous_L")]  # fmt: skip
        ancestors = arrays["ancestors_NN"][corners[i] : corners[i + 1]].reshape(nodes, nodes)
        rows.append(Row(*values, ancestors))
    return rows


def batches_by_length(rows: Sequence[Row], size: int, seed: int) -> list[list[int]]:
    """Group row numbers into batches of like length, in an order drawn from ``seed``."""
    generator = np.random.default_rng(seed)
    lengths = np.array([len(row.ids_L) for row in rows]) + generator.integers(0, 24, len(rows))
    order = np.argsort(lengths, kind="stable")
    groups = [order[i : i + size].tolist() for i in range(0, len(order) - size + 1, size)]
    generator.shuffle(groups)
    return groups
