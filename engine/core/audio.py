"""Sound: samples in [-1, 1] at a rate in Hz; all that libsndfile knows by its head in, WAV (16 bit) and FLAC out.

Files are read by libsndfile and resampled by soxr, both through well-kept libraries; what comes from outside is checked
(size, length, channels, rate, finite samples, silence) before and after it is decoded.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from engine import RequestError
from engine.core.upload import content_of

MAX_BYTES = 200 * 2**20  # of a sound file
MAX_SECONDS = 600.0
MAX_CHANNELS = 2
RATES = (4_000, 192_000)  # Hz, lowest and highest read
CANCELLED = 0.1  # of the channels' power: what two that have nothing in common keep in their mean is a half
ENDINGS = ("wav", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "aifc", "au", "snd", "caf", "w64", "rf64")
"""Endings of the files that people have of those that can be read."""
PART = 2**18  # samples that are resampled at once
SILENCE = 10 ** (-60 / 20)  # a peak below this is silence


@dataclass(frozen=True)
class Audio:
    samples: np.ndarray  # float32 [frames] or [frames, 2], in [-1, 1]
    rate: int  # Hz

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate

    @property
    def peak(self) -> float:
        """The largest sample's magnitude; 0 for no samples."""
        return max(float(self.samples.max(initial=0.0)), -float(self.samples.min(initial=0.0)))

    @property
    def silent(self) -> bool:
        """Whether nothing in it is louder than 60 dB below full scale."""
        return self.peak < SILENCE

    def mono(self) -> Audio:
        """The mean of the channels, float32 [frames]; the louder one where they cancel, as of a cable's two phases."""
        if self.samples.ndim == 1:
            return self
        mean = self.samples.mean(axis=1, dtype=np.float32)
        # A sum of squares without their array, which would be four times as large as the sound.
        power = np.einsum("tc,tc->c", self.samples, self.samples, dtype=np.float64)
        if np.einsum("t,t", mean, mean, dtype=np.float64) < CANCELLED * power.mean():
            return Audio(np.ascontiguousarray(self.samples[:, int(power.argmax())]), self.rate)
        return Audio(mean, self.rate)

    def resampled(self, rate: int) -> Audio:
        """The same sound at another rate (soxr, high quality)."""
        if rate == self.rate:
            return self
        return Audio(np.asarray(soxr.resample(self.samples, self.rate, rate), np.float32), rate)

    def normalised(self, peak: float = 0.9) -> Audio:
        """The same sound scaled to this peak; silence stays as it is."""
        return self if self.silent else Audio(self.samples * np.float32(peak / self.peak), self.rate)


def resampled_length(samples: int, rate: int, to: int) -> int:
    """Samples of a sound at another rate, as soxr counts them."""
    return (2 * samples * to + rate) // (2 * rate)


def resampled_parts(samples: np.ndarray, rate: int, to: int) -> Iterator[np.ndarray]:
    """A mono sound [n] at another rate, some seconds after the other: joined, the samples of `Audio.resampled`."""
    through = soxr.ResampleStream(rate, to, 1, dtype="float32") if to != rate else None
    for start in range(0, len(samples), PART):
        part = samples[start : start + PART]
        last = start + PART >= len(samples)
        yield through.resample_chunk(np.asarray(part, np.float32), last=last) if through else part


def read_audio(source: bytes | Path | str, *, max_seconds: float = MAX_SECONDS, name: str = "The file") -> Audio:
    """Read WAV, FLAC, OGG, MP3, AIFF and what else libsndfile tells by its head: mono or stereo, 4-192 kHz, at most
    `max_seconds`.

    Refused, in one sentence that begins with `name`, when it is not audio, too large, too long, of more channels, at an
    odd rate, empty, silent, or holds samples that are no numbers. A truncated file is read as far as it goes.
    """
    source, name = content_of(source, name, MAX_BYTES)
    try:
        with soundfile.SoundFile(io.BytesIO(source)) as file:
            if file.channels > MAX_CHANNELS:
                raise RequestError(f"{name} has {file.channels} channels; mono or stereo is wanted.")
            if not RATES[0] <= file.samplerate <= RATES[1]:
                raise RequestError(f"{name} is sampled at {file.samplerate} Hz; {RATES[0]} to {RATES[1]} is wanted.")
            # The header's length may lie: no more than the limit is ever decoded.
            limit = int(max_seconds * file.samplerate)
            samples = file.read(limit + 1, dtype="float32")
            rate = file.samplerate
    except (soundfile.SoundFileError, ValueError, RuntimeError, TypeError) as error:
        if isinstance(error, RequestError):
            raise
        raise RequestError(f"{name} is not audio that can be read; WAV, FLAC, OGG or MP3 is wanted.") from None
    if len(samples) > limit:
        raise RequestError(f"{name} is longer than {max_seconds / 60:g} minutes, the most that is taken here.")
    if not len(samples):
        raise RequestError(f"{name} holds no sound.")
    if not np.isfinite(samples).all():
        raise RequestError(f"{name} holds samples that are not numbers; export it again as WAV or FLAC.")
    audio = Audio(np.clip(samples, -1.0, 1.0, out=samples), rate)
    if audio.silent:
        raise RequestError(f"{name} is silent: nothing in it is louder than -60 dB.")
    return audio


def write_wav(audio: Audio, subtype: str = "PCM_16") -> bytes:
    """A WAV file, 16 bit unless `subtype` is another of libsndfile's (PCM_U8 for 8 bit). Clipped to [-1, 1]."""
    return _write(audio, "WAV", subtype)


def write_flac(audio: Audio) -> bytes:
    """A FLAC file, 16 bit. The format knows rates above 65,535 Hz in tens only: another is resampled to the nearest."""
    rate = audio.rate if audio.rate <= 65_535 else round(audio.rate, -1)
    return _write(audio.resampled(rate), "FLAC", "PCM_16")


def _write(audio: Audio, container: str, subtype: str) -> bytes:
    file = io.BytesIO()
    samples = audio.samples if audio.peak <= 1 else np.clip(audio.samples, -1.0, 1.0)
    soundfile.write(file, samples, audio.rate, format=container, subtype=subtype)
    return file.getvalue()
