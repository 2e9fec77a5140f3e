"""How often made tunes are told from held-out ones of the same type, key, meter and form, and by what.

    python -m training evaluate melody --only judged --judged 240

The judge is boosted trees over what a tune is like (engine/melody/traits.py), fitted in five folds to pairs of a tune
of the validation or test side, as plain as ours are, and one that was written when asked for its like: each is tried on
pairs that it does not know. A half is chance. The critic that chooses among candidates knows the training side alone.

*Copies*: runs of eight notes, by their moves in semitones, so in any key, that the training side has too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from engine.melody.abc.canonical import Tune
from engine.melody.composing import candidates
from engine.melody.line import Line
from engine.melody.model import Model
from engine.melody.traits import TRAITS, traits
from training.melody.critic import like, of_known_type, plain_tunes

CHOICES = (1, 4)  # candidates
FOLDS, TREES = 5, 150
RUN = 7  # moves of eight notes
LEAST = 20  # tunes of a type that has a figure of its own
MOST = 10  # tells that are printed


def called_right(real: np.ndarray, made: np.ndarray, seed: int = 0) -> np.ndarray:
    """Whether each tune is called right, bool [2, pairs]: real, made; traits [pairs, F] each."""
    fold = np.random.default_rng(seed).permutation(len(real)) % FOLDS
    right = np.zeros((2, len(real)), bool)
    for each in range(FOLDS):
        known, tested = fold != each, fold == each
        judge = HistGradientBoostingClassifier(
            max_iter=TREES, learning_rate=0.06, max_leaf_nodes=15, l2_regularization=5.0, max_features=0.3,
            early_stopping=False, random_state=seed,
        ).fit(np.concatenate([real[known], made[known]]), np.repeat([0, 1], known.sum()))  # fmt: skip
        for side, rows in enumerate((real, made)):
            right[side, tested] = judge.predict(rows[tested]) == side
    return right


def tells(real: np.ndarray, made: np.ndarray) -> list[tuple[str, float, float, float]]:
    """What tells best alone: name, real mean, made mean, area under the curve."""
    found = []
    for name, one, other in zip(TRAITS, real.T, made.T):
        one, other = one[~np.isnan(one)], other[~np.isnan(other)]
        if min(len(one), len(other)) >= LEAST:
            area = roc_auc_score(np.repeat([0, 1], [len(one), len(other)]), np.concatenate([one, other]))
            found.append((name, float(one.mean()), float(other.mean()), float(max(area, 1 - area))))
    return sorted(found, key=lambda row: -row[3])[:MOST]


def runs(tune: Tune) -> list[bytes]:
    """Every run of eight notes of a tune, by its moves."""
    moves = Line(tune).moves.astype(np.int8)
    return [moves[first : first + RUN].tobytes() for first in range(len(moves) - RUN + 1)]


def copies(tunes: Iterable[Tune], known: set[bytes]) -> float:
    """The share of runs of eight notes that are known."""
    return float(np.mean([run in known for tune in tunes for run in runs(tune)]))


def judged(model: Model, prepared: Path, count: int, choices: Sequence[int] = CHOICES) -> dict[str, Any]:
    """For each number of candidates: how often the judge is right, over all and by type, its tells, and copies."""
    held = [*plain_tunes(prepared / "val.abc"), *plain_tunes(prepared / "test.abc")]
    order = np.random.default_rng(0).permutation(len(pairs := of_known_type(model, held)))[:count]
    pairs = [pairs[i] for i in order]
    known = {run for tune, _ in plain_tunes(prepared / "train.abc") for run in runs(tune)}
    kinds = np.array([tune.kind or "no type" for tune, _ in pairs])
    real = np.stack([traits(tune) for tune, _ in pairs])
    out: dict[str, Any] = {"pairs": len(pairs), "real_copies": copies((tune for tune, _ in pairs), known), "by": {}}
    for number in choices:
        tunes = [candidates(model, like(tune, form, 3_000_000 + n, candidates=number))[0].tune
                 for n, (tune, form) in enumerate(pairs)]  # fmt: skip
        made = np.stack([traits(tune) for tune in tunes])
        right = np.mean([called_right(real, made, seed) for seed in range(3)], 0)
        by_kind = {kind: float(right[:, kinds == kind].mean())
                   for kind in np.unique(kinds).tolist() if (kinds == kind).sum() >= LEAST}  # fmt: skip
        out["by"][str(number)] = {"right": float(right.mean()), "by_kind": by_kind, "copies": copies(tunes, known),
                                  "tells": tells(real, made)}  # fmt: skip
        print(number, {name: value for name, value in out["by"][str(number)].items() if name != "tells"}, flush=True)
    return out
