"""Lines of one voice whose notes are known: joined from single notes, or sung by a synthetic voice (voice.py).

    Notes(prepared, split)              the single notes of a part of the data
    joined(notes, style, random)        → Line: samples at 16 kHz, and where each note begins and ends
    roomed, noisy                       the same line in a synthetic room, under white noise

A note begins where its recording has come within 25 dB of its loudest, or where it was cut if that is later.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.signal import fftconvolve

from engine.listen.spectrum import RATE

LOUDEST = 0.5  # peak of a line
STEPS = (-12, -7, -5, -4, -3, -2, -2, -1, -1, 0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 7, 12)
VALUES = {1.0: 0.34, 0.5: 0.34, 0.25: 0.06, 1.5: 0.08, 2.0: 0.08, 1 / 3: 0.06, 0.75: 0.04}  # beats → how often
SHORTEST = 0.09  # seconds between two beginnings
STYLES = ("legato", "staccato", "tenuto", "mixed")


@dataclass(frozen=True)
class Line:
    """A recording of known notes."""

    samples: np.ndarray  # float32 [n], 16 kHz
    onsets: np.ndarray  # seconds [notes], ascending
    ends: np.ndarray  # seconds [notes]
    pitches: np.ndarray  # int [notes]
    tempo: float = 0.0  # beats a minute


@dataclass(frozen=True)
class Plan:
    """A melody before it is played."""

    onsets: np.ndarray  # seconds [notes]
    spans: np.ndarray  # seconds until the next note, or the rest before it
    pitches: np.ndarray  # int [notes]
    tempo: float


class Notes:
    """The single notes of one part of the data (0 train, 1 val, 2 test), by instrument and pitch."""

    def __init__(self, prepared: Path, split: int, instruments: tuple[str, ...] = ()) -> None:
        known = np.load(prepared / "notes.npz")
        self.samples = np.load(prepared / "samples.npy", mmap_mode="r")
        self.offsets, self.starts = known["offsets"], known["starts"]
        self.names = [str(name) for name in known["names"]]
        self.of: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for i in np.flatnonzero(known["split"] == split):
            name = self.names[known["instrument"][i]]
            if not instruments or name in instruments:
                self.of[name][int(known["midi"][i])].append(int(i))

    def note(self, i: int) -> np.ndarray:
        """A recording, float32, its peak at 1."""
        return np.asarray(self.samples[self.offsets[i] : self.offsets[i + 1]], np.float32) / 32767


def planned(pitches: list[int], tempo: float, seconds: float, random: np.random.Generator, rests: float = 0.06) -> Plan:
    """A random melody on these pitches, ascending, in about so many seconds."""
    values = np.array([value for value in VALUES if value * 60 / tempo >= SHORTEST])
    chances = np.array([VALUES[value] for value in values])
    at, place = random.uniform(0.05, 0.5), int(random.integers(len(pitches)))
    rows = []
    while at < seconds:
        span = 60 / tempo * random.choice(values, p=chances / chances.sum())
        rows.append((at, span, pitches[place]))
        at += span * (1 + (random.random() < rests))
        wanted = pitches[place] + random.choice(STEPS)
        if not pitches[0] <= wanted <= pitches[-1]:
            wanted = 2 * pitches[place] - wanted
        place = int(np.argmin(np.abs(np.array(pitches) - wanted)))
    onsets, spans, notes = np.array(rows).T
    return Plan(onsets, spans, notes.astype(int), tempo)


def melody(notes: Notes, name: str, tempo: float, seconds: float, random: np.random.Generator) -> Plan:
    """A random melody within two octaves that the recordings of an instrument have."""
    known = sorted(notes.of[name])
    low = random.choice(known)
    pitches = [pitch for pitch in known if low <= pitch <= low + 24]
    if len(pitches) < 5:
        pitches = known[-12:]
    return planned(pitches, tempo, seconds, random)


def joined(
    notes: Notes, name: str, plan: Plan, style: str, random: np.random.Generator, detuned: float = 0.0,
    within: int | None = None,
) -> Line:  # fmt: skip
    """A melody played on recordings of an instrument; `detuned` in cents. All are cut, and begin, where they have come
    within `starts[within]` of their loudest; otherwise here and there."""
    length = int((plan.onsets[-1] + plan.spans[-1] + 0.6) * RATE)
    out = np.zeros(length, np.float32)
    begins, ends = [], []
    before = -1.0  # where the note before ends, in seconds
    for at, span, pitch in zip(plan.onsets, plan.spans, plan.pitches):
        way = random.choice(STYLES[:3]) if style == "mixed" else style
        slurred = way == "legato" and abs(before - at) < 1e-6
        i = int(random.choice(notes.of[name][int(pitch)]))
        sound, first = notes.note(i), int(random.choice([0, *notes.starts[i]]))
        if within is not None:
            first = int(notes.starts[i][within])
        elif slurred and random.random() < 0.6:
            first = int(notes.starts[i][-1] + random.uniform(0, 0.06) * RATE)
        late = max(0, int(notes.starts[i][1]) - first) if within is None else 0
        fade = int(random.uniform(0.005, 0.06 if slurred else 0.012) * RATE)
        share = {"staccato": random.uniform(0.3, 0.65), "tenuto": random.uniform(0.75, 0.98), "legato": 1.0}[way]
        out_fade = int(random.uniform(0.01, 0.05) * RATE)
        sound = _piece(sound, first, int(share * span * RATE) + (out_fade if way == "legato" else 0), fade, out_fade,
                       2 ** (detuned / 1200))  # fmt: skip
        begin = int(at * RATE)
        piece = sound[: length - begin] * np.float32(10 ** (random.normal(0, 3) / 20))
        out[begin : begin + len(piece)] += piece
        begins.append(at + (max(late, 0.4 * fade if slurred else 0)) / RATE)
        ends.append(min(at + span, at + len(piece) / RATE))
        before = at + span if len(piece) >= span * RATE else -1.0
    peak = max(float(np.abs(out).max()), 1e-6)
    return Line(out * np.float32(LOUDEST / peak), np.array(begins), np.array(ends), plan.pitches, plan.tempo)


def _piece(sound: np.ndarray, first: int, size: int, fade_in: int, fade_out: int, rate: float) -> np.ndarray:
    """A stretch of a recording from `first` on, read at a rate near 1, with fades."""
    at = first + np.arange(size) * rate
    at = at[at < len(sound) - 1]
    if len(at) < 64:
        at = first * 0.5 + np.arange(min(size, len(sound) // 2))
    whole = at.astype(int)
    part = (at - whole).astype(np.float32)
    piece = sound[whole] * (1 - part) + sound[np.minimum(whole + 1, len(sound) - 1)] * part
    fade_in, fade_out = min(fade_in, len(piece) // 2), min(fade_out, len(piece) // 2)
    piece[:fade_in] *= np.linspace(0, 1, fade_in, dtype=np.float32)
    if fade_out:
        piece[-fade_out:] *= np.linspace(1, 0, fade_out, dtype=np.float32)
    return piece


def roomed(line: Line, random: np.random.Generator, seconds: float = 0.5, wet: float = 0.35) -> Line:
    """The line in a synthetic room: noise that falls by 60 dB in so many seconds, `wet` of the direct sound's power."""
    size = int(seconds * RATE)
    tail = random.standard_normal(size) * 10 ** (-3 * np.arange(size) / size)
    tail[: int(0.004 * RATE)] = 0
    tail *= np.sqrt(wet / np.sum(tail**2))
    tail[0] = 1
    out = fftconvolve(line.samples, tail)[: len(line.samples)].astype(np.float32)
    return replace(line, samples=out * np.float32(LOUDEST / max(float(np.abs(out).max()), 1e-6)))


def noisy(line: Line, random: np.random.Generator, snr_db: float = 20.0) -> Line:
    """The line under white noise, so many dB below its own power where it sounds."""
    power = np.mean(line.samples[np.abs(line.samples) > 1e-3] ** 2) if np.abs(line.samples).max() > 1e-3 else 1e-6
    noise = random.standard_normal(len(line.samples)) * np.sqrt(power * 10 ** (-snr_db / 10))
    return replace(line, samples=(line.samples + noise).astype(np.float32))
