"""Notes as the network plays them: what it is told of each, the playing, and the way from levels to sound.

    NoteSpec (midi, seconds, dynamic)  →  Conditions  →  compiled SampleRNN  →  levels  →  two filters  →  samples

The network is network.py, its compiled loop sampler.py, what it is told conditions.py. Two small tables, both learnt
from the training notes, stand beside the weights: the mean harmonics of each pitch and dynamic (the prior), and the
mean loudness curves by dynamic, pitch band and length.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from engine import Progress, RequestError
from engine.core.audio import Audio
from engine.core.pitch import midi_hz
from engine.trombone.conditions import DYNAMICS, HIGHEST, HOP, LOWEST, Conditions, harmonic_prior
from engine.trombone.config import Config, expand
from engine.trombone.model import Model
from engine.trombone.pitch import RATE
from engine.trombone.request import MAX_SECONDS, MIN_SECONDS, TEMPERATURE

if TYPE_CHECKING:
    from engine.trombone.sampler import Sampler

BEFORE, AFTER = 0.018, 0.016  # seconds that are played and not kept
ECHO_DB = -37.0  # below the top; a release falls no lower before its end
TOP_DB = -15.0  # loudest 25 ms of every note as the network knows it
LOUDNESS_DB = (-32.0, -28.0, -24.0, -19.5, -15.0)  # of the sound, pp to ff: recordings were levelled, loudness is ours
LENGTH_SECONDS = (0.34, 0.6, 0.88, 1.2, 2.5)  # middles of the loudness table's length classes
BANDS = (49, 58, 67)  # MIDI, borders of its pitch bands
ATTACK, MIDDLE, RELEASE = 32, 8, 128  # points of its templates; attack and release are HOP samples apart


@dataclass(frozen=True)
class NoteSpec:
    """One note as it was asked for."""

    midi: float  # LOWEST … HIGHEST; fractions are quarter tones and the like
    seconds: float
    dynamic: float = 2.0  # 0 (pp) … 4 (ff)

    def check(self) -> None:
        """Refuse what cannot be played; not-a-number is in no range."""
        if not LOWEST <= self.midi <= HIGHEST:
            raise RequestError(f"MIDI {self.midi:g} is outside the trombone's range, {LOWEST} to {HIGHEST}.")
        if not MIN_SECONDS <= self.seconds <= MAX_SECONDS:
            raise RequestError(
                f"A note of {self.seconds:g} seconds cannot be played; ask for {MIN_SECONDS:g} to {MAX_SECONDS:g}."
            )
        if not 0 <= self.dynamic <= len(DYNAMICS) - 1:
            raise RequestError(f"A dynamic of {self.dynamic:g} is outside 0 (pp) to 4 (ff).")


def _between(value: float, size: int) -> list[tuple[int, float]]:
    """Indices and weights that interpolate a table of `size` rows at `value`."""
    low = min(max(int(value), 0), size - 2)
    part = min(max(value - low, 0.0), 1.0)
    return [(low, 1 - part), (low + 1, part)] if part else [(low, 1.0)]


def loudness_of(table: np.ndarray, note: NoteSpec, points: int) -> np.ndarray:
    """The loudness curve of a note of `points` · HOP samples, dB, float32 [points + 1]; its top is TOP_DB."""
    band = int(np.searchsorted(BANDS, note.midi, side="right"))
    at = np.interp(np.log(note.seconds), np.log(LENGTH_SECONDS), np.arange(len(LENGTH_SECONDS)))
    template = np.zeros(ATTACK + MIDDLE + RELEASE)
    for d, share in _between(note.dynamic, len(DYNAMICS)):
        for n, part in _between(float(at), len(LENGTH_SECONDS)):
            template += share * part * table[d, band, n]
    attack, release = min(ATTACK, points // 3), min(RELEASE, points // 2)
    middle = np.linspace(attack, points - release, MIDDLE + 2)[1:-1]
    where = np.concatenate([np.arange(attack), middle, np.arange(points - release, points)])
    curve = np.interp(np.arange(points), where, np.delete(template, np.r_[attack:ATTACK, ATTACK + MIDDLE : len(template) - release]))  # fmt: skip  # noqa: E501
    curve = np.maximum(curve - curve.max(), ECHO_DB)
    return np.append(curve + TOP_DB, -100.0).astype(np.float32)


def harmonics_of(table: np.ndarray, note: NoteSpec) -> np.ndarray:
    """Mean harmonics of the nearest semitone, complex64 [64]; amplitudes between two dynamics in dB."""
    row = table[round(note.midi) - LOWEST]
    size = sum(share * np.log(np.abs(row[d]) + 1e-7) for d, share in _between(note.dynamic, len(DYNAMICS)))
    turn = row[round(note.dynamic)]
    kept = np.arange(1, len(turn) + 1) * float(midi_hz(note.midi)) < RATE * 0.47
    out: np.ndarray = (np.exp(size) * np.exp(1j * np.angle(turn)) * kept).astype(np.complex64)
    return out


def conditions_of(harmonics: np.ndarray, loudness: np.ndarray, note: NoteSpec, rng: np.random.Generator) -> Conditions:
    """What the network is told about a note. The pitch wanders by a cent or two, as lips do."""
    frames = round(note.seconds * RATE)
    knots = rng.standard_normal(frames // 1600 + 3).cumsum() * 0.6
    cents = np.interp(np.arange(frames), np.arange(len(knots)) * 1600, knots - knots.mean())
    phase = np.cumsum(midi_hz(note.midi + cents / 100)) / RATE
    curve = loudness_of(loudness, note, frames // HOP + 1)
    prior = harmonic_prior(phase, curve, harmonics_of(harmonics, note))
    return Conditions(note.midi, note.dynamic, phase, curve, prior)


def decode(levels: np.ndarray, config: Config, first: int = 0, count: int | None = None) -> np.ndarray:
    """`count` samples from `first` as amplitudes in -1 … 1, float32; 1 and 5 ms are faded so that no cut clicks."""
    y = (levels.astype(np.float32) - 128) / 127.5
    x = expand(y, config.companding)
    x = _filtered(x, lambda hz: 1 / (1 - config.emphasis * np.exp(-2j * np.pi * hz / RATE)))  # de-emphasis
    x = x[first : None if count is None else first + count]
    rise, fall = (16 if first else 0), min(80, len(x))
    x[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    x[len(x) - fall :] *= np.linspace(1, 0, fall, dtype=np.float32)
    out: np.ndarray = np.clip(x, -1, 1).astype(np.float32)
    return out


def without_rumble(sound: np.ndarray, midi: float, faint: np.ndarray) -> np.ndarray:
    """The note without what the network adds below its fundamental, float32 [n]; where it is `faint` [n], as it was.

    A Butterworth high-pass of order 4 at 0.7 of the fundamental, forwards and backwards.
    """
    corner = 0.7 * float(midi_hz(midi))
    filtered = _filtered(sound, lambda hz: hz**8 / (hz**8 + corner**8))
    out: np.ndarray = (faint * sound + (1 - faint) * filtered).astype(np.float32)
    return out


def _filtered(sound: np.ndarray, response: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """float64 [n] through a frequency response over Hz, with silence around it."""
    size = 2 * len(sound)
    return np.fft.irfft(np.fft.rfft(sound, size) * response(np.fft.rfftfreq(size, 1 / RATE)), size)[: len(sound)]


def gain_of(dynamic: float) -> float:
    """Amplitude factor that makes a note as loud as its dynamic asks."""
    return float(10 ** ((np.interp(dynamic, range(len(DYNAMICS)), LOUDNESS_DB) - TOP_DB) / 20))


def sound_of(
    sampler: Sampler,
    tables: tuple[np.ndarray, np.ndarray],
    notes: Sequence[NoteSpec],
    generators: Sequence[np.random.Generator],
    temperature: float,
    progress: Progress | None = None,
    threads: int | None = None,
) -> list[np.ndarray]:
    """Notes at the level at which they are modelled, float32 [seconds · 16000] each.

    The network plays a little more than is kept: the note rises out of near silence and ends in it, and what is asked
    for is the length that is heard.
    """
    conditions = [
        conditions_of(*tables, replace(n, seconds=n.seconds + BEFORE + AFTER), g) for n, g in zip(notes, generators)
    ]
    played = sampler.play(conditions, generators, temperature, progress, threads)
    first = round(BEFORE * RATE)
    sounds = [decode(x, sampler.config, first, round(n.seconds * RATE)) for x, n in zip(played, notes)]
    return [
        without_rumble(s, n.midi, t.faintness(t.frames)[first : first + len(s)])
        for s, n, t in zip(sounds, notes, conditions)
    ]


def play(
    model: Model, notes: Sequence[NoteSpec], *, seed: int, temperature: float = TEMPERATURE,
    progress: Progress | None = None, threads: int | None = None,
) -> list[np.ndarray]:  # fmt: skip
    """Many notes side by side: float32 [seconds · 16000] each, as loud as their dynamics.

    Note i depends on `seed`, on i and on itself alone. temperature 0 (no chance, the mean) … 1 (as learnt).
    """
    for note in notes:
        note.check()
    generators = [np.random.default_rng((seed % 2**63, i)) for i in range(len(notes))]
    sounds = sound_of(
        model.sampler, (model.harmonics, model.loudness), notes, generators, temperature, progress, threads
    )
    return [sound * gain_of(note.dynamic) for sound, note in zip(sounds, notes)]


def eight_bit(audio: Audio) -> bytes:
    """WAV of unsigned 8 bits a sample, the thesis's own format, brought to full level first."""
    buffer = io.BytesIO()
    soundfile.write(buffer, audio.normalised(0.9).samples, audio.rate, format="WAV", subtype="PCM_U8")
    return buffer.getvalue()
