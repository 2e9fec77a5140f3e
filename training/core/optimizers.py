"""Optimisers that more than one system uses."""

from __future__ import annotations

from collections.abc import Iterable

import torch


def muon_of(matrices: Iterable[torch.Tensor], lr: float) -> torch.optim.Muon:
    """Muon without decay; the step of a matrix [rows, columns] is lr times sqrt(rows / columns) where it is tall.

    It computes in bfloat16 everywhere: a processor that has none is ten times as slow.
    """
    return torch.optim.Muon(matrices, lr=lr, weight_decay=0.0, momentum=0.95, adjust_lr_fn="original")
