"""A recording as performance and timbre, and back to sound: harmonics plus filtered noise.

After DDSP (Engel et al. 2020) and, for the split into sinusoids and residual, Serra & Smith 1990. At 16 kHz, a frame
every 256 samples (16 ms):

    samples [n] → Frames: f0_hz [t] (0 unvoiced), loudness_db [t]      the performance, which translation carries over
                          timbre [t, 64] dB                            40 knots of harmonics, 24 noise bands

A knot is a harmonic's level (1 to 16 each have their own; above, linear interpolation between knots spaced further and
further apart), a band is the level of what remains when the harmonics are taken away. Both are relative to the whole
frame's power, so timbre holds no loudness. The fundamental is tracked by Praat's autocorrelation (Boersma 1993).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numba
import numpy as np

from engine import Progress
from engine.core import pitch

RATE = 16_000  # Hz
HOP = 256  # samples a frame
KNOTS, BANDS = 40, 24
TIMBRE = KNOTS + BANDS
F0_RANGE = (58.0, 2_200.0)  # Hz
FLOOR_OF_POWER = 150.0  # dB below full scale
FLOOR_DB = -90.0  # of a knot or band, relative to its frame
SILENCE_DB = -120.0
FFT = 4_096
LOUDNESS_WINDOW = 512  # samples
WINDOWS = (256, 512, 1_024, 2_048)  # samples; a frame takes the shortest that holds PERIODS of its fundamental
PERIODS = 5  # fewer and harmonics run together, more and vibrato smears them into noise
UNVOICED_WINDOW = 512
LONGER = 4
CHUNK = 1_024  # frames analysed or played at once: memory does not grow with the recording


@dataclass(frozen=True)
class Frames:
    f0_hz: np.ndarray  # float64 [t], 0 where unvoiced
    loudness_db: np.ndarray  # float64 [t], root mean square, full scale 0
    timbre: np.ndarray  # float32 [t, 64], dB relative to the frame's power

    def __len__(self) -> int:
        return len(self.f0_hz)

    def __getitem__(self, part: slice) -> Frames:
        return Frames(self.f0_hz[part], self.loudness_db[part], self.timbre[part])

    @property
    def voiced(self) -> np.ndarray:
        """bool [t]."""
        return self.f0_hz > 0

    @property
    def midi(self) -> np.ndarray:
        """float64 [t]: the pitch, through unvoiced frames too, by interpolation; 60 where nothing is voiced."""
        return filled_midi(self.f0_hz)


def filled_midi(f0_hz: np.ndarray) -> np.ndarray:
    """MIDI pitch of every frame; unvoiced ones take the line between their voiced neighbours."""
    voiced = np.flatnonzero(f0_hz > 0)
    if not len(voiced):
        return np.full(len(f0_hz), 60.0)
    out: np.ndarray = np.interp(np.arange(len(f0_hz)), voiced, pitch.hz_midi(f0_hz[voiced]))
    return out


def _knots() -> np.ndarray:
    """Harmonic numbers of the knots: 1, 2, … 16, then evenly in ratio to the last harmonic there can be."""
    last = RATE / 2 / F0_RANGE[0]
    return np.concatenate([np.arange(1.0, 17.0), np.geomspace(16.0, last, KNOTS - 16 + 1)[1:]])


HARMONICS = int(RATE / 2 / F0_RANGE[0])
KNOT_NUMBERS = _knots()
# [harmonics, knots]: linear interpolation; its pseudo-inverse finds the knots that fit a frame's harmonics best.
TO_HARMONICS = np.array([np.interp(np.arange(1, HARMONICS + 1), KNOT_NUMBERS, row) for row in np.eye(KNOTS)]).T
TO_KNOTS = np.linalg.pinv(TO_HARMONICS)


def band_edges(bands: int = BANDS) -> np.ndarray:
    """Edges of the noise bands as bins of the FFT, int [bands + 1]: evenly spaced in mel from 0 to 8 kHz."""
    top = 2595 * np.log10(1 + RATE / 2 / 700)
    hz = 700 * (10 ** (np.linspace(0, top, bands + 1) / 2595) - 1)
    return np.round(hz / RATE * FFT).astype(np.int64)


EDGES = band_edges()


def frame_count(samples: int) -> int:
    """Frames of a recording; frame i is centred at sample 256 i."""
    return samples // HOP + 1


def track_f0(samples: np.ndarray) -> np.ndarray:
    """Fundamental in Hz at every frame, float64 [t], 0 where nothing periodic is heard."""
    frames = frame_count(len(samples))
    times, f0_hz = pitch.track_f0(
        samples, RATE, HOP / RATE, floor_hz=F0_RANGE[0], ceiling_hz=F0_RANGE[1], silence_threshold=0.01,
        voicing_threshold=0.45, octave_cost=0.03, octave_jump_cost=1.0, voiced_unvoiced_cost=0.14,
    )  # fmt: skip
    voiced = np.flatnonzero(f0_hz > 0)
    if not len(voiced):
        return np.zeros(frames)
    at = np.arange(frames) * HOP / RATE
    nearest = np.clip(np.round((at - times[0]) / (HOP / RATE)).astype(int), 0, len(f0_hz) - 1)
    line = np.exp(np.interp(at, times[voiced], np.log(f0_hz[voiced])))
    return np.where(f0_hz[nearest] > 0, line, 0.0)


def loudness(samples: np.ndarray) -> np.ndarray:
    """Root mean square in a Hann window of 512 samples around every frame's centre, in dB, float64 [t]."""
    return pitch.loudness_db(samples, np.hanning(LOUDNESS_WINDOW + 1)[:-1], HOP, SILENCE_DB)


@numba.njit(cache=True)
def _lobe(offset: float, size: int) -> float:
    """A Hann window's spectrum at `offset` bins of an FFT of `FFT` points, relative to its peak."""
    x = offset * size / FFT
    if abs(x) < 1e-9:
        return 1.0
    if abs(abs(x) - 1.0) < 1e-6:
        return 0.5
    out: float = np.sin(np.pi * x) / (np.pi * x) / (1.0 - x * x)
    return out


@numba.njit(cache=True)
def _summit(spectrum, at):  # pragma: no cover - compiled
    """How many bins from `at`, half a bin at most, a parabola through three log magnitudes has its summit."""
    if at < 1 or at + 1 >= len(spectrum):
        return 0.0
    left, middle, right = np.log(np.abs(spectrum[at - 1 : at + 2]) + 1e-15)
    bend = left - 2 * middle + right
    return min(max(0.5 * (left - right) / bend, -0.5), 0.5) if bend < 0 else 0.0


@numba.njit(cache=True)
def _split(spectra, f0_hz, size, harmonics_db, bands_db, edges):  # pragma: no cover - compiled
    """Harmonics [n, harmonics] and noise bands [n, bands] of frames [n, bins], in dB of power; spectra are used up."""
    scale = FFT / RATE
    gain = 2.0 / (size / 2.0)  # of a sinusoid's amplitude, from its peak
    noise = 2.0 / FFT / (size * 0.375)  # of power, from a sum of squared bins
    reach = 8 * FFT // size  # bins: the main lobe and six to each side
    for t in range(len(f0_hz)):
        spectrum = spectra[t]
        last = -FLOOR_OF_POWER
        if f0_hz[t] > 0:
            count = min(harmonics_db.shape[1], int((RATE / 2 - 40) / f0_hz[t]))
            for k in range(1, count + 1):
                centre = k * f0_hz[t] * scale
                room = min(0.3 * f0_hz[t] * scale, 1.0 + 0.004 * centre)
                best, at = -1.0, int(centre + 0.5)
                for bin in range(int(np.ceil(centre - room)), int(centre + room) + 1):
                    if 0 <= bin < spectrum.shape[0]:
                        power = spectrum[bin].real ** 2 + spectrum[bin].imag ** 2
                        if power > best:
                            best, at = power, bin
                off = _summit(spectrum, at)
                peak = spectrum[at] / _lobe(off, size)
                amplitude = gain * abs(peak)
                harmonics_db[t, k - 1] = 10 * np.log10(amplitude * amplitude / 2 + 1e-15)
                last = harmonics_db[t, k - 1]
                for bin in range(max(0, at - reach), min(spectrum.shape[0], at + reach + 1)):
                    spectrum[bin] -= peak * _lobe(bin - at - off, size)
            for k in range(count, harmonics_db.shape[1]):
                harmonics_db[t, k] = last
        for b in range(len(edges) - 1):
            total = 0.0
            for bin in range(edges[b], max(edges[b + 1], edges[b] + 1)):
                total += spectrum[bin].real ** 2 + spectrum[bin].imag ** 2
            bands_db[t, b] = 10 * np.log10(total * noise + 1e-15)


def _spectra(samples: np.ndarray, frames: np.ndarray, size: int) -> np.ndarray:
    """Zero-phase spectra of Hann windows around frames, complex128 [n, 2049]; samples are padded by 2048."""
    index = (frames * HOP + 2048 - size // 2)[:, None] + np.arange(size)
    windowed = samples[index] * np.hanning(size + 1)[:-1]
    padded = np.zeros((len(frames), FFT))
    padded[:, : size // 2] = windowed[:, size // 2 :]
    padded[:, -(size // 2) :] = windowed[:, : size // 2]
    return np.fft.rfft(padded, axis=1)


def window_sizes(f0_hz: np.ndarray) -> np.ndarray:
    """Samples of the window through which each frame is analysed, int [t]."""
    needed = PERIODS * RATE / np.where(f0_hz > 0, f0_hz, PERIODS * RATE / UNVOICED_WINDOW)
    return np.array(WINDOWS)[np.minimum(np.searchsorted(WINDOWS, needed), len(WINDOWS) - 1)]


def split_frames(samples: np.ndarray, f0_hz: np.ndarray) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """(frames, harmonics_db [n, 137], bands_db [n, 24]) of a recording, chunk after chunk, in dB of power.

    Harmonics above 8 kHz repeat the last one below; of unvoiced frames they are -150. What leaks from harmonics only
    ever adds to a band, so of two windows, the longer four times the shorter, each band takes the one that leaves less.
    """
    padded = np.pad(np.asarray(samples, np.float64), (2048, 2048 + HOP))
    for part in pieces(len(f0_hz)):
        at, hz = np.arange(len(f0_hz))[part], f0_hz[part]
        sizes = window_sizes(hz)
        harmonics, bands = _through(padded, at, hz, sizes)
        _, calmer = _through(padded, at, hz, np.minimum(LONGER * sizes, WINDOWS[-1]))
        yield part, harmonics, np.minimum(bands, calmer)


def _through(padded: np.ndarray, at: np.ndarray, f0_hz: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """harmonics_db [n, 137], bands_db [n, 24] of the frames `at`, each through a window of its own size."""
    harmonics = np.full((len(at), HARMONICS), -FLOOR_OF_POWER)
    bands = np.zeros((len(at), BANDS))
    for size in WINDOWS:
        chosen = sizes == size
        if chosen.any():
            h, b = harmonics[chosen], bands[chosen]
            _split(_spectra(padded, at[chosen], size), f0_hz[chosen], size, h, b, EDGES)
            harmonics[chosen], bands[chosen] = h, b
    return harmonics, bands


def audible(f0_hz: np.ndarray) -> np.ndarray:
    """Which harmonics of each frame lie below 8 kHz, bool [t, 137]; none of an unvoiced frame."""
    numbers = np.arange(1, HARMONICS + 1)
    out: np.ndarray = (numbers * f0_hz[:, None] < RATE / 2 - 40) & (f0_hz[:, None] > 0)
    return out


def analyse(samples: np.ndarray, f0_hz: np.ndarray | None = None) -> Frames:
    """Performance and timbre of a mono recording at 16 kHz, float [n]."""
    f0_hz = track_f0(samples) if f0_hz is None else f0_hz
    timbre = np.zeros((len(f0_hz), TIMBRE), np.float32)
    for part, harmonics, bands in split_frames(samples, f0_hz):
        power = (10 ** (harmonics / 10) * audible(f0_hz[part])).sum(1) + (10 ** (bands / 10)).sum(1)
        level = 10 * np.log10(power + 1e-15)[:, None]
        timbre[part, :KNOTS] = np.maximum(harmonics - level, FLOOR_DB) @ TO_KNOTS.T
        timbre[part, KNOTS:] = np.maximum(bands - level, FLOOR_DB)
    return Frames(f0_hz, loudness(samples), _held(np.clip(timbre, FLOOR_DB, 6.0), f0_hz > 0))


def _held(timbre: np.ndarray, voiced: np.ndarray) -> np.ndarray:
    """Unvoiced frames have no harmonics: their knots repeat the nearest voiced frame's, which nothing plays."""
    at = np.flatnonzero(voiced)
    if not len(at):
        timbre[:, :KNOTS] = FLOOR_DB
        return timbre
    every = np.arange(len(timbre))
    right = np.clip(np.searchsorted(at, every), 0, len(at) - 1)
    left = np.clip(right - 1, 0, len(at) - 1)
    nearest = np.where(np.abs(at[left] - every) <= np.abs(at[right] - every), at[left], at[right])
    timbre[:, :KNOTS] = timbre[nearest, :KNOTS]
    return timbre


def controls(frames: Frames) -> tuple[np.ndarray, np.ndarray]:
    """Amplitudes of the harmonics [t, 137] and powers of the noise bands [t, 24] that have each frame's loudness."""
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
        """float64 [256 t]: the samples before each frame's centre are its own. midi [t] is the whole recording's
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
        out = np.zeros((len(hz) - 1) * HOP)
        self.phase = _oscillate(hz, amplitudes, self.phase, np.exp(1j * self.starts), out)
        return out

    def _noise(self, bands: np.ndarray) -> np.ndarray:
        size = 2 * HOP
        edges = EDGES * size // FFT
        widths = np.maximum(np.diff(edges), 1)
        levels = np.sqrt(bands / widths * size * size / 2 / 2)  # of each bin: a real spectrum's power stands twice
        magnitudes = np.repeat(levels, widths, axis=1)[:, :HOP]
        window = np.sqrt(np.hanning(size + 1)[:-1])
        white = self.random.standard_normal((len(bands), 2, HOP)) * np.sqrt(0.5)
        spectra = np.zeros((len(bands), HOP + 1), np.complex128)
        spectra[:, :HOP] = magnitudes * (white[:, 0] + 1j * white[:, 1])
        spectra[:, 0] = 0
        grains = np.fft.irfft(spectra, size, axis=1) * window * np.sqrt(2)
        out = np.zeros((len(bands) + 1) * HOP)
        out[:HOP] = self.tail
        out[:-HOP] += grains[:, :HOP].ravel()
        out[HOP:] += grains[:, HOP:].ravel()
        self.tail = out[-HOP:].copy()
        return out[:-HOP]


@numba.njit(cache=True, fastmath=True)
def _oscillate(hz, amplitudes, phase, starts, out):  # pragma: no cover - compiled
    """Add harmonics to out [256 n] from frames [n + 1], all linear between centres; returns the phase."""
    for t in range(len(hz) - 1):
        count = 0
        for k in range(amplitudes.shape[1]):
            if amplitudes[t, k] > 1e-7 or amplitudes[t + 1, k] > 1e-7:
                count = k + 1
        for i in range(HOP):
            mix = (i + 1) / HOP
            phase += (hz[t] + mix * (hz[t + 1] - hz[t])) / RATE
            phase -= np.floor(phase)
            turn = np.exp(2j * np.pi * phase)
            spin = turn
            total = 0.0
            for k in range(count):
                amplitude = amplitudes[t, k] + mix * (amplitudes[t + 1, k] - amplitudes[t, k])
                total += amplitude * (spin.real * starts[k].imag + spin.imag * starts[k].real)
                spin *= turn
            out[t * HOP + i] += total
    return phase


def synthesise(
    frames: Frames, samples: int | None = None, seed: int = 0, progress: Progress | None = None
) -> np.ndarray:
    """The sound of frames, float32 [samples] at 16 kHz (256 a frame when not said)."""
    player = Synthesiser(seed)
    midi = frames.midi
    parts = []
    for part in pieces(len(frames)):
        if progress:
            progress(part.start, len(frames))
        parts.append(player.play(frames[part], midi[part]))
    sound = np.concatenate([*parts, player.tail])[HOP:] if parts else np.zeros(0)
    samples = len(frames) * HOP if samples is None else samples
    return np.pad(sound, (0, max(0, samples - len(sound))))[:samples].astype(np.float32)


def pieces(frames: int, size: int = CHUNK) -> list[slice]:
    """Frames cut into chunks of `size`."""
    return [slice(start, min(start + size, frames)) for start in range(0, frames, size)]
