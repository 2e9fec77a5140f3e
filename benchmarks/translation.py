"""What Translation costs on two threads: a recording of 30 seconds, each part's share, and the memory of ten minutes.

    python benchmarks/translation.py [--checkpoint checkpoints/translation/flute-trombone] [--json]

Beside it: the tracked melody through the soundfont, what one would use instead. The aim is 5 times real time.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine import translation
from engine.audio import Audio
from engine.render import render
from engine.translation_melody import melody
from engine.translation_sound import RATE, Frames, analyse, synthesise, track_f0

SECONDS = 30.0


def recording(seconds: float) -> Audio:
    """A melody with harmonics and breath, at 16 kHz."""
    random = np.random.default_rng(0)
    parts = []
    for i in range(int(seconds / 0.5)):
        t = np.arange(RATE // 2) / RATE
        hz = 440 * 2 ** (((0, 2, 4, 7, 9, 12)[i % 6]) / 12)
        ramp = np.minimum(1, np.minimum(t, 0.48 - t).clip(0) / 0.03)
        parts.append(ramp * sum(0.2 * 0.5**k * np.sin(2 * np.pi * hz * (k + 1) * t) for k in range(8)))
    sound = np.concatenate(parts)
    return Audio((sound + 0.002 * random.standard_normal(len(sound))).astype(np.float32), RATE)


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """Median of `times` runs after one that is not counted."""
    work()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def peak_mib() -> float:
    """The most memory this process has held."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", type=Path, default=translation.ROOT / "flute-trombone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = translation.load(args.checkpoint, "cpu")
    source, target = model.config.instruments[:2]
    audio = recording(SECONDS)
    f0_hz = track_f0(audio.samples)
    frames = analyse(audio.samples, f0_hz)
    after, _ = translation.translate(model, frames, source, target)
    parts = {
        "track": seconds(lambda: track_f0(audio.samples)),
        "measure": seconds(lambda: analyse(audio.samples, f0_hz)),
        "translate": seconds(lambda: translation.translate(model, frames, source, target)),
        "synthesise": seconds(lambda: synthesise(after, len(audio.samples))),
    }
    whole = seconds(lambda: translation.generate(model, audio, source, target))
    found = {
        "threads": args.threads,
        "recording s": audio.seconds,
        "whole s": round(whole, 3),
        "times real time": round(audio.seconds / whole, 1),
        **{f"{name} share": round(value / sum(parts.values()), 3) for name, value in parts.items()},
        "load ms": round(1000 * seconds(lambda: translation.load(args.checkpoint, "cpu")), 1),
        "soundfont instead, times real time": round(audio.seconds / seconds(lambda: replay(frames, target)), 1),
    }
    before = peak_mib()
    long = recording(600.0)
    began = time.perf_counter()
    translation.generate(model, long, source, target)
    found["10 minutes s"] = round(time.perf_counter() - began, 1)
    found["10 minutes, MiB more than 30 s"] = round(peak_mib() - before)
    print(json.dumps(found) if args.json else "\n".join(f"{name:<36} {value}" for name, value in found.items()))


def replay(frames: Frames, target: str) -> Audio:
    """The tracked melody through the soundfont."""
    return render(melody(frames, target))


if __name__ == "__main__":
    main()
