"""The rows by which the trombone is judged beside recordings and the soundfont: one table of the model card.

    held-out recordings at 44.1 kHz, players (ours, the soundfont)  →  rows of measures.py, a judge of pairs, Fréchet

A player takes notes and a seed and gives their sounds. Recordings are those of the test split alone; only where two
takes of one pitch and dynamic are wanted is the other one taken from any split, and long notes from all.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from engine.core.pitch import midi_hz, track_f0
from engine.core.song import Note, Song, Track
from engine.trombone.conditions import DYNAMICS
from engine.trombone.notes import NoteSpec
from engine.trombone.pitch import RATE as MODEL_RATE
from engine.trombone.pitch import sounding
from training.trombone import embedding, measures

RATE = 44_100
SEEDS = 3
LONG_SECONDS = 6.0
TEMPO = 120.0  # of the tongued eighths
VELOCITIES = (1, 10, 20, 33, 64, 96, 112, 127)
Player = Callable[[Sequence[NoteSpec], int], list[np.ndarray]]  # (notes, seed) → samples at 44.1 kHz
Performer = Callable[[Song], np.ndarray]  # → samples at 44.1 kHz


@dataclass(frozen=True)
class Heard:
    """A recording: its sound at 44.1 kHz, cut, and what it is of."""

    samples: np.ndarray
    midi: int
    dynamic: int
    seconds: float  # as measures.note_seconds has it
    f0_hz: float

    @property
    def spec(self) -> NoteSpec:
        """The same note asked of a player."""
        return NoteSpec(self.midi, float(np.clip(self.seconds, 0.2, 5.0)), float(self.dynamic))


def recording(path: Path, midi: int, dynamic: int) -> Heard:
    """A recorded note from just before its onset to its end."""
    samples, rate = soundfile.read(path, always_2d=True)
    mono = samples.mean(axis=1)
    first, last = sounding(soxr.resample(mono, rate, MODEL_RATE))
    mono = soxr.resample(mono, rate, RATE)
    scale = RATE / MODEL_RATE
    cut = mono[max(0, round((first - 80) * scale)) : round((last + 240) * scale)]
    hz = float(midi_hz(midi))
    _, f0 = track_f0(cut, RATE, 0.01, floor_hz=hz * 0.85, ceiling_hz=hz * 1.18)
    voiced = f0[f0 > 0]
    return Heard(cut, midi, dynamic, measures.note_seconds(cut, RATE), float(np.median(voiced)) if len(voiced) else hz)


def recordings(index: dict[str, np.ndarray], folder: Path, which: np.ndarray) -> list[Heard]:
    """Prepared notes as they were recorded."""
    files = {path.name: path for path in folder.rglob("*") if path.is_file()}
    return [recording(files[str(index["name"][n])], int(index["midi"][n]), int(index["dynamic"][n])) for n in which]


def other_takes(index: dict[str, np.ndarray], which: np.ndarray) -> list[int | None]:
    """For each note another recording of its pitch and dynamic, the nearest in length; None where there is none."""
    out = []
    for n in which:
        same = (index["copy"] == 0) & (index["room"] == index["room"][n]) & (index["name"] != index["name"][n])
        same &= (index["midi"] == index["midi"][n]) & (index["dynamic"] == index["dynamic"][n])
        near = sorted(np.flatnonzero(same), key=lambda k: abs(int(index["length"][k]) - int(index["length"][n])))
        out.append(int(near[0]) if near else None)
    return out


def medians(rows: Sequence[Sequence[float]], places: int = 2) -> list[float]:
    """The median of each column."""
    return [round(float(x), places) for x in np.median(np.array(rows), axis=0)]


def apart(a: np.ndarray, b: np.ndarray) -> list[float]:
    """Two takes of a note beside each other: long-term spectrum dB, attack dB, correlation."""
    return [
        measures.spectrum_apart_db(a, b, RATE), measures.attack_apart_db(a, b, RATE), measures.correlation(a, b, RATE)
    ]  # fmt: skip


def seeds_apart(takes: Sequence[Sequence[np.ndarray]]) -> list[float]:
    """Medians of `apart` over notes and all pairs of takes, one a seed."""
    return medians([apart(x, y) for a, b in itertools.combinations(takes, 2) for x, y in zip(a, b)])


def pair_features(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How two takes differ, without saying which is which nor how either sounds: bands, envelope, waveform."""
    bands = np.abs(measures.third_octaves(a, RATE) - measures.third_octaves(b, RATE))
    levels = [measures.level_db(x, RATE) for x in (a, b)]
    cut = [np.maximum(v[measures.onset(v) :] - v.max(), -40.0) for v in levels]
    short = [np.pad(v[:120], (0, max(0, 120 - len(v))), mode="edge")[::10] for v in cut]
    return np.concatenate([bands, np.abs(short[0] - short[1]), apart(a, b)])


def pair_judge(real: np.ndarray, ours: np.ndarray, seed: int = 0) -> float:
    """How often a boosted tree tells two takes of a player from two seeds of ours, balanced, on pairs it has not seen
    (features [n, d] each, five folds); .5 is chance."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    x = np.concatenate([real, ours])
    y = np.repeat([0, 1], [len(real), len(ours)])
    model = HistGradientBoostingClassifier(max_iter=120, learning_rate=0.06, min_samples_leaf=6, random_state=seed)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    guessed = cross_val_predict(model, x, y, cv=folds)
    return round(float(np.mean([(guessed[y == k] == k).mean() for k in (0, 1)])), 3)


def by_dynamic(sounds: Sequence[np.ndarray], notes: Sequence[Heard], tuned: bool) -> dict[str, list[float]]:
    """Medians pp to ff of brightness, air and breath. tuned: the sounds are at A4 = 440 Hz, not at the recordings'."""
    out: dict[str, list[float]] = {"4-7 kHz": [], "8-12 kHz": [], "noise 4-8 kHz": [], "brightness left": []}
    for dynamic in range(len(DYNAMICS)):
        rows = []
        for sound, note in zip(sounds, notes):
            if note.dynamic == dynamic:
                hz = float(midi_hz(note.midi)) if tuned else note.f0_hz
                rows.append(
                    [
                        measures.band_db(sound, RATE, 4000, 7000), measures.band_db(sound, RATE, 8000, 12000),
                        measures.noise_db(sound, RATE, hz), measures.brightness_left(sound, RATE),
                    ]
                )  # fmt: skip
        for name, value in zip(out, medians(rows) if rows else [float("nan")] * len(out)):
            out[name].append(value)
    return out


def long_notes(sounds: Sequence[np.ndarray]) -> list[float]:
    """Half-second segments' distance in dB and the centroid's movement in per cent, medians."""
    return medians([[measures.segments_apart_db(x, RATE), 100 * measures.centroid_movement(x, RATE)] for x in sounds])


def line_rows(perform: Performer) -> dict[str, Any]:
    """Tongued eighths at 120: share within 6 dB of the top, dip between notes in dB; and levels by velocity, dB below
    the loudest."""
    pitches = (50, 52, 53, 55, 57, 55, 53, 52, 50, 55, 57, 58)
    notes = [Note(i / 2, 0.5, pitch, 80) for i, pitch in enumerate(pitches)]
    sound = perform(Song((Track("trombone", 57).with_notes(notes),), tempo=TEMPO))
    onsets = [i * 30 / TEMPO for i in range(len(notes))]
    shares = measures.plateau(sound, RATE, onsets, [30 / TEMPO] * len(notes))
    struck = [Note(4.0 * i, 2.0, 53, velocity) for i, velocity in enumerate(VELOCITIES)]
    level = measures.level_db(perform(Song((Track("trombone", 57).with_notes(struck),), tempo=TEMPO)), RATE)
    each = round(2.0 / measures.HOP_SECONDS)
    tops = [float(level[i * each : (i + 1) * each].max()) for i in range(len(struck))]
    return {
        "plateau": round(shares, 3),
        "dip": round(measures.dip_db(sound, RATE, onsets), 1),
        "velocities": [round(top - max(tops), 1) for top in tops],
    }


def note_rows(
    player: Player, heard: Sequence[Heard], reference: np.ndarray, network: embedding.Embedding
) -> dict[str, Any]:
    """All rows of one player that need single notes."""
    specs = [h.spec for h in heard]
    takes = [player(specs, seed) for seed in range(SEEDS)]
    sounds = [sound for take in takes for sound in take]
    long = [NoteSpec(midi, LONG_SECONDS, dynamic) for midi in (44, 52, 60) for dynamic in (1.0, 2.0, 3.0, 4.0)]
    errors = [abs(measures.note_seconds(x, RATE) - s.seconds) for x, s in zip(sounds, specs * SEEDS)]
    distances = [measures.frechet(embedding.embed(network, take), reference) for take in takes]
    return {
        "frechet": round(float(np.mean(distances)), 3),
        "length_within_60_ms": round(float(np.mean([e <= 0.06 for e in errors])), 3),
        "seeds_apart": seeds_apart(takes),
        "long": long_notes(player(long, 0)),
    } | by_dynamic(sounds, [*heard] * SEEDS, tuned=True)


def judged(
    players: dict[str, tuple[Player, Performer]], index: dict[str, np.ndarray], folder: Path, every: int = 1
) -> dict[str, dict[str, Any]]:
    """The rows of recordings and of each player."""
    held = np.flatnonzero((index["split"] == 2) & (index["room"] == 0))[::every]
    heard = recordings(index, folder, held)
    network = embedding.load()
    reference = embedding.embed(network, [h.samples for h in heard])
    others = other_takes(index, held)
    pairs = [(h, recordings(index, folder, np.array([n]))[0]) for h, n in zip(heard, others) if n is not None]
    long = np.flatnonzero((index["copy"] == 0) & (index["room"] == 0) & (index["length"] == 4))
    out: dict[str, dict[str, Any]] = {
        "recorded": {
            "frechet": round(measures.frechet(embedding.embed(network, [b.samples for _, b in pairs]), reference), 3),
            "seeds_apart": medians([apart(a.samples, b.samples) for a, b in pairs]),
            "long": long_notes([h.samples for h in recordings(index, folder, long) if len(h.samples) > 2 * RATE]),
        }
        | by_dynamic([h.samples for h in heard], heard, tuned=False)
    }
    real = np.array([pair_features(a.samples, b.samples) for a, b in pairs])
    for name, (player, perform) in players.items():
        out[name] = note_rows(player, heard, reference, network) | line_rows(perform)
        first, second = (player([pair[k].spec for pair in pairs], k) for k in (0, 1))
        ours = np.array([pair_features(a, b) for a, b in zip(first, second)])
        out[name]["pairs_told"] = pair_judge(real, ours)
    return out
