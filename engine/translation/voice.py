"""A voice or a hum as the source: its tune is kept, its consonants, breaths and the room around it are turned down.

    Frames → calmed → Frames whose unvoiced and distant frames are soft; transfer.py whitens them by their own profile

A generator that is not told its source plays what is left (training/translation/cyclegan.py).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import binary_closing, binary_opening, maximum_filter1d, uniform_filter1d

from engine.translation.frames import PARTS, Frames

TURNED_DOWN = 36.0  # dB, what is not sung
ABOVE_ROOM = 4.0  # dB above the room that is still the room
SHORTEST = 3  # frames (48 ms) of a sung note; gaps shorter than that are sung over


def sung(frames: Frames) -> np.ndarray:
    """Which frames are sung, bool [t]: they have a pitch, lie above the room's noise, and last."""
    silent = frames.loudness_db[~frames.voiced]
    room = float(np.percentile(silent, 10)) if len(silent) > 10 else -np.inf
    above = frames.voiced & (frames.loudness_db > room + ABOVE_ROOM)
    above &= frames.loudness_db > frames.loudness_db.max(initial=-120.0) - 40
    lasting: np.ndarray = binary_opening(binary_closing(above, np.ones(SHORTEST)), np.ones(SHORTEST))
    return lasting


def calmed(frames: Frames) -> Frames:
    """The same performance with all that is not sung turned down by 36 dB, in ramps of 50 ms."""
    keeps = sung(frames).astype(np.float64)
    down = TURNED_DOWN * (1 - uniform_filter1d(maximum_filter1d(keeps, 3), 3))
    envelope = frames.envelope_db
    if envelope is not None:
        fine = np.interp(np.arange(envelope.size) / PARTS, np.arange(len(down)), down)
        envelope = envelope - fine.reshape(envelope.shape)
    return replace(frames, loudness_db=frames.loudness_db - down, envelope_db=envelope)
