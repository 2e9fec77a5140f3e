"""What the trombone costs: the compiled loop beside plain PyTorch, beside its own floor. python benchmarks/trombone.py

One run, one thread unless said otherwise, the same weights and the same note for both. The floor is the multiply-adds
that a sample needs (SampleRNN with everything folded) over what this core does in a large matrix product.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch

from engine import trombone
from engine.song import Note, Song, Track
from engine.trombone import Asked, conditions_of
from engine.trombone_melody import melody, perform
from engine.trombone_network import from_level
from engine.trombone_pitch import RATE
from engine.trombone_sampler import prepared


def best(work: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest of some runs: the one least disturbed by others."""
    spent = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return min(spent)


@torch.no_grad()
def plain(model: trombone.Trombone, asked: Asked, samples: int) -> np.ndarray:
    """The same network, greedy, in plain PyTorch, sample by sample with carried state: what one would write first."""
    net, c = model.network, model.network.config
    told = conditions_of(model.harmonics, model.loudness, asked, np.random.default_rng(0))
    features, inputs, prior = (torch.from_numpy(x) for x in prepared(told, c, c.frame * c.ratio))
    w, big = c.frame, c.frame * c.ratio
    levels = torch.full((big + samples,), 128, dtype=torch.long)
    upper, lower = net.begin(1)
    for t in range(samples):
        now = t + big
        if t % big == 0:
            frame = from_level(levels[now - big : now])[None, None]
            above, upper = net.upper(frame, features[t // w][None, None], upper, None)
        if t % w == 0:
            frame = from_level(levels[now - w : now])[None, None]
            step = above[:, t % big // w][:, None]
            below, lower = net.lower(frame, features[t // w][None, None], lower, step)
        recent = levels[now - w : now]
        errors = from_level(recent) - prior[t : t + w]
        x = net.history(net.embedding(recent).reshape(-1)) + net.errors(errors) + net.conditions(inputs[t])
        x = torch.relu(net.hidden(torch.relu(x + below[0, t % w])))
        levels[now] = net.distribution(net.output(x), errors, prior[t + w]).argmax()
    return levels[big:].numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=3000, help="of the plain loop")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    began = time.perf_counter()
    model = trombone.load()
    loaded = time.perf_counter() - began
    asked = Asked(58, 2.0, 2.0)
    began = time.perf_counter()
    trombone.play(model, [Asked(58, 0.3, 2.0)], seed=0)
    first = time.perf_counter() - began

    told = conditions_of(model.harmonics, model.loudness, asked, np.random.default_rng(0))
    compiled = model.sampler.play([told], [np.random.default_rng(0)], 0.0, threads=1)[0]
    written = plain(model, asked, args.samples)
    same = int((written == compiled[: args.samples]).sum())
    slow = args.samples / best(lambda: plain(model, asked, args.samples), 1)
    one = asked.seconds * RATE / best(lambda: trombone.play(model, [asked], seed=1, threads=1), args.repeats)
    notes = tuple(Note(i * 0.5, 0.5, 50 + (i * 5) % 17) for i in range(32))
    line = melody(Song((Track("lead", 57, False, notes),), tempo=60.0))
    sounding = sum(n.seconds for n in line.notes) * RATE
    many = {n: sounding / best(lambda n=n: perform(model, line, seed=1, threads=n), args.repeats) for n in (1, 2)}

    matrix = torch.randn(1024, 1024)
    peak = 1024**3 / best(lambda: matrix @ matrix, 10)
    vector = torch.randn(1, 1024)
    stream = 1024**2 / (best(lambda: [vector @ matrix for _ in range(200)], 5) / 200)
    need = model.sampler.multiply_adds
    print(f"load {loaded:.2f} s; first note of this process (compiled loop read from its cache) {first:.2f} s")
    print(f"greedy, compiled beside plain: {same} of {args.samples} samples equal\n")
    print(f"{'':44}{'samples/s':>12}{'× real time':>13}")
    for name, rate in (
        ("plain PyTorch, one note", slow),
        ("compiled, one note, one thread", one),
        ("compiled, melody of 32 notes, one thread", many[1]),
        ("compiled, melody of 32 notes, two threads", many[2]),
        (f"floor: {need:,} multiply-adds, matrix product", peak / need),
        (f"floor: {need:,} multiply-adds, matrix × vector", stream / need),
    ):
        print(f"{name:44}{rate:12,.0f}{rate / RATE:13.2f}")
    code = "import time;a=time.perf_counter();from engine import trombone as t;m=t.load();t.generate(m,seed=1,midi=58,seconds=1.0);print(time.perf_counter()-a)"  # noqa: E501
    cold = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=trombone.PATH.parent.parent)  # fmt: skip  # noqa: E501
    print(f"\na fresh process, imports to one second of sound: {float(cold.stdout):.1f} s")


if __name__ == "__main__":
    main()
