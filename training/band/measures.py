"""What Band's phrases are like, track by track and together: the measures that training calibrates to and evaluation
tells. Phrases are rolls, uint8 0/1 [N, 4 or 8 bars, 5 tracks, 2, 16, 72], onset and sounding cells.
"""

from __future__ import annotations

import hashlib

import numpy as np

from engine.band.network import TRACKS
from engine.core.pianoroll import LOWEST, PITCHES
from engine.core.pianoroll import TRACKS as NAMES
from training.core import metrics

LEAST = 12  # pitched onsets in two bars that are called a copy: fewer are found anywhere


def per_track(rolls: np.ndarray) -> dict[str, dict[str, float]]:
    """Track -> the measures of its bars, of phrases [N, 4 or 8, 5, 2, 16, 72]; see `training.core.metrics`."""
    out = {}
    for t, name in enumerate(NAMES):
        onset, held = rolls[:, :, t, 0] > 0, rolls[:, :, t, 1] > 0
        long = (len(rolls), -1, PITCHES)
        lengths = metrics.note_lengths(onset.reshape(long), held.reshape(long))
        out[name] = {
            "EB %": 100 * metrics.empty_bars(held),
            "UPC": metrics.used_pitch_classes(held, LOWEST),
            "QN2 %": 100 * metrics.qualified_notes(lengths, 2),
            "QN3 %": 100 * metrics.qualified_notes(lengths, 3),
            "polyphony": metrics.polyphony(held),
            "notes": metrics.note_density(onset),
            "same": metrics.mean(x := metrics.onset_iou(onset[:, 1:], onset[:, :-1]), ~np.isnan(x)),
        }
    drums = np.nonzero(rolls[:, :, 0, 0])[2]
    out["drums"]["DP8 %"] = 100 * metrics.drum_pattern(drums, 4, 8)
    return out


def harmony(rolls: np.ndarray) -> float:
    """TD of phrases: mean over pairs of pitched tracks and beats."""
    held = rolls[:, :, 1:, 1].transpose(0, 2, 1, 3, 4).reshape(len(rolls), TRACKS - 1, -1, PITCHES) > 0
    return metrics.tonal_distance(held, 4)


def shuffled(rolls: np.ndarray, seed: int = 0) -> np.ndarray:
    """The same phrases with every track taken from another one: what harmony between tracks is measured against."""
    rng = np.random.default_rng(seed)
    return np.stack([rolls[rng.permutation(len(rolls)), :, t] for t in range(TRACKS)], 2)


def copies(rolls: np.ndarray, known: set[bytes], least: int = LEAST) -> float:
    """Share of two-bar windows [N, bars, 5, 2, 16, 72] (with at least `least` pitched onsets) whose onsets of all five
    tracks are exactly those of two neighbouring bars in `known` (see `two_bars`)."""
    copied = [key in known for key in two_bars(rolls, least)]
    return float(np.mean(copied)) if copied else float("nan")


def two_bars(rolls: np.ndarray, least: int = LEAST) -> list[bytes]:
    """A key for each two neighbouring bars' onsets in all five tracks, where they have `least` pitched onsets."""
    keys = []
    for b in range(rolls.shape[1] - 1):
        window = rolls[:, b : b + 2, :, 0]
        enough = window[:, :, 1:].sum((1, 2, 3, 4)) >= least
        keys += [hashlib.blake2b(np.packbits(w).tobytes(), digest_size=16).digest() for w in window[enough]]
    return keys
