"""What a training run left in its folder (training/core/loop.py writes it): the log, and the weights it is taken by."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from engine.core import checkpoint

POINTS = 60  # of a curve that is kept
BEST = "best.safetensors"  # the averaged weights of the best evaluation
HELD_OUT = "held out "
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


def begin_with(module: torch.nn.Module, folder: Path | str, system: str) -> None:
    """Put a checkpoint's weights into a module that is to be trained on. Refused where they do not fit it."""
    checkpoint.fill(module, checkpoint.load(folder, system).weights, folder)
    module.train().requires_grad_(True)


def joined(before: Mapping[str, Any], steps: int, learned: Mapping[str, Any]) -> dict[str, Any]:
    """Steps and curves of a run that began with the checkpoint whose config.json is `before` ({}: with none)."""
    begun, out = before.get("steps", 0), dict(before.get("curves", {}))
    for words, curve in learned.items():
        old = out.get(words, {"step": [], "value": []})
        out[words] = {"step": old["step"] + [begun + step for step in curve["step"]],
                      "value": old["value"] + curve["value"]}  # fmt: skip
    return {"steps": begun + steps, "curves": out}


def curves(folders: Path | Iterable[Path], names: Mapping[str, str], steps: int) -> dict[str, dict[str, list[float]]]:
    """How a run learned until `steps`, for its checkpoint: of each of the `names` in the log, by its words, the steps
    and the means up to each; {} without a log. `folders`: a run, and those in which it was continued.

    A name after "held out " is one of the evaluations, which have lines of their own.
    """
    rows: dict[bool, list[dict[str, float]]] = {True: [], False: []}  # of evaluations, and of training
    for folder in [folders] if isinstance(folders, Path) else folders:
        for row in run_log(folder) if (folder / "log.jsonl").is_file() else []:
            mine = rows["score" in row]
            while mine and mine[-1]["step"] >= row["step"]:  # it was stopped after these, and resumed before them
                mine.pop()
            mine += [row] * (row["step"] <= steps)
    out = {}
    for name, words in names.items():
        key = name.removeprefix(HELD_OUT)
        known = [(row["step"], row[key]) for row in rows[key != name] if key in row]
        if known:
            each = -(-len(known) // POINTS)
            parts = [known[first : first + each] for first in range(0, len(known), each)]
            means = [sum(value for _, value in part) / len(part) for part in parts]
            out[words] = {"step": [part[-1][0] for part in parts], "value": [round(mean, 5) for mean in means]}
    return out
