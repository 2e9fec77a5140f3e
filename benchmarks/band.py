"""What Band costs, on two threads: bars from a loaded model, and loading it.

    python benchmarks/band.py [--checkpoint checkpoints/band] [--json]

Beside it: the same notes from memory, that is `engine.song_midi.write_midi` of a finished song, which any program
that plays a file must pay as well. The aims are 50 ms for four bars and 0.5 s for 64.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine import band
from engine.song_midi import write_midi


def milliseconds(work: Callable[[], object], times: int) -> float:
    """Median of `times` runs after one that is not counted."""
    work()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(took), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--checkpoint", type=Path, default=band.PATH)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = band.load(args.checkpoint, "cpu")
    genre = model.genres[0]
    song = band.generate(model, genre=genre, seed=1, bars=64)
    found = {
        "threads": args.threads,
        "load ms": milliseconds(lambda: band.load(args.checkpoint, "cpu"), 5),
        "4 bars ms": milliseconds(lambda: band.generate(model, genre=genre, seed=1, bars=4), 20),
        "8 bars ms": milliseconds(lambda: band.generate(model, genre=genre, seed=1, bars=8), 20),
        "64 bars ms": milliseconds(lambda: band.generate(model, genre=genre, seed=1, bars=64), 7),
        "64 bars written as MIDI ms": milliseconds(lambda: write_midi(song), 7),
        "weights MiB": round((args.checkpoint / "model.safetensors").stat().st_size / 2**20, 2),
    }
    print(json.dumps(found) if args.json else "\n".join(f"{name:<28} {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
