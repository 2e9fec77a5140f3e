"""Notes as the network plays them: what it is told of each, the playing, and the way from levels to sound.

    NoteSpec (midi, seconds, dynamic, …)  →  a take, Conditions  →  SampleRNN  →  levels  →  filters  →  samples

The network is network.py, its compiled loop sampler.py, what it is told conditions.py, what makes takes differ
takes.py, what is made of its sound extension.py. A note's length is until it has fallen 12 dB from its sustain;
then it rings.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from engine import Progress, RequestError
from engine.core.audio import Audio
from engine.core.pitch import loudness_db, midi_hz
from engine.trombone.conditions import DYNAMICS, HIGHEST, HOP, LOWEST, Conditions, harmonic_prior
from engine.trombone.config import Config, expand
from engine.trombone.extension import FULL_RATE, finished
from engine.trombone.pitch import RATE
from engine.trombone.request import MAX_SECONDS, SHORTEST, TEMPERATURE
from engine.trombone.takes import ATTACK, MIDDLE, RELEASE, STEP, TakeTables, draw, gains
from engine.trombone.takes import cents as wander

if TYPE_CHECKING:
    from engine.trombone.model import Model
    from engine.trombone.sampler import Sampler

RING = 1.0  # seconds at most that a release sounds on after the length
FALLEN_DB = -12.0  # of the sustain: where a note's length ends
LEAD = 0.12  # seconds that a slurred note plays before it is heard
ECHO_DB = -37.0  # below the top; a release falls no lower before its end
ECHO_FROM = -30.0  # below the top: from here on a release is faded as well
PEAK = 0.98  # the largest sample of a note
TOP_DB = -15.0  # loudest 25 ms of every note as the network knows it
DYNAMIC_POINTS = (-2.0, 0.0, 1.0, 2.0, 3.0, 4.0, 4.75)  # pp is 0, ff 4; beyond them velocities, louder or softer alone
LOUDNESS_DB = (-45.0, -32.0, -28.0, -24.0, -19.5, -15.0, -12.5)  # of the sound: recordings were levelled, this is ours
LENGTH_SECONDS = (0.34, 0.6, 0.88, 1.2, 2.5)  # middles of the length classes of recordings


@dataclass(frozen=True)
class Tables:
    """What notes are made of besides the weights, learnt from the training notes."""

    harmonics: np.ndarray  # complex64 [37, 5, 64], mean harmonics by pitch from LOWEST and dynamic
    takes: TakeTables


@dataclass(frozen=True)
class NoteSpec:
    """One note as it was asked for."""

    midi: float  # LOWEST … HIGHEST; fractions are quarter tones and the like
    seconds: float  # until it has fallen 12 dB from its sustain
    dynamic: float = 2.0  # 0 (pp) … 4 (ff), and a little beyond either
    ring: float = RING  # seconds that the release may sound on
    slurred: bool = False  # without the tongue's attack
    glide: tuple[float, float] = (0.0, 0.0)  # semitones from which it comes, and in how many seconds
    bend: tuple[tuple[float, float], ...] = ()  # (seconds from its onset, semitones)

    def check(self) -> None:
        """Refuse what cannot be played; not-a-number is in no range."""
        if not LOWEST <= self.midi <= HIGHEST:
            raise RequestError(f"MIDI {self.midi:g} is outside the trombone's range, {LOWEST} to {HIGHEST}.")
        if not SHORTEST <= self.seconds <= MAX_SECONDS:
            raise RequestError(
                f"A note of {self.seconds:g} seconds cannot be played; ask for {SHORTEST:g} to {MAX_SECONDS:g}."
            )
        if not DYNAMIC_POINTS[0] <= self.dynamic <= DYNAMIC_POINTS[-1]:
            raise RequestError(f"A dynamic of {self.dynamic:g} is outside 0 (pp) to 4 (ff).")

    @property
    def timbre(self) -> float:
        """Its dynamic as the network knows them, 0 … 4."""
        return min(max(self.dynamic, 0.0), len(DYNAMICS) - 1.0)


def _between(value: float, size: int) -> list[tuple[int, float]]:
    """Indices and weights that interpolate a table of `size` rows at `value`."""
    low = min(max(int(value), 0), size - 2)
    part = min(max(value - low, 0.0), 1.0)
    return [(low, 1 - part), (low + 1, part)] if part else [(low, 1.0)]


def loudness_of(template: np.ndarray, points: int) -> np.ndarray:
    """The loudness curve of a note of `points` · HOP samples, dB, float32 [points + 1]; its top is TOP_DB."""
    attack, release = min(ATTACK, points // 3), min(RELEASE, points // 2)
    middle = np.linspace(attack, points - release, MIDDLE + 2)[1:-1]
    where = np.concatenate([np.arange(attack), middle, np.arange(points - release, points)])
    curve = np.interp(np.arange(points), where, np.delete(template, np.r_[attack:ATTACK, ATTACK + MIDDLE : len(template) - release]))  # fmt: skip  # noqa: E501
    curve = np.maximum(curve - curve.max(), ECHO_DB)
    return np.append(curve + TOP_DB, -100.0).astype(np.float32)


def heard_points(curve: np.ndarray) -> int:
    """The points of a loudness curve from its onset, 30 dB below its top, until it has fallen for good by FALLEN_DB
    from its sustain, the median of what is within so much of the top."""
    sustain = np.median(curve[curve >= curve.max() + FALLEN_DB])
    return (
        len(curve) - 1 - int(np.argmax(curve[::-1] >= sustain + FALLEN_DB)) - int(np.argmax(curve > curve.max() - 30))
    )


def whole_curve(template: np.ndarray, seconds: float) -> np.ndarray:
    """The loudness curve of a note that lasts so long before it has fallen, and then rings."""
    wanted = round(seconds * RATE / HOP)
    points = wanted + RELEASE // 2
    for _ in range(8):
        curve = loudness_of(template, points)
        error = wanted - heard_points(curve)
        if not error:
            break
        points = max(points + error, 16)
    return curve


def harmonics_of(table: np.ndarray, note: NoteSpec) -> np.ndarray:
    """Mean harmonics of the nearest semitone, complex64 [64]; amplitudes between two dynamics in dB."""
    row = table[round(note.midi) - LOWEST]
    size = sum(share * np.log(np.abs(row[d]) + 1e-7) for d, share in _between(note.timbre, len(DYNAMICS)))
    turn = row[round(note.timbre)]
    kept = np.arange(1, len(turn) + 1) * float(midi_hz(note.midi)) < RATE * 0.47
    out: np.ndarray = (np.exp(size) * np.exp(1j * np.angle(turn)) * kept).astype(np.complex64)
    return out


def bent(note: NoteSpec, frames: int) -> np.ndarray:
    """How far a note is from its pitch, cents float64 [frames]: its bends, and the slide on its way from another."""
    at = np.arange(frames) / RATE - LEAD * note.slurred
    cents = np.zeros(frames)
    if note.bend:
        times, semitones = zip(*note.bend)
        cents += 100 * np.interp(at, times, semitones)
    interval, seconds = note.glide
    if interval:
        cents += 50 * interval * (1 + np.cos(np.pi * np.clip(at / seconds, 0, 1)))
    return cents


def conditions_of(tables: Tables, note: NoteSpec, rng: np.random.Generator) -> Conditions:
    """What the network is told about one take of a note."""
    seconds = note.seconds + LEAD * note.slurred
    length = float(np.interp(np.log(seconds), np.log(LENGTH_SECONDS), np.arange(len(LENGTH_SECONDS))))
    take = draw(tables.takes, note.midi, note.timbre, length, rng)
    curve = whole_curve(take.loudness, seconds)
    whole = (len(curve) - 1) * HOP
    frames = min(whole, round((seconds + note.ring) * RATE))
    cents = wander(tables.takes, note.timbre, frames, rng) + bent(note, frames)
    phase = np.cumsum(midi_hz(note.midi + cents / 100)) / RATE
    below = np.clip(
        TOP_DB - np.interp(np.arange(frames // STEP + 2) * (STEP / HOP), np.arange(len(curve)), curve), 0, 20
    )
    harmonics = take.harmonics(harmonics_of(tables.harmonics, note))
    moved = gains(tables.takes, note.timbre, below, rng)
    power = (moved * np.abs(harmonics)) ** 2  # what moves is the colour; the curve alone says how loud
    moved /= np.sqrt(power.sum(axis=1, keepdims=True) / np.sum(np.abs(harmonics) ** 2))
    prior = harmonic_prior(phase, curve, harmonics, moved, STEP)
    return Conditions(note.midi, note.timbre, phase, curve, prior, after=whole - frames)


def decode(levels: np.ndarray, config: Config) -> np.ndarray:
    """Levels as amplitudes in -1 … 1, float32; the last 5 ms are faded so that no cut clicks."""
    y = (levels.astype(np.float32) - 128) / 127.5
    x = expand(y, config.companding)
    x = _filtered(x, lambda hz: 1 / (1 - config.emphasis * np.exp(-2j * np.pi * hz / RATE)))  # de-emphasis
    fall = min(80, len(x))
    x[len(x) - fall :] *= np.linspace(1, 0, fall, dtype=np.float32)
    out: np.ndarray = np.clip(x, -1, 1).astype(np.float32)
    return out


def dying(curve: np.ndarray, frames: int) -> np.ndarray:
    """How a release goes on falling once it is faint, factors float32 [frames]: a recording ends there, in its room's
    noise. From where the loudness curve of the whole note is for good ECHO_FROM below its top to its end, cos²."""
    fallen = len(curve) - 1 - int(np.argmax(curve[::-1] > curve.max() + ECHO_FROM))
    share = (np.arange(frames) / HOP - fallen) / max(len(curve) - 1 - fallen, 1)
    return np.asarray(np.cos(np.pi / 2 * np.clip(share, 0, 1)) ** 2, np.float32)


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


def as_loud(sound: np.ndarray, dynamic: float, rate: int) -> np.ndarray:
    """A note whose loudest 25 ms are as loud as its dynamic asks, or softer where it would clip; float32."""
    window = np.hanning(round(0.025 * rate) + 2)[1:-1]
    top = float(loudness_db(sound, window, round(0.004 * rate)).max(initial=-100.0))
    gain = 10 ** ((np.interp(dynamic, DYNAMIC_POINTS, LOUDNESS_DB) - top) / 20)
    return np.asarray(sound * min(gain, PEAK / max(float(np.abs(sound).max(initial=0.0)), 1e-9)), np.float32)


def played(
    sampler: Sampler, tables: Tables, notes: Sequence[NoteSpec], generators: Sequence[np.random.Generator],
    temperature: float, progress: Progress | None = None, threads: int | None = None,
) -> tuple[list[np.ndarray], list[Conditions]]:  # fmt: skip
    """Notes at 16 kHz as SampleRNN plays them, at the level at which they are modelled, float32; what it was told."""
    conditions = [conditions_of(tables, n, g) for n, g in zip(notes, generators)]
    levels = sampler.play(conditions, generators, temperature, progress, threads)
    return [
        without_rumble(decode(x, sampler.config), n.midi, c.faintness(c.frames)) * dying(c.loudness_db, c.frames)
        for x, n, c in zip(levels, notes, conditions)
    ], conditions


def play(
    model: Model, notes: Sequence[NoteSpec], *, seed: int, temperature: float = TEMPERATURE, rate: int = FULL_RATE,
    first: int = 0, progress: Progress | None = None, threads: int | None = None,
) -> list[np.ndarray]:  # fmt: skip
    """Many notes side by side, as loud as their dynamics: float32 at `rate`, from the onset to the end of the release.

    Note i, counted from `first`, depends on `seed`, on i and on itself alone. temperature 0 (no chance, the mean) … 1
    (as learnt).
    """
    for note in notes:
        note.check()
    generators = [np.random.default_rng((seed % 2**63, first + i)) for i in range(len(notes))]
    sounds, conditions = played(model.sampler, model.tables, notes, generators, temperature, progress, threads)
    out, total = [], sum(told.frames for told in conditions)
    for sound, told, note, generator in zip(sounds, conditions, notes, generators):
        if progress:
            progress(total, total)  # which may stop it here as well
        heard = finished(sound, told.phase, note.midi, note.timbre, model.extension, generator, rate)
        out.append(as_loud(heard[round(LEAD * rate) * note.slurred :], note.dynamic, rate))
    return out


def eight_bit(audio: Audio) -> bytes:
    """WAV of unsigned 8 bits a sample, the thesis's own format, brought to full level first."""
    buffer = io.BytesIO()
    soundfile.write(buffer, audio.resampled(RATE).normalised(0.9).samples, RATE, format="WAV", subtype="PCM_U8")
    return buffer.getvalue()
