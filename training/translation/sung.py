"""Sung lines that are synthesised: there are no sung recordings among the data.

    notes (MIDI pitch, seconds) → fundamental with slides and vibrato → harmonics through a vowel's formants
    (Peterson & Barney 1952), consonants before notes, breath, a room's noise → float32 samples at 44.1 kHz

A voice differs from another by its size, its tilt and its vibrato; a hum has neither vowels nor consonants.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, sosfilt

from engine.core.pitch import midi_hz
from engine.translation.compiled import oscillate
from engine.translation.frames import HOP, RATE

VOWELS = {  # formants in Hz of a man's voice
    "a": (730, 1090, 2440, 3400), "e": (530, 1840, 2480, 3500), "i": (270, 2290, 3010, 3600),
    "o": (570, 840, 2410, 3300), "u": (300, 870, 2240, 3300), "hum": (250, 1100, 2200, 3300),
}  # fmt: skip
WIDTHS = np.array([80.0, 100.0, 140.0, 200.0])  # Hz of the formants
CONSONANTS = ((3500, 9000, 0.09), (1500, 6000, 0.05), (300, 2500, 0.03), (800, 8000, 0.11))  # Hz, Hz, seconds
BRIGHTEST = 12_000.0  # Hz
PHONE = (300.0, 3400.0)  # Hz


@dataclass(frozen=True)
class Singer:
    """How somebody sings."""

    size: float = 1.0  # of the formants: a man's 1, a woman's 1.17
    tilt: float = 1.5  # power of the harmonic's number by which it is weaker
    vibrato: float = 0.3  # semitones to each side
    rate: float = 5.6  # Hz of the vibrato
    slide: float = 0.07  # seconds from a note to the next
    hums: bool = False
    consonants: float = 0.2  # how loud, of a vowel's peak
    breath: float = 0.01


def anyone(random: np.random.Generator) -> tuple[Singer, tuple[float, float]]:
    """A singer by chance, and the lowest and highest MIDI pitch of theirs."""
    low = random.choice([43, 48, 55, 58])
    singer = Singer(
        size=float(1.0 + 0.012 * (low - 43) + random.normal(0, 0.04)), tilt=float(random.uniform(0.8, 2.0)),
        vibrato=float(random.choice([0.0, random.uniform(0.1, 0.7)])), rate=float(random.uniform(4.8, 6.6)),
        slide=float(random.uniform(0.03, 0.15)), hums=bool(random.random() < 0.25),
        consonants=float(random.uniform(0.05, 0.4)), breath=float(10 ** random.uniform(-2.7, -1.5)),
    )  # fmt: skip
    return singer, (float(low), float(low + 19))


def line(low: float, high: float, random: np.random.Generator, count: int = 8) -> list[tuple[float, float]]:
    """A tune by chance: (MIDI pitch, seconds) of its notes; a pitch of 0 is a rest."""
    at, out = round(random.uniform(low + 4, high - 4)), []
    for number in range(count):
        out.append((float(at), float(random.choice([0.25, 0.4, 0.5, 0.8]))))
        if number % 4 == 3:
            out.append((0.0, 0.4))
        at = int(np.clip(at + random.choice([-5, -4, -2, -2, -1, 1, 2, 2, 3, 4, 7]), low, high))
    return out


def formants(hz: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Gain of resonances [t, 4] at frequencies [t, k], float64 [t, k]."""
    gain = np.ones(hz.shape)
    for f, width in zip(centres.T[:, :, None], WIDTHS):
        gain *= f**2 / np.sqrt((hz**2 - f**2) ** 2 + (hz * width) ** 2)
    return gain


def sing(notes: list[tuple[float, float]], singer: Singer, seed: int = 0, *, snr_db: float | None = None,
         phone: bool = False) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """(samples float32 [n], MIDI pitch at every sample, 0 where nothing is sung).

    snr_db: of the singing to a room's noise. phone: through the band of a telephone.
    """
    random = np.random.default_rng(seed)
    counts = [round(seconds * RATE) for _, seconds in notes]
    pitch = np.repeat([note for note, _ in notes], counts)
    sounding = pitch > 0
    filled = np.interp(np.arange(len(pitch)), np.flatnonzero(sounding), pitch[sounding])
    width = max(1, round(singer.slide * RATE))
    slid = np.convolve(np.pad(filled, (width, width), "edge"), np.ones(width) / width, "same")[width:-width]
    control = np.arange(0, len(pitch), HOP)
    vowels = [VOWELS["hum" if singer.hums else str(random.choice(list("aeiou")))] for _ in notes]
    of_note = np.repeat(np.arange(len(notes)), counts)[control]
    centres = uniform_filter1d(np.array(vowels, float)[of_note] * singer.size, 5, axis=0)
    wavering = singer.vibrato * np.sin(2 * np.pi * singer.rate * control / RATE + random.uniform(0, 6))
    f0_hz = midi_hz(slid[control] + wavering)
    numbers = np.arange(1, int(BRIGHTEST / f0_hz.min()))
    hz = f0_hz[:, None] * numbers
    levels = formants(hz, centres) * numbers ** -singer.tilt * (hz < BRIGHTEST)
    levels /= np.sqrt((levels**2).sum(1, keepdims=True) / 2)  # a singer sings one vowel about as loud as another
    sound = np.zeros(len(control) * HOP)
    ends = (np.append(f0_hz, f0_hz[-1]), np.concatenate([levels, levels[-1:]]))
    oscillate(*ends, 0.0, np.exp(1j * random.uniform(0, 2 * np.pi, len(numbers))), sound)
    sound = sound[: len(pitch)]
    loud = _loudness(notes, counts, singer, random)
    sound *= loud
    sound += singer.breath * loud * random.standard_normal(len(sound))
    if not singer.hums:
        sound += _consonants(counts, sounding, singer, random)
    if phone:
        sound = sosfilt(butter(4, PHONE, "band", fs=RATE, output="sos"), sound)
    if snr_db is not None:
        noise = np.cumsum(random.standard_normal(len(sound))) * 0.02
        noise = sosfilt(butter(1, 60, "high", fs=RATE, output="sos"), noise) + random.standard_normal(len(sound)) * 0.3
        sound += noise * np.std(sound[sounding]) / np.std(noise) * 10 ** (-snr_db / 20)
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32), np.where(sounding, slid, 0)


def _loudness(notes: list[tuple[float, float]], counts: list[int], singer: Singer, random: np.random.Generator
              ) -> np.ndarray:  # fmt: skip
    """Of every sample: soft between syllables, nothing in rests."""
    out = np.repeat([random.uniform(0.5, 1.0) if note else 0.0 for note, _ in notes], counts)
    if not singer.hums:
        at = 0
        for count in counts:
            dip = min(count, round(0.05 * RATE))
            out[at : at + dip] *= np.linspace(0.1, 1.0, dip)
            at += count
    width = round(0.03 * RATE)
    return np.convolve(out, np.hanning(width) / np.hanning(width).sum(), "same")


def _consonants(counts: list[int], sounding: np.ndarray, singer: Singer, random: np.random.Generator) -> np.ndarray:
    out = np.zeros(len(sounding))
    at = 0
    for count in counts:
        if at < len(out) and sounding[at] and random.random() < 0.7:
            low, high, seconds = CONSONANTS[random.integers(len(CONSONANTS))]
            size = round(seconds * RATE)
            burst = sosfilt(butter(2, (low, high), "band", fs=RATE, output="sos"), random.standard_normal(size))
            start = max(0, at - size // 2)
            part = out[start : start + size]
            part += (singer.consonants * burst / np.std(burst) * np.hanning(size))[: len(part)]
        at += count
    return out
