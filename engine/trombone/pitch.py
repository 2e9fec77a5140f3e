"""Measure a note: its pitch, where it sounds, how bright it is. Praat's autocorrelation tracker (parselmouth).

    samples float [frames] at 16 kHz  →  f0_hz [n] every 10 ms, 0 where unvoiced  →  one number a note, in cents

Boersma 1993, "Accurate short-term analysis of the fundamental frequency". The page, the command line and the
evaluation all measure with these functions, so that a figure means the same everywhere.
"""

from __future__ import annotations

import numpy as np

from engine.core import pitch

RATE = 16_000  # Hz, of everything the trombone hears or plays
HOP_SECONDS = 0.01


def track_f0(samples: np.ndarray, floor_hz: float = 60.0, ceiling_hz: float = 1000.0) -> np.ndarray:
    """Fundamental in Hz every 10 ms, float64 [n], 0 where nothing periodic is heard."""
    return pitch.track_f0(samples, RATE, HOP_SECONDS, floor_hz=floor_hz, ceiling_hz=ceiling_hz)[1]


def measured_cents(samples: np.ndarray, midi: float) -> float | None:
    """How far a note is from `midi` (A4 = 440 Hz), in cents: the median over its voiced frames.

    The tracker searches from 60 to 1000 Hz whatever was asked, so that a note an octave off is found to be one.
    None where fewer than three frames are voiced.
    """
    f0_hz = track_f0(samples)
    voiced = f0_hz[f0_hz > 0]
    if len(voiced) < 3:
        return None
    return float(np.median(pitch.cents(voiced, pitch.midi_hz(midi))))


def harmonicity_db(samples: np.ndarray) -> float:
    """Energy of the periodic part over that of the rest, dB: the median of Praat's harmonicity over the frames with a
    tone (Boersma 1993). nan where there is none."""
    import parselmouth

    sound = parselmouth.Sound(np.asarray(samples, np.float64), RATE)
    harmonicity = sound.to_harmonicity_ac(HOP_SECONDS, minimum_pitch=60.0, periods_per_window=4.5).values
    toned = harmonicity[harmonicity > -100]  # Praat marks frames without a tone by -200
    return float(np.median(toned)) if len(toned) else float("nan")


def sounding(samples: np.ndarray, onset_db: float = -30.0, end_db: float = -40.0) -> tuple[int, int]:
    """First and one past the last sample of the note: where it first exceeds `onset_db` and last exceeds `end_db`
    below its loudest 10 ms (the thesis's threshold of the maximum). (0, 0) for silence."""
    hop = 16
    level = pitch.loudness_db(samples, np.ones(160), hop)
    if level.max(initial=-120.0) <= -100.0:
        return 0, 0
    first = int(np.argmax(level >= level.max() + onset_db))
    last = len(level) - int(np.argmax(level[::-1] >= level.max() + end_db))
    return first * hop, min(len(samples), last * hop)


def centroid_hz(samples: np.ndarray) -> float:
    """Spectral centroid in Hz of the whole note, weighted by magnitude."""
    spectrum = np.abs(np.fft.rfft(np.asarray(samples, np.float64) * np.hanning(len(samples))))
    return float((spectrum * np.fft.rfftfreq(len(samples), 1 / RATE)).sum() / max(spectrum.sum(), 1e-12))
