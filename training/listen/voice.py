"""A synthetic voice, and a whistle, a hum and a plucked string: lines whose notes are known, of sounds of which there
are no recordings.

A voice is harmonics of a contour (glides between slurred notes, scoops, vibrato) through formants (Peterson & Barney
1952), with breath.
"""

from __future__ import annotations

import numpy as np

from engine.core.pitch import midi_hz
from engine.listen.spectrum import RATE
from training.listen.lines import LOUDEST, Line, Plan, planned

VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240))  # Hz
SOUNDS = {"voice": (43, 76), "hum": (43, 72), "whistle": (76, 98), "string": (40, 84)}  # MIDI, lowest and highest
HARMONICS = 30


def sung(sound: str, tempo: float, seconds: float, random: np.random.Generator) -> Line:
    """A random melody that spans a tenth, within the range of such a sound."""
    low, high = SOUNDS[sound]
    low = int(random.integers(low, high - 16))
    plan = planned(list(range(low, low + 17)), tempo, seconds, random)
    return _plucked(plan, random) if sound == "string" else _voiced(sound, plan, random)


def _voiced(sound: str, plan: Plan, random: np.random.Generator) -> Line:
    size = int((plan.onsets[-1] + plan.spans[-1] + 0.4) * RATE)
    time = np.arange(size) / RATE
    contour, level = np.full(size, float(plan.pitches[0])), np.zeros(size)
    formants = np.zeros((size, 3))
    rate, depth, legato = random.uniform(4.5, 6.5), random.uniform(0, 0.5) * (sound == "voice"), random.random()
    vibrato, begins, ends = np.zeros(size), [], []
    before, before_pitch = -1.0, -1
    for at, span, pitch in zip(plan.onsets, plan.spans, plan.pitches):
        own = pitch + random.normal(0, 0.12)
        slurred = abs(before - at) < 1e-6 and random.random() < legato
        first, share = int(at * RATE), 1.0 if random.random() < 0.6 else random.uniform(0.5, 0.95)
        last = min(size, first + int(span * share * RATE))
        reach = int(random.uniform(0.02, min(0.1, span / 3)) * RATE)
        if slurred:
            way = max(0, first - reach // 2)
            ramp = (1 - np.cos(np.linspace(0, np.pi, reach))) / 2
            contour[way : way + reach] = (contour[way] + (own - contour[way]) * ramp)[: size - way]
            contour[way + reach :] = own
            dip = random.uniform(0.15, 0.6) if pitch == before_pitch else random.uniform(0.6, 1)
            width = int(random.uniform(0.02, 0.05) * RATE)
            begin = max(0, first - width)
            level[begin : first + width] = 1 - (1 - dip) * np.hanning(2 * width)[: first + width - begin]
            level[first + width : last] = 1
        else:
            contour[first:] = own
            scoop = int(min(0.08, span / 4) * RATE)
            contour[first : first + scoop] -= (np.linspace(1, 0, scoop) * random.uniform(0, 1.5))[: size - first]
            attack = min(int(random.uniform(0.01, 0.07) * RATE), (last - first) // 2)
            level[first:last] = 1
            level[first : first + attack] *= np.linspace(0.05, 1, attack)
        fall = min(int(random.uniform(0.02, 0.08) * RATE), (last - first) // 2)
        level[last - fall : last] *= np.linspace(1, 0.02, fall)
        grow = np.clip((time[first:last] - at - 0.15) / 0.2, 0, 1)
        vibrato[first:last] = depth * grow * np.sin(2 * np.pi * rate * (time[first:last] - at))
        formants[first:] = np.array(VOWELS[random.integers(len(VOWELS))]) * random.uniform(0.9, 1.2)
        begins.append(at)
        ends.append(last / RATE)
        before, before_pitch = (at + span if share == 1 else -1.0), pitch
    formants[formants[:, 0] == 0] = VOWELS[0]
    samples = _sounding(sound, midi_hz(contour + vibrato), level, formants, random)
    return Line(samples, np.array(begins), np.array(ends), plan.pitches, plan.tempo)


def _sounding(
    sound: str, hz: np.ndarray, level: np.ndarray, formants: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Harmonics of a contour through formants, and breath, float32 [n]."""
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    coarse = slice(None, None, 64)
    slope = random.uniform(1.2, 2.2)
    out = np.zeros(len(hz))
    for k in range(1, 2 if sound == "whistle" else HARMONICS + 1):
        at = hz[coarse] * k
        gain = 1 / k**slope
        resonance = sum(np.exp(-(((at - formants[coarse, f]) / (80 + 60 * f)) ** 2) / 2) / (1 + f) for f in range(3))
        gain = gain * (0.12 + resonance) if sound == "voice" else gain * (1 / (1 + (at / 500) ** 2)) + 0 * at
        gain = np.where(at < RATE / 2 - 100, gain, 0)
        out += np.repeat(gain, 64)[: len(hz)] * np.sin(k * phase)
    out = out / np.abs(out).max()
    breath = random.standard_normal(len(hz)) * 10 ** random.uniform(-3, -1.6)
    smooth = np.convolve(level, np.ones(80) / 80, "same")
    out = (out + breath) * smooth
    return (out * LOUDEST / np.abs(out).max()).astype(np.float32)


def _plucked(plan: Plan, random: np.random.Generator) -> Line:
    """A string that is plucked or struck, and rings until it is damped."""
    out = np.zeros(int((plan.onsets[-1] + plan.spans[-1] + 0.6) * RATE))
    stiff, bright, decay = random.uniform(0, 4e-4), random.uniform(0.8, 1.8), random.uniform(0.3, 1.5)
    ring = 1.05 if random.random() < 0.5 else random.uniform(0.4, 0.95)
    ends = []
    for at, span, pitch in zip(plan.onsets, plan.spans, plan.pitches):
        size = int(span * ring * RATE)
        time, hz = np.arange(size) / RATE, float(midi_hz(float(pitch) + random.normal(0, 0.04)))
        wave = np.zeros(size)
        for k in range(1, 16):
            at_hz = k * hz * np.sqrt(1 + stiff * k * k)
            if at_hz < RATE / 2 - 100:
                wave += np.exp(-time / decay * (0.6 + 0.4 * k)) * np.sin(2 * np.pi * at_hz * time + k) / k**bright
        damp = min(size // 3, 400)
        wave[size - damp :] *= np.linspace(1, 0, damp)
        wave[:32] *= np.linspace(0, 1, 32)
        first = int(at * RATE)
        piece = wave[: len(out) - first] * 10 ** (random.normal(0, 2) / 20)
        out[first : first + len(piece)] += piece
        ends.append(at + min(ring, 1.0) * span)
    samples = (out * LOUDEST / np.abs(out).max()).astype(np.float32)
    return Line(samples, plan.onsets, np.array(ends), plan.pitches, plan.tempo)
