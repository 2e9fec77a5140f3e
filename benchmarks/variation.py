"""What Variation costs: loading, a 64-bar song varied, the slider's answer, going on; beside plain random edits.

    python -m benchmarks.variation

Times are medians of five runs in seconds on two threads; the limits are the project's own.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from engine import variation
from engine.song import Note, Song, Track
from engine.variation_extend import extend

RUNS = 5


def row(what: str, value: str, limit: str) -> None:
    print(f"| {what} | {value} | {limit} |", flush=True)


def median(work: Callable[[], object]) -> float:
    """Median seconds of a few runs, after one that is not counted."""
    work()
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def band(bars: int) -> Song:
    """Five busy tracks, every bar different."""
    rng = np.random.default_rng(0)

    def part(low: int, high: int, each: int) -> list[Note]:
        return [Note(float(n // 4 + bar * 4) + (n % 4) / 4, 0.5, int(rng.integers(low, high)), 80)
                for bar in range(bars) for n in sorted(rng.choice(16, each, replace=False).tolist())]

    kinds = (("drums", 0, 36, 52, 16), ("piano", 0, 55, 84, 12), ("guitar", 25, 48, 76, 12), ("bass", 33, 30, 50, 8),
             ("strings", 48, 55, 80, 10))  # fmt: skip
    return Song(tuple(Track(name, program, name == "drums").with_notes(part(low, high, each))
                      for name, program, low, high, each in kinds))


def random_edit(song: Song, seed: int) -> Song:
    """What one would use without a model: a fifth of the notes moved to a random pitch nearby."""
    rng = np.random.default_rng(seed)
    return Song(tuple(t.with_notes(
        Note(n.onset, n.duration, n.pitch + int(rng.integers(-4, 5)) if rng.random() < 0.2 else n.pitch, n.velocity)
        for n in t.notes) for t in song.tracks))


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    torch.set_num_threads(2)
    print("| what | measured | limit |\n|---|---|---|")
    before = megabytes()
    began = time.perf_counter()
    models = {k: variation.load(latent=k) for k in variation.LATENTS}
    row("all four latent sizes loaded", f"{time.perf_counter() - began:.2f} s, {megabytes() - before:.0f} MB", "400 MB")
    long, short = band(64), band(16)
    for k in (16, 64):
        vary = partial(variation.vary, models[k], noise=0.7, seed=1)
        row(f"64 bars varied, K {k}", f"{median(partial(vary, long)):.3f} s", "1 s")
        row(f"16 bars varied, K {k}", f"{median(partial(vary, short)):.3f} s", "0.5 s")
    row("8 bars of continuation, K 32", f"{median(lambda: extend(models[32], short, bars=8, seed=1)):.3f} s", "–")
    row("64 bars with random edits instead", f"{median(lambda: random_edit(long, 1)):.3f} s", "–")


if __name__ == "__main__":
    main()
