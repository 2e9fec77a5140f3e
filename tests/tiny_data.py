"""Invented training data, small enough that every system prepares and trains on it in seconds."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import soundfile

from engine.core.pitch import midi_hz
from engine.trombone.pitch import RATE
from tests.melodies import collection
from training.__main__ import main as training
from training.band.genres import GENRES
from training.core.data import SongNotes, songs_npz
from training.trombone.prepare import prepare as prepare_trombone
from training.variation.prepare import prepare as prepare_variation

LABELS = [label for labels in GENRES.values() for label in labels]

AMPLITUDES = np.array([0.3, 1.0, 0.6, 0.3, 0.15])
PHASES = np.array([0.0, 1.1, -2.0, 0.4, 2.2])


def song(label: str, split: str, seed: int, bars: int = 24, shift: int = 0) -> SongNotes:
    """Kick and snare, a bass on C, G and F, chords above; a little of it by chance."""
    rng = np.random.default_rng(seed)
    notes = []
    for beat in range(4 * bars):
        root = (36, 43, 41)[beat // 4 % 3]
        notes += [(24 * beat, 0, 6, 36 if beat % 2 == 0 else 38, 100), (24 * beat, 3, 24, root + shift, 90)]
        for step in (0, 4, 7):
            if rng.random() < 0.7:
                notes.append((24 * beat, (1, 4, 2)[seed % 3], 20, root + 24 + step + shift, 70))
    columns = np.array(sorted(notes), np.int64).T
    return SongNotes(columns[1].astype(np.uint8), columns[0], columns[2], columns[3].astype(np.uint8),
                     columns[4].astype(np.uint8), label, split, 100.0 + seed)  # fmt: skip


def songs(bars: int = 24) -> Iterator[SongNotes]:
    for i, label in enumerate(LABELS):
        for j, split in enumerate(("train", "train", "val", "test")):
            yield song(label, split, 4 * i + j, bars, shift=(i * 5) % 12 - 6)


def as_npz(songs: Iterable[SongNotes], path: Path) -> Path:
    """Songs in one file, as `songs_npz` reads it."""
    made = list(songs)
    fields = {"track": "track", "onset": "onset", "dur": "duration", "pitch": "pitch", "vel": "velocity"}
    columns = {name: np.concatenate([getattr(song, field) for song in made]) for name, field in fields.items()}
    np.savez(path, **columns, offsets=np.concatenate([[0], np.cumsum([len(song.onset) for song in made])]),
             genre=[song.label for song in made], split=[song.split for song in made],
             qpm=[song.tempo for song in made])  # fmt: skip
    return path


def songs_file(path, count=12):
    """Songs of four bars on five tracks; two thirds train, the others val and test."""
    rng = np.random.default_rng(0)
    notes, offsets = [], [0]
    for _ in range(count):
        for track in range(5):
            for onset in np.sort(rng.choice(64, 20, replace=False)) * 6:
                notes.append((track, onset, 12, rng.integers(36, 80), 90))
        offsets.append(len(notes))
    track, onset, dur, pitch, vel = (np.array(column) for column in zip(*notes))
    np.savez(
        path, offsets=np.array(offsets), track=track.astype(np.uint8), onset=onset.astype(np.uint16),
        dur=dur.astype(np.uint8), pitch=pitch.astype(np.uint8), vel=vel.astype(np.uint8),
        genre=np.array(["jazz"] * count), qpm=np.full(count, 120.0),
        split=np.array((["train"] * 4 + ["val", "test"]) * (count // 6)),
    )  # fmt: skip


def sound(midi: float, seconds: float, *, level: float = 0.1, rate: int = RATE, silence: float = 0.2) -> np.ndarray:
    """A brassy note with silence before it, vibrating by a few cents."""
    at = np.arange(round(seconds * rate)) / rate
    cents = 4 * np.sin(2 * np.pi * 5 * at)
    phase = np.cumsum(midi_hz(midi + cents / 100)) / rate
    wave = sum(a * np.cos(2 * np.pi * h * phase + p) for h, (a, p) in enumerate(zip(AMPLITUDES, PHASES), 1))
    shape = np.minimum(1, at / 0.04) * np.minimum(1, (seconds - at) / 0.08)
    rng = np.random.default_rng(0)
    note = np.concatenate([np.zeros(round(silence * rate)), level * shape * wave, np.zeros(rate // 10)])
    return note + 1e-5 * rng.standard_normal(len(note))


def recorded(root: Path) -> Path:
    """A manifest of notes in two dynamics and some lengths, one of another instrument, one with a wrong label."""
    rows = []
    for midi in range(45, 53):
        for dynamic, level in (("piano", 0.05), ("fortissimo", 0.4)):
            name = f"{midi}-{dynamic}.wav"
            soundfile.write(root / name, sound(midi + 0.11, 0.3 + 0.05 * (midi % 3), level=level), RATE)
            rows.append((name, "trombone", "note", midi, dynamic, "normal", "philharmonia"))
    soundfile.write(root / "wrong.wav", sound(52, 0.4), RATE)
    rows.append(("wrong.wav", "trombone", "note", 60, "piano", "normal", "philharmonia"))
    rows.append(("45-piano.wav", "flute", "note", 45, "piano", "normal", "philharmonia"))
    with open(root / "manifest.csv", "w", newline="") as file:
        csv.writer(file).writerows([("file", "instrument", "kind", "midi", "dynamic", "articulation", "source"), *rows])
    return root


def play(path: Path, hz: list[float], brightness: float, seed: int = 0) -> Path:
    """Write a melody of an instrument that is as bright as asked: every harmonic `brightness` times the one before."""
    random = np.random.default_rng(seed)
    notes = []
    for f in hz:
        t = np.arange(int(0.45 * RATE)) / RATE
        ramp = np.minimum(1, np.minimum(t, 0.45 - t) / 0.04)
        numbers = [k for k in range(1, 13) if f * k < 7900]
        wave = sum(brightness ** (k - 1) * np.sin(2 * np.pi * f * k * t + random.uniform(0, 6)) for k in numbers)
        notes += [0.2 * ramp * wave, np.zeros(800)]
    sound = np.concatenate(notes)
    soundfile.write(path, sound + 3e-4 * random.standard_normal(len(sound)), RATE)
    return path


def two_instruments(folder: Path) -> Path:
    """Two folders of a few recordings of made-up instruments, a dull and a bright one, prepared."""
    random = np.random.default_rng(0)
    for name, brightness in (("dull", 0.25), ("bright", 0.85)):
        (folder / name).mkdir()
        for i in range(10):
            hz = 440 * 2 ** (random.integers(-5, 8, 6) / 12)
            play(folder / name / f"{name}-{i}.wav", list(hz), brightness, i)
    folders = ["--a", str(folder / "dull"), "--b", str(folder / "bright")]
    training(["prepare", "translation", *folders, "--prepared", str(folder / "prepared")])
    return folder


def prepared_systems(folder: Path) -> Path:
    """Small arrays of the systems that train, in a folder each."""
    two_instruments(folder)
    (folder / "tunes.abc").write_text(collection())
    training(["prepare", "melody", "--prepared", str(folder / "melody"), "--data", str(folder / "tunes.abc")])
    songs_file(folder / "songs.npz")
    prepare_variation(songs_npz(folder / "songs.npz"), folder / "variation")
    (folder / "notes").mkdir()
    prepare_trombone(recorded(folder / "notes"), folder / "trombone", copies=1, progress=False)
    return folder
