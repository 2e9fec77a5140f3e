"""The key that pitches lie in."""

from __future__ import annotations

import numpy as np

MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])  # Krumhansl & Kessler 1982
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])


def key_shift(chroma: np.ndarray) -> int:
    """Semitones (-6..5) that move a chroma histogram [12] to C major or A minor, by Krumhansl's correlation."""
    rotated = np.stack([np.roll(chroma, -k) for k in range(12)])  # [tonic, 12]
    fit = [np.array([np.corrcoef(r, p)[0, 1] for r in rotated]) for p in (MAJOR, np.roll(MINOR, 9))]
    tonic = int(np.argmax(np.nan_to_num(np.maximum(*fit))))  # the C of the window's own key
    return (-tonic + 6) % 12 - 6
