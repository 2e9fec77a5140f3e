"""Pitch and loudness: hertz, MIDI numbers and cents, Praat's tracker, loudness in windows, octaves into a range.

Boersma 1993, "Accurate short-term analysis of the fundamental frequency", through parselmouth.
"""

from __future__ import annotations

import re
from typing import Any, overload

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from engine import RequestError
from engine.core.audio import resampled_length, resampled_parts

A4 = 440.0  # Hz, MIDI number 69
NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
"""Note names by pitch class, as they are written most often."""
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
"""Pitch classes of the letters."""


@overload
def midi_hz(midi: float) -> float: ...
@overload
def midi_hz(midi: np.ndarray) -> np.ndarray: ...
def midi_hz(midi: float | np.ndarray) -> float | np.ndarray:
    """Frequency in Hz of a MIDI number (69 is A4; fractions are allowed)."""
    hz = A4 * 2.0 ** ((np.asarray(midi, np.float64) - 69.0) / 12.0)
    return hz if isinstance(midi, np.ndarray) else float(hz)


def hz_midi(hz: np.ndarray) -> np.ndarray:
    """MIDI number, with fractions, of frequencies in Hz above 0."""
    return np.asarray(69.0 + 12.0 * np.log2(hz / A4))


def cents(hz: np.ndarray, reference_hz: float | np.ndarray) -> np.ndarray:
    """How far frequencies lie above a reference, in cents."""
    return np.asarray(1200.0 * np.log2(hz / reference_hz))


def note_name(midi: int) -> str:
    """58 → "Bb3" (C4 is 60)."""
    return NAMES[midi % 12] + str(midi // 12 - 1)


def read_note_name(text: str) -> int:
    """A MIDI number from "58" or from a name such as Bb3 or C#4 (C4 is 60). Refused when it is neither."""
    shown = text.strip()
    if re.fullmatch(r"-?\d{1,4}", shown):
        return int(shown)
    match = re.fullmatch(r"([A-Ga-g])(##|bb|#|b|♯|♭)?(-?\d)", shown)
    if not match:
        raise RequestError(f"'{shown[:20]}' is not a note: give a MIDI number such as 58 or a name such as Bb3 or C#4.")
    name, accidental, octave = match.groups()
    change = {"#": 1, "♯": 1, "##": 2, "b": -1, "♭": -1, "bb": -2}.get(accidental or "", 0)
    return 12 * (int(octave) + 1) + LETTERS[name.upper()] + change


def _sound(samples: np.ndarray, rate: int, listened_rate: int | None) -> tuple[Any, float]:
    """(Praat's sound of these samples, at `listened_rate` where one is said; seconds of silence before and after)."""
    import parselmouth  # here, because not everything that asks for a frequency measures one

    to = listened_rate or rate
    edge = to // 20
    sound = parselmouth.Sound(np.zeros(resampled_length(len(samples), rate, to) + 2 * edge), to)
    at = edge
    for part in resampled_parts(samples, rate, to):  # put where Praat holds them: no copy of the whole
        sound.values[0, at : at + len(part)] = part
        at += len(part)
    return sound, edge / to


def track_f0(
    samples: np.ndarray, rate: int, hop_seconds: float, *, floor_hz: float, ceiling_hz: float, **costs: Any
) -> tuple[np.ndarray, np.ndarray]:
    """(seconds [n], Hz [n], 0 where nothing periodic is heard), both float64, every `hop_seconds`.

    costs: those of Praat's autocorrelation method by their names there (silence_threshold, octave_cost, …).
    """
    seconds, f0_hz, _ = track_periods(samples, rate, hop_seconds, floor_hz=floor_hz, ceiling_hz=ceiling_hz, **costs)
    return seconds, f0_hz


def track_periods(
    samples: np.ndarray, rate: int, hop_seconds: float, *, floor_hz: float, ceiling_hz: float,
    listened_rate: int | None = None, **costs: Any,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The same, and how periodic the sound is at every frame: the autocorrelation's height there, float64 [n], 1 at
    most. listened_rate: Hz, to which the samples are brought first."""
    sound, edge_seconds = _sound(samples, rate, listened_rate)
    track = sound.to_pitch_ac(time_step=hop_seconds, pitch_floor=floor_hz, pitch_ceiling=ceiling_hz, **costs)
    chosen = track.selected_array
    f0_hz, strength = (np.nan_to_num(np.asarray(chosen[of], np.float64)) for of in ("frequency", "strength"))
    return np.asarray(track.xs()) - edge_seconds, f0_hz, strength


def track_by_harmonics(
    samples: np.ndarray, rate: int, hop_seconds: float, *, floor_hz: float, ceiling_hz: float,
    listened_rate: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The same by another way, by which the first can be doubted: subharmonic summation (Hermes 1988)."""
    sound, edge_seconds = _sound(samples, rate, listened_rate)
    track = sound.to_pitch_shs(
        time_step=hop_seconds, minimum_pitch=floor_hz, maximum_frequency_component=5000.0, ceiling=ceiling_hz
    )
    f0_hz = np.nan_to_num(np.asarray(track.selected_array["frequency"], np.float64))
    return np.asarray(track.xs()) - edge_seconds, f0_hz


def loudness_db(samples: np.ndarray, window: np.ndarray, hop: int, floor_db: float = -120.0) -> np.ndarray:
    """Root mean square in a window [w] around every `hop`-th sample, dB (full scale 0), float64 [samples / hop + 1]."""
    size = len(window)
    power = np.zeros(len(samples) // hop + 1)
    for start in range(0, len(power), 1024):  # in parts, so that memory does not grow with the sound
        at = np.arange(min(len(power) - start, 1024)) * hop
        first, last = start * hop - size // 2, start * hop + at[-1] + size
        inside = np.asarray(samples[max(first, 0) : last], np.float64) ** 2
        squares = np.pad(inside, (max(-first, 0), max(0, last - len(samples))))
        power[start : start + len(at)] = sliding_window_view(squares, size)[at] @ window
    return np.asarray(10 * np.log10(np.maximum(power / window.sum(), 10 ** (floor_db / 10))))


def octaves_into(pitches: np.ndarray, low: float, high: float, *, tolerance: float = 0.0,
                 usual: tuple[float, float] | None = None) -> int:  # fmt: skip
    """The one shift in octaves, the smallest that brings as many pitches as possible into low..high; 0 for none.

    tolerance: the share of pitches that a smaller shift may leave outside. usual: between which two pitches, before the
    shift is small, the median should lie.
    """
    if not len(pitches):
        return 0
    inside = {n: float(((pitches + 12 * n >= low) & (pitches + 12 * n <= high)).mean()) for n in range(-5, 6)}
    best = max(inside.values())
    least, most = usual or (-np.inf, np.inf)
    middle = float(np.median(pitches))
    astray = {n: max(least - middle - 12 * n, middle + 12 * n - most, 0.0) for n in inside}
    return min((n for n in inside if inside[n] >= best - tolerance), key=lambda n: (astray[n], abs(n), n))
