"""A network plays notes that were recorded: how near it comes, by which its best weights are chosen, and its mistakes.

play_like         notes of the pitch, dynamic and length of recordings
play_validation   the score of an evaluation: log-mel distance, and what is out of tune or of wrong length
self_played       training notes as the network plays them, to learn from
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.core import checkpoint
from engine.trombone.conditions import Conditions
from engine.trombone.network import SampleRNN
from engine.trombone.notes import NoteSpec, Tables, played
from engine.trombone.pitch import RATE, measured_cents, sounding
from engine.trombone.request import MAX_SECONDS, SHORTEST, TEMPERATURE
from engine.trombone.sampler import Sampler
from training.trombone.batches import Notes
from training.trombone.measures import note_seconds

MELS, WINDOW, HOP = 80, 1024, 256
FLOOR_DB = -60.0
LENGTH_SECONDS = 0.06  # within which a length is right


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Mel spectrogram in dB below the note's loudest cell, at least FLOOR_DB, float [80, frames]."""
    import librosa

    padded = np.pad(np.asarray(samples, np.float32), (0, max(0, WINDOW - len(samples))))
    power = librosa.feature.melspectrogram(y=padded, sr=RATE, n_fft=WINDOW, hop_length=HOP, n_mels=MELS, fmin=40)
    return np.maximum(10 * np.log10(power / max(power.max(), 1e-20) + 1e-12), FLOOR_DB)


def log_mel_distance(played: np.ndarray, real: np.ndarray) -> float:
    """Mean absolute difference in dB between two notes, both from their onsets, over the shorter of the two."""
    spectra = []
    for samples in (played, real):
        first, last = sounding(samples)
        spectra.append(log_mel(samples[first:last] if last > first else np.zeros(WINDOW)))
    frames = min(s.shape[1] for s in spectra)
    return float(np.abs(spectra[0][:, :frames] - spectra[1][:, :frames]).mean())


def real_note(notes: Notes, note: int) -> np.ndarray:
    """A recording as modelled, float32 within 1."""
    first, last = notes.index["offsets"][note], notes.index["offsets"][note + 1]
    return notes.samples[first:last].astype(np.float32) / 32767


def tables(notes: Notes) -> Tables:
    """What playing reads besides the weights: harmonics by pitch and dynamic, and what takes differ by."""
    assert notes.takes is not None
    return Tables(notes.index["harmonic_table"], notes.takes)


def length(real: np.ndarray) -> float:
    """How long a recording is as lengths are asked for, within what can be."""
    return float(np.clip(note_seconds(real, RATE), SHORTEST, MAX_SECONDS))


def play_like(
    network: SampleRNN, notes: Notes, which: Sequence[int] | np.ndarray, temperature: float, seed: int = 0,
    using: Tables | None = None,
) -> list[np.ndarray]:  # fmt: skip
    """The network plays notes of the pitch (in tune), dynamic and length of recordings; samples as modelled.

    using: what notes are made of, if not what was prepared.
    """
    asked = [
        NoteSpec(float(notes.index["midi"][n]), length(real_note(notes, n)), float(notes.index["dynamic"][n]))
        for n in which
    ]
    generators = [np.random.default_rng((seed, i)) for i in range(len(asked))]
    sampler = Sampler(network.config, checkpoint.arrays(network))
    return played(sampler, using or tables(notes), asked, generators, temperature, threads=1)[0]


def play_validation(
    network: SampleRNN, notes: Notes, which: np.ndarray, temperature: float = TEMPERATURE
) -> tuple[float, dict[str, float]]:
    """The score by which checkpoints are chosen (lower is better) and what it is made of.

    Mean log-mel distance in dB, plus 10 for each tenth of notes out of tune (25 cents) or of wrong length (60 ms).
    """
    sounds = play_like(network, notes, which, temperature)
    real = [real_note(notes, n) for n in which]
    distance = float(np.mean([log_mel_distance(p, r) for p, r in zip(sounds, real)]))
    cents = [measured_cents(p, float(notes.index["midi"][n])) for p, n in zip(sounds, which)]
    tuned = float(np.mean([c is not None and abs(c) <= 25 for c in cents]))
    long = float(np.mean([abs(note_seconds(p, RATE) - length(r)) <= LENGTH_SECONDS for p, r in zip(sounds, real)]))
    return distance + 10 * (1 - tuned) + 10 * (1 - long), {"log_mel": distance, "in_tune": tuned, "length": long}


def self_played(
    network: SampleRNN, notes: Notes, which: np.ndarray, count: int, seed: int, temperature: float = 0.3
) -> dict[int, tuple[np.ndarray, float, int]]:
    """Training notes played by the network under their own measured conditions: its own mistakes, to learn from."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(which, min(count, len(which)), replace=False)
    conditions, kept = [], []
    for note in chosen:
        gain_db, from_table = float(rng.uniform(-5, 1)), int(rng.random() < 0.6)
        frames = notes.frames(note)
        gain = 10 ** (gain_db / 20) / 32767
        source = notes.table if from_table else notes.own
        prior = notes.part(source, note, 0, frames).astype(np.float32) * np.float32(gain)
        phase = notes.part(notes.phase, note, 0, frames).astype(np.float64)
        curve = np.maximum(notes.curve(note) + gain_db, -100).astype(np.float32)
        index = notes.index
        conditions.append(
            Conditions(
                notes.pitch(note), float(index["dynamic"][note]), phase, curve, prior, float(index["room"][note])
            )
        )
        kept.append((gain_db, from_table))
    generators = [np.random.default_rng((seed, 1, i)) for i in range(len(conditions))]
    levels = Sampler(network.config, checkpoint.arrays(network)).play(conditions, generators, temperature, threads=1)
    return {int(n): (np.rint(x).astype(np.uint8), *k) for n, x, k in zip(chosen, levels, kept)}
