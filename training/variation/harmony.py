"""How well the tracks of a variation go together, by noise: over stretches of test songs.

    python -m training evaluate variation --latent 64 --only harmony --data data

*Tonal distance* (Harte et al. 2006) of the tracks, of what it is in the song; *key kept*: songs whose notes still lie
best in the same major scale; *same chord*: half bars whose chord is the song's; *note F1* to the song.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine import variation
from engine.core.chords import recognise
from engine.core.key import key_shift
from engine.core.pianoroll import PITCHES, TRACKS
from engine.core.request import File
from engine.variation.bars import BarGrid, extent, read
from engine.variation.request import Request
from engine.variation.variations import varied
from training.core import metrics
from training.variation.continuing import stretches

NOISES = (0.0, 0.5, 1.0)


def pitched(rolls: np.ndarray) -> np.ndarray:
    """Sounding cells of the pitched tracks, bool [4, steps, 72]; rolls bool [5, W, 2, 16, 72]."""
    return rolls[1:, :, 1].reshape(len(TRACKS) - 1, -1, PITCHES)


def chords(rolls: np.ndarray) -> np.ndarray:
    """The chord of each half bar, int [2 W]."""
    halves = extent(rolls[:, :, 1].reshape(len(TRACKS), rolls.shape[1] * 2, -1, PITCHES)).astype(float)
    return np.asarray(recognise(halves[1:].sum(0), halves[TRACKS.index("bass")]))


def key(rolls: np.ndarray) -> int:
    """Semitones to C major or A minor."""
    return key_shift(extent(pitched(rolls)).sum(0).astype(float))


def harmony(model: variation.Model, songs: Path, count: int) -> dict[str, Any]:
    """The figures, by noise."""
    grids = [read(song) for song in stretches(songs, "test", count)]
    out: dict[str, Any] = {"songs": len(grids), "noise": {}}
    for noise in NOISES:
        rows, same, notes = [], [], np.zeros(3)
        for seed, grid in enumerate(grids):
            new = _varied(model, grid, noise, seed)
            before, after = (metrics.tonal_distance(pitched(rolls)) for rolls in (grid.rolls, new))
            rows.append([before, after, key(grid.rolls) == key(new)])
            one, other = chords(grid.rolls), chords(new)
            same += (one == other)[one >= 0].tolist()
            a, b = grid.rolls[:, :, 0], new[:, :, 0]
            notes += [(a & b).sum(), a.sum(), b.sum()]
        before, after, kept = np.nanmean(rows, 0)
        out["noise"][f"{noise:g}"] = {
            "distance": float(after / before), "key": float(kept), "chord": float(np.mean(same)),
            "note_f1": float(2 * notes[0] / (notes[1] + notes[2])),
        }  # fmt: skip
    print(out, flush=True)
    return out


def _varied(model: variation.Model, grid: BarGrid, noise: float, seed: int) -> np.ndarray:
    asked = Request(input=File("a held-out song", b""), noise=noise, seed=seed)
    return varied(model, grid, grid.filled, dict.fromkeys(TRACKS, noise), asked)
