"""What a recorded note teaches: where it starts and ends, its exact phase, its loudness, its harmonics.

    WAV/FLAC note  →  cut [frames] at 16 kHz, phase [frames] in cycles of the fundamental, loudness_db [frames/64],
                      harmonics complex [64] relative to the loudness, f0_hz (median)

Following the thesis: the onset is where the note passes a threshold of its maximum, the tail is kept and faded out,
and each sample has a countdown to the note's end. The phase is what makes the pitch exact: it is measured on the
recording (11 cents sharp, and moving), so that in training the condition and the sound agree, and synthesised at
A4 = 440 Hz when playing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve

from engine.core.pitch import midi_hz
from engine.trombone.conditions import HARMONICS, HOP, loudness_curve
from engine.trombone.pitch import RATE, sounding, track_f0
from engine.trombone.takes import ATTACK, MIDDLE, RELEASE

LEAD = 80  # samples kept before the onset
FADE = 240  # samples of fade-out after the end


@dataclass(frozen=True)
class Analysis:
    """One note, cut and measured."""

    samples: np.ndarray  # float32 [frames], at the recording's level
    phase: np.ndarray  # float64 [frames], cycles of the fundamental; harmonic 1 of the note is a cosine of it
    loudness_db: np.ndarray  # float32 [frames // HOP + 2]
    harmonics: np.ndarray  # complex64 [HARMONICS], of a note of loudness 0 dB (root mean square 1)
    f0_hz: float  # median
    cents: float  # of that, from the label at A4 = 440 Hz


def cut(samples: np.ndarray) -> np.ndarray:
    """The note from just before its onset to its end, with a fade-out of 15 ms."""
    first, last = sounding(samples)
    start, stop = max(0, first - LEAD), min(len(samples), last + FADE)
    note = np.array(samples[start:stop], dtype=np.float32)
    fade = min(FADE, len(note))
    note[len(note) - fade :] *= np.cos(np.linspace(0, np.pi / 2, fade)) ** 2
    return note


def _smooth(signal: np.ndarray, width: int) -> np.ndarray:
    window = np.hanning(width + 2)[1:-1]
    return fftconvolve(signal, window / window.sum(), mode="same")


def exact_phase(samples: np.ndarray, midi: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Phase of the fundamental in cycles, float64 [frames], and the tracked f0 every 10 ms; None where untracked.

    The tracker's curve is integrated, then corrected by what the harmonics' own phases say: each of the first ten is
    brought to 0 Hz and smoothed over about 3 periods, and the slow turning that is left, weighed by
    power, is the curve's error.
    """
    target = float(midi_hz(midi))
    f0 = track_f0(samples, floor_hz=target * 0.85, ceiling_hz=target * 1.18)
    f0 = f0[4:]  # the tracker pads by 50 ms
    good = np.flatnonzero(f0 > 0)
    if len(good) < 5:
        return None
    at = np.arange(len(samples)) / RATE
    median = np.median(f0[good])
    f0 = np.clip(f0, median * 0.97, median * 1.03)
    curve = np.interp(at, (good + 0.5) * 0.01, f0[good])
    curve = np.clip(_smooth(np.pad(curve, 800, mode="edge"), 800)[800:-800], median * 0.97, median * 1.03)
    phase = np.cumsum(curve) / RATE
    width = int(3 * RATE / median)
    for _ in range(2):
        turning, power = np.zeros(len(samples)), np.zeros(len(samples)) + 1e-12
        for h in range(1, 11):
            if h * median > RATE * 0.45:
                break
            slow = _smooth(samples * np.exp(-2j * np.pi * h * phase), width)
            slow = np.where(np.abs(slow) > 1e-9, slow, 1e-9)
            step = np.angle(slow[1:] * np.conj(slow[:-1]))
            weight = np.abs(slow[1:]) ** 2
            turning[1:] += weight * step * h  # least squares of h·δ = step
            power[1:] += weight * h * h
        loud = power / power.max()
        delta = turning / power / (2 * np.pi)
        delta[loud < 1e-3] = 0.0
        limit = median * 0.02 / RATE
        phase = phase + np.cumsum(np.clip(delta, -limit, limit))
    return phase, f0


def fit_harmonics(samples: np.ndarray, phase: np.ndarray, loudness_db: np.ndarray, f0_hz: float) -> np.ndarray:
    """Least-squares complex amplitudes of the harmonics of the whole note, for a loudness of 0 dB, complex64 [64]."""
    curve = 10 ** (np.interp(np.arange(len(samples)) / HOP, np.arange(len(loudness_db)), loudness_db) / 20)
    weight = curve / (curve**2).sum()
    harmonics = np.zeros(HARMONICS, np.complex64)
    for h in range(1, HARMONICS + 1):
        if h * f0_hz > RATE * 0.47:
            break
        harmonics[h - 1] = 2 * np.sum(samples * weight * np.exp(-2j * np.pi * h * phase))
    return harmonics


def analyse(samples: np.ndarray, midi: int) -> Analysis | None:
    """Cut a note and measure it; None for one that has no trackable pitch within 60 cents of its label."""
    note = cut(samples)
    if len(note) < RATE // 10:
        return None
    exact = exact_phase(note, midi)
    if exact is None:
        return None
    phase, f0 = exact
    f0_hz = float(np.median(f0[f0 > 0]))
    cents = 1200 * np.log2(f0_hz / float(midi_hz(midi)))
    if abs(cents) > 60:
        return None
    loudness = loudness_curve(note)
    first = fit_harmonics(note, phase, loudness, f0_hz)
    phase = phase + np.angle(first[0]) / (2 * np.pi)  # now harmonic 1 is a cosine
    return Analysis(note, phase, loudness, fit_harmonics(note, phase, loudness, f0_hz), f0_hz, cents)


def loudness_template(loudness_db: np.ndarray) -> np.ndarray:
    """A note's loudness relative to its top: attack and release point by point, the middle by its proportions,
    float32 [ATTACK + MIDDLE + RELEASE]."""
    curve = np.asarray(loudness_db, np.float64)[:-1]
    curve = np.maximum(curve - curve.max(), -70)
    attack, release = min(ATTACK, len(curve) // 3), min(RELEASE, len(curve) // 2)
    head = np.pad(curve[:attack], (0, ATTACK - attack), mode="edge")
    tail = np.pad(curve[len(curve) - release :], (RELEASE - release, 0), mode="edge")
    middle = np.interp(np.linspace(attack, len(curve) - release, MIDDLE + 2)[1:-1], np.arange(len(curve)), curve)
    return np.concatenate([head, middle, tail]).astype(np.float32)
