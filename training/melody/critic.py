"""Fits the critic that chooses among candidates (engine/melody/critic.py): tunes of the training side, and what the
model writes when it is asked for the same.

    python -m training train melody --critic --prepared prepared/melody --overwrite
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from engine import RequestError
from engine.core import checkpoint
from engine.melody.abc.canonical import Tune, read_tunes
from engine.melody.composing import compose
from engine.melody.critic import HIDDEN, packed, scaled
from engine.melody.features import PLAIN
from engine.melody.model import Model
from engine.melody.request import MAX_BARS, MAX_SECTIONS, Request
from engine.melody.traits import traits
from training.melody.prepare import variants

REAL, MADE, SEED = 1600, 800, 9_000_000
STEPS, BATCH, RATE, DECAY, DROPOUT = 400, 256, 3e-3, 0.02, 0.3
LEAST_SPREAD = 1e-3


def plain_tunes(file: Path) -> list[tuple[Tune, tuple[int, ...]]]:
    """The tunes of a side whose bars are whole, plain, with their forms."""
    out = []
    for tune in read_tunes(file):
        plain = next(((each, plan.sections) for each, plan, style in variants(tune) if style == PLAIN), None)
        if plain and len(plain[1]) <= MAX_SECTIONS and sum(plain[1]) <= MAX_BARS:
            out.append(plain)
    return out


def like(tune: Tune, form: Sequence[int], seed: int, **fields: Any) -> Request:
    """What a tune is like, asked for."""
    return Request(key=tune.key or None, meter=tune.meter or None, kind=tune.kind or None, unit=tune.unit or None,
                   form="+".join(map(str, form)), chord_symbols=False, seed=seed, **fields)  # fmt: skip


def of_known_type(model: Model, tunes: Iterable[tuple[Tune, tuple[int, ...]]]) -> list[tuple[Tune, tuple[int, ...]]]:
    """Those whose type can be asked for."""
    return [(tune, form) for tune, form in tunes if not tune.kind or tune.kind in model.kinds]


def fit(real: np.ndarray, made: np.ndarray, seed: int = 0) -> dict[str, str]:
    """The critic's weights for config.json, from traits [N, F] of both sides."""
    rows = np.concatenate([real, made])
    mean, spread = np.nanmean(rows, 0), np.maximum(np.nanstd(rows, 0), LEAST_SPREAD)
    inputs = torch.from_numpy(scaled(mean, spread, rows).astype(np.float32))
    goals = torch.cat([torch.ones(len(real)), torch.zeros(len(made))])
    weight = torch.where(goals > 0, len(made) / len(real), 1.0)
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        fc1, fc2 = torch.nn.Linear(inputs.shape[1], HIDDEN), torch.nn.Linear(HIDDEN, 1, bias=False)
        optimizer = torch.optim.AdamW([*fc1.parameters(), *fc2.parameters()], RATE, weight_decay=DECAY)
        for _ in range(STEPS):
            drawn = torch.randint(len(inputs), (BATCH,), generator=generator)
            logits = fc2(F.dropout(F.gelu(fc1(inputs[drawn])), DROPOUT))[:, 0]
            loss = F.binary_cross_entropy_with_logits(logits, goals[drawn], weight=weight[drawn])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    arrays = {"mean": mean, "spread": spread, "fc1": fc1.weight.detach().numpy(), "bias1": fc1.bias.detach().numpy(),
              "fc2": fc2.weight.detach().numpy()[0]}  # fmt: skip
    return {name: packed(array) for name, array in arrays.items()}


def train(model: Model, prepared: Path, folder: Path, real: int = REAL, made: int = MADE) -> None:
    """Fit the critic to a checkpoint's model and put it into its config.json."""
    tunes = of_known_type(model, plain_tunes(prepared / "train.abc"))
    if not tunes:
        raise RequestError(f"{prepared / 'train.abc'} holds no tune whose bars are whole.")
    order = np.random.default_rng(7).permutation(len(tunes))
    ours = [traits(compose(model, like(*tunes[i], SEED + n)).tune) for n, i in enumerate(order[:made])]
    critic = fit(np.stack([traits(tunes[i][0]) for i in order[:real]]), np.stack(ours))
    checkpoint.update(folder, critic=critic)
    print(f"{folder}: a critic of {min(real, len(tunes))} tunes and {len(ours)} that were written")
