"""Performance and timbre back to sound: a bank of harmonics, and noise through bands."""

from __future__ import annotations

import numpy as np

from engine import Progress
from engine.core import pitch
from engine.translation.analysis import envelope
from engine.translation.frames import (
    CHUNK,
    EDGES,
    FFT,
    FLOOR_DB,
    HARMONICS,
    HOP,
    KNOTS,
    PARTS,
    SILENCE_DB,
    TO_HARMONICS,
    Frames,
    audible,
    pieces,
)

ROUNDS = 3  # of bringing the sound to its envelope: one leaves what the windows of its measure blunt
GAINS_DB = (-40.0, 12.0)


def controls(frames: Frames) -> tuple[np.ndarray, np.ndarray]:
    """Amplitudes of the harmonics [t, 310] and powers of the noise bands [t, 32] that have each frame's loudness."""
    harmonics = 10 ** (np.clip(frames.timbre[:, :KNOTS].astype(np.float64), FLOOR_DB, 6) @ TO_HARMONICS.T / 10)
    harmonics *= audible(frames.f0_hz)
    bands = 10 ** (frames.timbre[:, KNOTS:].astype(np.float64) / 10)
    gain = 10 ** (frames.loudness_db / 10) / np.maximum(harmonics.sum(1) + bands.sum(1), 1e-15)
    gain *= frames.loudness_db > SILENCE_DB + 1
    return np.sqrt(2 * harmonics * gain[:, None]), bands * gain[:, None]


class Synthesiser:
    """Plays frames a chunk after the other; the chunks joined are what one call would have played.

    seed: of the noise and of the harmonics' starting phases.
    """

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.starts = self.random.uniform(0, 2 * np.pi, HARMONICS)
        self.phase = 0.0  # of the fundamental, in turns
        self.before: tuple[float, np.ndarray] | None = None  # the last frame's fundamental and amplitudes
        self.tail = np.zeros(HOP)  # of the last frame's noise

    def play(self, frames: Frames, midi: np.ndarray) -> np.ndarray:
        """float64 [704 t]: the samples before each frame's centre are its own. midi [t] is the whole recording's
        line through unvoiced frames too (:func:`filled_midi`), of these frames."""
        amplitudes, bands = controls(frames)
        hz = pitch.midi_hz(midi)
        out: np.ndarray = self._harmonics(hz, amplitudes) + self._noise(bands)
        return out

    def _harmonics(self, hz: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
        if self.before is None:
            self.before = (hz[0], amplitudes[0] * 0)
        hz = np.concatenate([[self.before[0]], hz])
        amplitudes = np.concatenate([self.before[1][None], amplitudes])
        self.before = (hz[-1], amplitudes[-1])
        from engine.translation.compiled import oscillate  # here, because numba takes half a second to import

        out = np.zeros((len(hz) - 1) * HOP)
        self.phase = oscillate(hz, amplitudes, self.phase, np.exp(1j * self.starts), out)
        return out

    def _noise(self, bands: np.ndarray) -> np.ndarray:
        size = 2 * HOP
        edges = EDGES * size // FFT
        widths = np.maximum(np.diff(edges), 1)
        levels = np.sqrt(bands / widths * size * size / 2 / 2)  # of each bin: a real spectrum's power stands twice
        magnitudes = np.repeat(levels, widths, axis=1)[:, :HOP]  # up to TOP
        window = np.sqrt(np.hanning(size + 1)[:-1])
        count = magnitudes.shape[1]
        white = self.random.standard_normal((len(bands), 2, count)) * np.sqrt(0.5)
        spectra = np.zeros((len(bands), HOP + 1), np.complex128)
        spectra[:, :count] = magnitudes * (white[:, 0] + 1j * white[:, 1])
        spectra[:, 0] = 0
        grains = np.fft.irfft(spectra, size, axis=1) * window * np.sqrt(2)
        out = np.zeros((len(bands) + 1) * HOP)
        out[:HOP] = self.tail
        out[:-HOP] += grains[:, :HOP].ravel()
        out[HOP:] += grains[:, HOP:].ravel()
        self.tail = out[-HOP:].copy()
        return out[:-HOP]


def synthesise(
    frames: Frames, samples: int | None = None, seed: int = 0, progress: Progress | None = None
) -> np.ndarray:
    """The sound of frames, float32 [samples] at 44.1 kHz (704 a frame when not said)."""
    player = Synthesiser(seed)
    midi = frames.midi
    sound = np.zeros(len(frames) * HOP if samples is None else samples, np.float32)

    def put(at: int, part: np.ndarray) -> None:
        """What is played from sample `at` on; what lies before the first one and after the last is left out."""
        part = part[max(0, -at) :]
        room = sound[max(0, at) : max(0, at) + len(part)]
        room[:] = part[: len(room)]

    for part in pieces(len(frames)):
        if progress:
            progress(part.start, len(frames))
        put((part.start - 1) * HOP, player.play(frames[part], midi[part]))
    put((len(frames) - 1) * HOP, player.tail)
    if frames.envelope_db is not None:
        for _ in range(ROUNDS):
            shape(sound, frames.envelope_db, midi)
    return sound


def shape(sound: np.ndarray, envelope_db: np.ndarray, midi: np.ndarray) -> None:
    """Bring a sound, where it stands, to an envelope [t, 4] dB: frames are longer than a note's first instants."""
    wanted = envelope_db.ravel()
    gain_db = np.clip(wanted - envelope(sound, midi).ravel()[: len(wanted)], *GAINS_DB)
    step = HOP // PARTS
    for start in range(0, len(sound), step * CHUNK):
        part = sound[start : start + step * CHUNK]
        at = (start + np.arange(len(part))) / step
        part *= 10 ** (np.interp(at, np.arange(len(gain_db)), gain_db) / 20)
