"""What a training run left in its folder (training/core/loop.py writes it): the log, and the weights it is taken by."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

BEST = "best.safetensors"  # the averaged weights of the best evaluation
STATE = "state.pt"  # all that resuming needs


def run_log(folder: Path | str) -> list[dict[str, float]]:
    """A run's log, a dictionary a line."""
    return [json.loads(line) for line in (Path(folder) / "log.jsonl").read_text("utf-8").splitlines()]


def was_evaluated(folder: Path | str) -> bool:
    """Did a run come to an evaluation, and so keep best weights."""
    return (Path(folder) / BEST).exists()


def best_weights(folder: Path | str, name: str) -> dict[str, torch.Tensor]:
    """The averaged weights of module `name` at a run's best evaluation; at its last step where it never evaluated."""
    if not was_evaluated(folder):
        return torch.load(Path(folder) / STATE, map_location="cpu", weights_only=True)["averages"][name]
    weights = load_file(Path(folder) / BEST)
    return {key.removeprefix(f"{name}/"): value for key, value in weights.items() if key.startswith(f"{name}/")}


def best_step(folder: Path | str) -> int:
    """The steps behind `best_weights`."""
    if not was_evaluated(folder):
        return int(torch.load(Path(folder) / STATE, map_location="cpu", weights_only=True)["step"])
    return int([row for row in run_log(folder) if row.get("best")][-1]["step"])
