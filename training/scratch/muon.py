"""Muon for matrices and stacks of matrices: momentum whose update is made orthogonal by Newton-Schulz steps.

Source: Jordan et al. 2024 (Muon); scaled by 0.2 sqrt(max(rows, columns)) as Liu et al. 2025 (Moonlight) so that
AdamW's learning rates fit. torch.optim.Muon takes 2-D parameters only; a mixture's experts are 3-D.
"""

from collections.abc import Iterable
from typing import Any

import torch

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """Updates parameters of shape (rows, columns) or (stack, rows, columns)."""

    def __init__(
        self, params: Iterable[torch.nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        """Take one step from the gradients present."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                buffer = state["momentum"]
                buffer.lerp_(parameter.grad, 1 - group["momentum"])
                direction = parameter.grad.lerp(buffer, group["momentum"])
                update = orthogonal(direction)
                scale = 0.2 * max(parameter.shape[-2:]) ** 0.5
                parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"] * scale)


def orthogonal(matrix: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """Return the nearest (semi-)orthogonal matrix, roughly: all singular values brought near 1."""
    a, b, c = _COEFFICIENTS
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = matrix.mT if tall else matrix
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x
