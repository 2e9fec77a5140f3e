"""Sounds of known notes: a plain reed, and what speaks rather than sings."""

import numpy as np

from engine.core.audio import Audio
from engine.core.pitch import midi_hz
from engine.listen.spectrum import RATE

TUNE = [62, 66, 69, 69, 67, 67, 66, 62]


def line(pitches, spans, *, cents=0.0, gap=0.03, rate=RATE) -> Audio:
    """Notes one after the other from 0.2 s on, each so many seconds with a gap at its end."""
    size = int((0.2 + sum(spans) + 0.3) * rate)
    out, begin = np.zeros(size), 0.2
    for pitch, span in zip(pitches, spans):
        first, count = int(begin * rate), int((span - gap) * rate)
        time = np.arange(count) / rate
        hz = float(midi_hz(pitch + cents / 100))
        wave = sum(np.sin(2 * np.pi * k * hz * time) / k**1.3 for k in range(1, 12) if k * hz < rate / 2)
        envelope = np.minimum(1, time / 0.015) * np.minimum(1, (time[-1] - time) / 0.03)
        out[first : first + count] += wave * envelope
        begin += span
    return Audio((0.3 * out / np.abs(out).max()).astype(np.float32), rate)


def speech(seconds: float = 4.0) -> Audio:
    """Syllables whose pitch falls and rises without rest, as spoken ones do."""
    random = np.random.default_rng(3)
    time = np.arange(int(seconds * RATE)) / RATE
    at = np.linspace(0, seconds, int(seconds * 9))
    midi = np.interp(time, at, 48 + 5 * random.standard_normal(len(at)))
    phase = 2 * np.pi * np.cumsum(midi_hz(midi)) / RATE
    loud = np.interp(time, at, np.resize([1.0, 0.5, 0.8, 0.1], len(at)))
    wave = sum(np.sin(k * phase) / k for k in range(1, 16))
    return Audio((0.2 * loud * wave / np.abs(wave).max()).astype(np.float32), RATE)


def together(*sounds: Audio, gains=(1.0, 0.5)) -> Audio:
    """Several sounds at once."""
    size = min(len(sound.samples) for sound in sounds)
    return Audio(sum(gain * sound.samples[:size] for gain, sound in zip(gains, sounds)) / 2, sounds[0].rate)
