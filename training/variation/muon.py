"""Muon: momentum whose every update of a weight matrix is made orthogonal (Jordan et al. 2024, "Muon: an optimizer for
hidden layers in neural networks"; the quintic Newton-Schulz iteration is theirs).

In equal processor time it took the bar VAEs from a note F1 of 0.75 (AdamW at its best rate) to 0.84; the card of
checkpoints/variation/k64 has the comparison. Only for matrices: biases and norms go to AdamW.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from training.core.precision import has_bfloat16


def orthogonal(matrix: Tensor, iterations: int = 5) -> Tensor:
    """Nearly U V^T of the singular value decomposition U S V^T of a matrix: singular values within about 0.7..1.2."""
    x = matrix.bfloat16() if has_bfloat16(matrix.device.type) else matrix.float()
    wide = x.size(0) <= x.size(1)
    x = x if wide else x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(iterations):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x if wide else x.T).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, made orthogonal, scaled by sqrt(rows / columns) where a matrix is tall."""

    def __init__(self, parameters: Iterable[Tensor], lr: float = 0.02, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: object = None) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                momentum = state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
                update = orthogonal(weight.grad.lerp(momentum, group["momentum"]))
                weight.add_(update, alpha=-group["lr"] * max(1.0, weight.size(0) / weight.size(1)) ** 0.5)
