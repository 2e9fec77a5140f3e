"""What Translation costs on two threads: a recording of 30 seconds, each part's share, and ten minutes' memory.

    python -m benchmarks.translation

Beside it: the tracked melody through the soundfont, what one would use instead; and the synthesiser in plain PyTorch.
Memory is what a fresh process holds at most above what it holds once it has translated five seconds, its file included.
"""

from __future__ import annotations

import subprocess
import tempfile
from multiprocessing import get_context
from os import getpid
from pathlib import Path

import numpy as np
import torch

from benchmarks.table import gpus, head, median, peak_mb, row, seconds
from engine import translation
from engine.core.audio import Audio, write_wav
from engine.core.render import render
from engine.core.request import File
from engine.translation.analysis import analyse, track_f0
from engine.translation.frames import HOP, RATE, Frames
from engine.translation.listening import heard
from engine.translation.synthesis import controls, synthesise
from engine.translation.transcription import melody
from engine.translation.transfer import translate

SECONDS = 30.0
MINUTES = {
    "mono, 16 bit, 44.1 kHz": (1, "PCM_16", 44_100),
    "stereo, 16 bit, 44.1 kHz": (2, "PCM_16", 44_100),
    "stereo, 24 bit, 48 kHz": (2, "PCM_24", 48_000),
}


def recording(seconds: float) -> Audio:
    """A melody with harmonics and breath, at 44.1 kHz."""
    random = np.random.default_rng(0)
    parts = []
    for i in range(int(seconds / 0.5)):
        t = np.arange(RATE // 2) / RATE
        hz = 440 * 2 ** (((0, 2, 4, 7, 9, 12)[i % 6]) / 12)
        ramp = np.minimum(1, np.minimum(t, 0.48 - t).clip(0) / 0.03)
        parts.append(ramp * sum(0.2 * 0.5**k * np.sin(2 * np.pi * hz * (k + 1) * t) for k in range(8)))
    sound = np.concatenate(parts)
    return Audio((sound + 0.002 * random.standard_normal(len(sound))).astype(np.float32), RATE)


@torch.no_grad()
def plain(frames: Frames, samples: int) -> np.ndarray:
    """The synthesiser as one would write it first in PyTorch (and as DDSP does): every harmonic at every sample."""
    amplitudes, bands = (torch.from_numpy(x).float() for x in controls(frames))

    def every(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.interpolate(x.T[None], samples, mode="linear")[0].T

    hz = every(torch.from_numpy(440 * 2 ** ((frames.midi[:, None] - 69) / 12)))
    turns = torch.cumsum(hz / RATE, 0) * torch.arange(1, amplitudes.shape[1] + 1)
    tone = (torch.sin(2 * torch.pi * (turns % 1)).float() * every(amplitudes)).sum(1)
    window = torch.hann_window(2 * HOP)
    breath = torch.stft(torch.randn(samples), 2 * HOP, HOP, window=window, return_complex=True)
    gains = torch.nn.functional.interpolate(bands.sqrt()[None], HOP + 1)[0].T
    return (
        tone + torch.istft(breath * gains[:, : breath.shape[1]], 2 * HOP, HOP, window=window, length=samples)
    ).numpy()


def performed(model: translation.Model, file: File) -> None:
    """The whole chain, from the file on; what was heard of it before is forgotten."""
    source, target = model.config.instruments[:2]
    heard.cache_clear()
    translation.generate(model, translation.Request(input=file, source=source, target=target))


def written(sound: Audio, channels: int, subtype: str, rate: int) -> bytes:
    """A WAV file as loud as one can be, with this many channels that differ by a tenth."""
    loud = sound.resampled(rate).normalised(0.99).samples
    return write_wav(Audio(np.stack([loud, 0.9 * loud], 1) if channels > 1 else loud, rate), subtype)


def resident_mb() -> float:
    """Megabytes that this process holds now."""
    found = subprocess.run(["ps", "-o", "rss=", "-p", str(getpid())], capture_output=True, text=True, check=True)
    return int(found.stdout) / 2**10


def above_idle(path: str) -> tuple[float, float]:
    """(seconds, most megabytes above idle) of translating the file at `path`, in a process that did nothing else."""
    torch.set_num_threads(1)
    model = translation.load(device="cpu")
    performed(model, File("short.wav", write_wav(recording(5.0))))
    heard.cache_clear()
    idle = resident_mb()
    taken = seconds(lambda: performed(model, File("long.wav", Path(path).read_bytes())))
    return taken, peak_mb() - idle


def write_ten_minutes(path: str, kept_as: tuple[int, str, int]) -> None:
    Path(path).write_bytes(written(recording(600.0), *kept_as))


def ten_minutes() -> None:
    """A row for each way in which ten minutes come, each in a process of its own; the files are written in another, as
    the most memory of a process counts what its parent has held."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/long.wav"
        for what, kept_as in MINUTES.items():
            with get_context("spawn").Pool(1) as writing:
                writing.apply(write_ten_minutes, (path, kept_as))
            with get_context("spawn").Pool(1) as fresh:
                taken, most = fresh.apply(above_idle, (path,))
            row(f"10 minutes, {what}", f"{taken:.0f} s, {most:.0f} MB above idle", "", "600 MB")


def main() -> None:
    torch.set_num_threads(1)  # as the studio does
    head()
    ten_minutes()  # first: beside it this process holds little
    model = translation.load(device="cpu")
    row("loading", f"{1000 * median(lambda: translation.load(device='cpu'), 3):.0f} ms")
    source, target = model.config.instruments[:2]
    audio = recording(SECONDS)
    f0_hz = track_f0(audio.samples)
    frames = analyse(audio.samples, f0_hz)
    after, _ = translate(model, frames, source, target)
    file = File("recording.wav", write_wav(audio))
    whole = median(lambda: performed(model, file), 3)
    replayed = median(lambda: render(melody(frames, target)), 3)
    row("30 s of sound, the whole chain", f"{SECONDS / whole:.0f} × real time",
        f"the tracked melody through the soundfont: {SECONDS / replayed:.0f} × real time", "15 ×")  # fmt: skip
    parts = {
        "following the pitch": lambda: track_f0(audio.samples),
        "measuring the timbre": lambda: analyse(audio.samples, f0_hz),
        "translating": lambda: translate(model, frames, source, target),
        "synthesising": lambda: synthesise(after, len(audio.samples)),
    }
    spent = {name: median(work, 3) for name, work in parts.items()}
    total = sum(spent.values())
    before, alone = peak_mb(), median(lambda: plain(after, len(audio.samples)), 1)
    for name, value in spent.items():
        beside = f"plain PyTorch: {alone:.2f} s, {peak_mb() - before:.0f} MB more" if name == "synthesising" else ""
        row(f"of it {name}", f"{value:.2f} s, {value / total:.0%}", beside)
    for device in gpus():
        there = translation.load(device=device)
        twin, _ = translate(there, frames, source, target)
        sound, error = (synthesise(x, len(audio.samples)) for x in (after, twin))
        apart = 20 * np.log10(np.std(error - sound) / np.std(sound) + 1e-12)
        taken = median(lambda: translate(there, frames, source, target), 3)  # noqa: B023
        row(f"of it translating, on {device}", f"{taken:.2f} s",
            f"the processor: {spent['translating']:.2f} s, {apart:.0f} dB apart")  # fmt: skip


if __name__ == "__main__":
    main()
