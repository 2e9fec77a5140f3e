"""Chords: seven qualities on twelve roots, and which one a half bar sounds like.

A chord's number is quality × 12 + root (0 is C); -1 is none.
"""

from __future__ import annotations

import numpy as np

QUALITIES = {"maj": (0, 4, 7), "min": (0, 3, 7), "7": (0, 4, 7, 10), "min7": (0, 3, 7, 10), "maj7": (0, 4, 7, 11),
             "dim": (0, 3, 6), "sus4": (0, 5, 7)}  # fmt: skip
TEMPLATES = np.stack([np.roll(np.isin(np.arange(12), q), root) for q in QUALITIES.values() for root in range(12)])
"""bool [84, 12]: the pitch classes of each chord."""


def recognise(sounding: np.ndarray, bass: np.ndarray) -> np.ndarray:
    """The chord of each moment, int [moments]; -1 where fewer than two pitch classes sound.

    sounding: how long each pitch class sounds, float [moments, 12], C first; bass: the same of the bass alone, which is
    among it and so counts twice. The template whose notes sound longest, less what it has and nobody plays; a root in
    the bass helps.
    """
    weight = sounding + bass
    whole = np.maximum(weight.sum(1, keepdims=True), 1)
    low = np.zeros_like(weight)
    low[np.arange(len(low)), bass.argmax(1)] = bass.any(1) * 0.15
    root = low[:, np.tile(np.arange(12), len(QUALITIES))]
    missing = ((weight / whole < 0.03)[:, None] & TEMPLATES).sum(2)
    fit = (weight / whole) @ TEMPLATES.T - 0.08 * (TEMPLATES.sum(1) - 3) - 0.1 * missing + root
    return np.where((weight > 0).sum(1) > 1, fit.argmax(1), -1)
