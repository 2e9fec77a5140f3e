"""Trombone: a note of a pitch, a length and a dynamic, played by a SampleRNN sample by sample. Loading and generation.

    (midi, seconds, dynamic)  →  Conditions  →  compiled SampleRNN  →  levels  →  two filters  →  Audio, 16 kHz

The network is engine/trombone/network.py, its compiled loop engine/trombone/sampler.py, what it is told
engine/trombone/conditions.py. The checkpoint holds two small tables beside the weights, both learnt from the training
notes: the mean harmonics of each pitch and dynamic (the prior), and the mean loudness curves by dynamic, pitch band and
length.

    python -m engine trombone --note Bb3 --seconds 2 --dynamic mf --seed 7 --out note.wav
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import CHECKPOINTS, Progress, RequestError
from engine import device as chosen_device
from engine.core import checkpoint
from engine.core.audio import Audio
from engine.core.pitch import midi_hz, note_name
from engine.trombone.conditions import DYNAMICS, HIGHEST, HOP, LOWEST, Conditions, harmonic_prior
from engine.trombone.config import Config, expand
from engine.trombone.pitch import RATE

if TYPE_CHECKING:
    from engine.trombone.network import SampleRNN
    from engine.trombone.sampler import Sampler

PATH = CHECKPOINTS / "trombone"
MIN_SECONDS, MAX_SECONDS = 0.2, 6.0  # of one note; recordings last 0.3 to 5
TEMPERATURE = 0.05
BEFORE, AFTER = 0.018, 0.016  # seconds that are played and not kept
ECHO_DB = -37.0  # below the top; a release falls no lower before its end
TOP_DB = -15.0  # loudest 25 ms of every note as the network knows it
LOUDNESS_DB = (-32.0, -28.0, -24.0, -19.5, -15.0)  # of the sound, pp to ff: recordings were levelled, loudness is ours
LENGTH_SECONDS = (0.34, 0.6, 0.88, 1.2, 2.5)  # middles of the loudness table's length classes
BANDS = (49, 58, 67)  # MIDI, borders of its pitch bands
ATTACK, MIDDLE, RELEASE = 32, 8, 128  # points of its templates; attack and release are HOP samples apart
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True)
class Trombone:
    """Frozen: weights and tables, read only. Any number of threads may play at once."""

    sampler: Sampler
    weights: dict[str, np.ndarray]
    harmonics: np.ndarray  # complex64 [37, 5, 64], mean harmonics by pitch from LOWEST and dynamic
    loudness: np.ndarray  # float32 [5, 4, 5, 168], dB below the top, by dynamic, pitch band and length class
    config: dict[str, Any]
    sha256: str

    @cached_property
    def network(self) -> SampleRNN:
        """The network in PyTorch, for evaluation; playing does not need it."""
        from engine.trombone.network import SampleRNN

        network = SampleRNN(self.sampler.config)
        checkpoint.fill(network, self.weights, "the model")
        return network


@dataclass(frozen=True)
class Asked:
    """One note as it was asked for."""

    midi: float  # LOWEST … HIGHEST; fractions are quarter tones and the like
    seconds: float
    dynamic: float = 2.0  # 0 (pp) … 4 (ff)


def load(path: Path | str = PATH, device: str | None = None) -> Trombone:
    """The trombone of a checkpoint folder. Refused when the checkpoint is missing, damaged or foreign.

    The notes are played by the compiled loop, on the CPU, whatever the device; it is refused all the same where it is
    not there.
    """
    return _load(path, device)


@checkpoint.shared
def _load(path: Path | str, device: str | None) -> Trombone:
    from engine.trombone.sampler import Sampler  # here, because it brings numba

    if device:
        chosen_device(device)
    found = checkpoint.load(path, "trombone")
    weights = dict(found.weights)
    harmonics = weights.pop("tables.harmonics", None)
    loudness = weights.pop("tables.loudness", None)
    if harmonics is None or loudness is None:
        raise RequestError(f"{Path(path) / 'model.safetensors'} has no tables of harmonics and loudness.")
    try:
        config = Config(**found.model)
    except TypeError as error:
        raise RequestError(f"{Path(path) / 'config.json'} describes another model: {error}.") from None
    checkpoint.fit(config.shapes(), weights, Path(path) / "model.safetensors")
    harmonics = (harmonics[..., 0] + 1j * harmonics[..., 1]).astype(np.complex64)
    return Trombone(Sampler(config, weights), weights, harmonics, loudness, found.config, found.sha256)


def read_note(text: str | int) -> int:
    """A MIDI number from "58" or a name such as Bb3 or C#4 (C4 is 60). Refused outside the range."""
    shown = str(text).strip()
    if re.fullmatch(r"-?\d+", shown):
        midi = int(shown)
    else:
        match = re.fullmatch(r"([A-Ga-g])(##|bb|#|b|♯|♭)?(-?\d)", shown)
        if not match:
            raise RequestError(
                f"'{shown[:20]}' is not a note: give a MIDI number such as 58 or a name such as Bb3 or C#4."
            )
        name, accidental, octave = match.groups()
        change = {"#": 1, "♯": 1, "##": 2, "b": -1, "♭": -1, "bb": -2}.get(accidental or "", 0)
        midi = 12 * (int(octave) + 1) + _STEPS[name.upper()] + change
    check_midi(midi)
    return midi


def check_midi(midi: float) -> None:
    if not LOWEST <= midi <= HIGHEST:
        raise RequestError(
            f"MIDI {midi:g} is outside the trombone's range: it plays {LOWEST} ({note_name(LOWEST)}) "
            f"to {HIGHEST} ({note_name(HIGHEST)})."
        )


def read_dynamic(text: str) -> float:
    """pp, p, mf, f or ff → 0 … 4; Refused for others."""
    if text not in DYNAMICS:
        raise RequestError(f"'{str(text)[:20]}' is not a dynamic that was learnt; choose {', '.join(DYNAMICS)}.")
    return float(DYNAMICS.index(text))


def check(asked: Asked) -> None:
    """Refuse what cannot be played."""
    check_midi(asked.midi)
    if not MIN_SECONDS <= asked.seconds <= MAX_SECONDS:  # also false for not-a-number
        raise RequestError(
            f"A note of {asked.seconds:g} seconds cannot be played; ask for {MIN_SECONDS:g} to {MAX_SECONDS:g} seconds."
        )
    if not 0 <= asked.dynamic <= len(DYNAMICS) - 1:
        raise RequestError(f"A dynamic of {asked.dynamic:g} is outside 0 (pp) to 4 (ff).")


def _between(value: float, size: int) -> list[tuple[int, float]]:
    """Indices and weights that interpolate a table of `size` rows at `value`."""
    low = min(max(int(value), 0), size - 2)
    part = min(max(value - low, 0.0), 1.0)
    return [(low, 1 - part), (low + 1, part)] if part else [(low, 1.0)]


def loudness_of(table: np.ndarray, asked: Asked, points: int) -> np.ndarray:
    """The loudness curve of a note of `points` · HOP samples, dB, float32 [points + 1]; its top is TOP_DB."""
    band = int(np.searchsorted(BANDS, asked.midi, side="right"))
    at = np.interp(np.log(asked.seconds), np.log(LENGTH_SECONDS), np.arange(len(LENGTH_SECONDS)))
    template = np.zeros(ATTACK + MIDDLE + RELEASE)
    for d, share in _between(asked.dynamic, len(DYNAMICS)):
        for n, part in _between(float(at), len(LENGTH_SECONDS)):
            template += share * part * table[d, band, n]
    attack, release = min(ATTACK, points // 3), min(RELEASE, points // 2)
    middle = np.linspace(attack, points - release, MIDDLE + 2)[1:-1]
    where = np.concatenate([np.arange(attack), middle, np.arange(points - release, points)])
    curve = np.interp(np.arange(points), where, np.delete(template, np.r_[attack:ATTACK, ATTACK + MIDDLE : len(template) - release]))  # fmt: skip  # noqa: E501
    curve = np.maximum(curve - curve.max(), ECHO_DB)
    return np.append(curve + TOP_DB, -100.0).astype(np.float32)


def harmonics_of(table: np.ndarray, asked: Asked) -> np.ndarray:
    """Mean harmonics of the nearest semitone, complex64 [64]; amplitudes between two dynamics in dB."""
    row = table[round(asked.midi) - LOWEST]
    size = sum(share * np.log(np.abs(row[d]) + 1e-7) for d, share in _between(asked.dynamic, len(DYNAMICS)))
    turn = row[round(asked.dynamic)]
    kept = np.arange(1, len(turn) + 1) * float(midi_hz(asked.midi)) < RATE * 0.47
    return (np.exp(size) * np.exp(1j * np.angle(turn)) * kept).astype(np.complex64)


def conditions_of(harmonics: np.ndarray, loudness: np.ndarray, asked: Asked, rng: np.random.Generator) -> Conditions:
    """What the network is told about a note. The pitch wanders by a cent or two, as lips do."""
    frames = round(asked.seconds * RATE)
    knots = rng.standard_normal(frames // 1600 + 3).cumsum() * 0.6
    cents = np.interp(np.arange(frames), np.arange(len(knots)) * 1600, knots - knots.mean())
    phase = np.cumsum(midi_hz(asked.midi + cents / 100)) / RATE
    curve = loudness_of(loudness, asked, frames // HOP + 1)
    prior = harmonic_prior(phase, curve, harmonics_of(harmonics, asked))
    return Conditions(asked.midi, asked.dynamic, phase, curve, prior)


def decode(levels: np.ndarray, config: Config, first: int = 0, count: int | None = None) -> np.ndarray:
    """`count` samples from `first` as amplitudes in -1 … 1, float32; 1 and 5 ms are faded so that no cut clicks."""
    y = (levels.astype(np.float32) - 128) / 127.5
    x = expand(y, config.companding)
    x = _filtered(x, lambda hz: 1 / (1 - config.emphasis * np.exp(-2j * np.pi * hz / RATE)))  # de-emphasis
    x = x[first : None if count is None else first + count]
    rise, fall = (16 if first else 0), min(80, len(x))
    x[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    x[len(x) - fall :] *= np.linspace(1, 0, fall, dtype=np.float32)
    return np.clip(x, -1, 1).astype(np.float32)


def without_rumble(sound: np.ndarray, midi: float, faint: np.ndarray) -> np.ndarray:
    """The note without what the network adds below its fundamental, float32 [n]; where it is `faint` [n], as it was.

    A Butterworth high-pass of order 4 at 0.7 of the fundamental, forwards and backwards.
    """
    corner = 0.7 * float(midi_hz(midi))
    filtered = _filtered(sound, lambda hz: hz**8 / (hz**8 + corner**8))
    return (faint * sound + (1 - faint) * filtered).astype(np.float32)


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
    notes: Sequence[Asked],
    generators: Sequence[np.random.Generator],
    temperature: float,
    progress: Progress | None = None,
    threads: int | None = None,
) -> list[np.ndarray]:
    """Notes at the level at which they are modelled, float32 [seconds · 16000] each.

    The network plays a little more than is kept: the note rises out of near silence and ends in it, and what is asked
    for is the length that is heard.
    """
    told = [
        conditions_of(*tables, replace(n, seconds=n.seconds + BEFORE + AFTER), g) for n, g in zip(notes, generators)
    ]
    played = sampler.play(told, generators, temperature, progress, threads)
    first = round(BEFORE * RATE)
    sounds = [decode(x, sampler.config, first, round(n.seconds * RATE)) for x, n in zip(played, notes)]
    return [
        without_rumble(s, n.midi, t.faintness(t.frames)[first : first + len(s)]) for s, n, t in zip(sounds, notes, told)
    ]


def play(
    model: Trombone, notes: Sequence[Asked], *, seed: int, temperature: float = TEMPERATURE,
    progress: Progress | None = None, threads: int | None = None,
) -> list[np.ndarray]:  # fmt: skip
    """Many notes side by side: float32 [seconds · 16000] each, as loud as their dynamics.

    Note i depends on `seed`, on i and on itself alone. temperature 0 (no chance, the mean) … 1 (as learnt).
    """
    for note in notes:
        check(note)
    if not 0 <= temperature <= 1.5:
        raise RequestError(f"A temperature of {temperature:g} is outside 0 to 1.5.")
    generators = [np.random.default_rng((seed % 2**63, i)) for i in range(len(notes))]
    sounds = sound_of(
        model.sampler, (model.harmonics, model.loudness), notes, generators, temperature, progress, threads
    )
    return [sound * gain_of(note.dynamic) for sound, note in zip(sounds, notes)]


def generate(
    model: Trombone, *, seed: int, midi: float, seconds: float = 2.0, dynamic: str | float = "mf",
    temperature: float = TEMPERATURE, progress: Progress | None = None,
) -> Audio:  # fmt: skip
    """One note: mono, 16 kHz, exactly `seconds` long. Same seed and settings, same bytes. Refused out of range."""
    asked = Asked(midi, seconds, read_dynamic(dynamic) if isinstance(dynamic, str) else dynamic)
    return Audio(play(model, [asked], seed=seed, temperature=temperature, progress=progress)[0], RATE)


def eight_bit(audio: Audio) -> bytes:
    """WAV of unsigned 8 bits a sample, the thesis's own format, brought to full level first."""
    import io

    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, audio.normalised(0.9).samples, audio.rate, format="WAV", subtype="PCM_U8")
    return buffer.getvalue()


def options(folder: Path | str = PATH) -> dict[str, Any]:
    """Range, lengths and dynamics, for `list`."""
    return {"notes": [LOWEST, HIGHEST], "seconds": [MIN_SECONDS, MAX_SECONDS], "dynamics": list(DYNAMICS)}
