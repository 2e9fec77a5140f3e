"""What the trombone costs: the compiled loop beside plain PyTorch, beside its own floor.

    python -m benchmarks.trombone

One run, one thread unless said otherwise, the same weights and the same note for both. The floor is the multiply-adds
that a sample needs (SampleRNN with everything folded) over what this core does in a large matrix product.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable

import numpy as np
import torch

from benchmarks.table import head, row, seconds
from engine import trombone
from engine.core.song import Note, Song, Track
from engine.trombone.network import from_level
from engine.trombone.notes import NoteSpec, conditions_of, play
from engine.trombone.phrasing import melody, perform
from engine.trombone.pitch import RATE
from engine.trombone.request import TEMPERATURE
from engine.trombone.sampler import SIDE_BY_SIDE, prepared

SAMPLES = 3_000  # of the plain loop
REPEATS = 3


def best(work: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest of some runs: the one least disturbed by others."""
    return min(seconds(work) for _ in range(repeats))


@torch.no_grad()
def plain(model: trombone.Model, note: NoteSpec, samples: int) -> np.ndarray:
    """The same network at temperature 0 in plain PyTorch, sample by sample with carried state: what one would write
    first. Levels float32 [samples]."""
    net, c = model.network, model.network.config
    told = conditions_of(model.tables, note, np.random.default_rng(0))
    features, inputs, prior = (torch.from_numpy(x) for x in prepared(told, c, c.frame * c.ratio))
    w, big = c.frame, c.frame * c.ratio
    levels = torch.full((big + samples,), 128, dtype=torch.long)
    played = torch.empty(samples)
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
        chances = net.distribution(net.output(x), errors, prior[t + w]).softmax(0)
        played[t] = chances @ torch.arange(256.0)
        levels[now] = int(played[t] + 0.5)
    return played.numpy()


def main() -> None:
    torch.set_num_threads(1)
    head()
    row("loading", f"{seconds(trombone.load):.2f} s")
    model = trombone.load()
    note = NoteSpec(58, 2.0, 2.0)
    first = seconds(lambda: play(model, [NoteSpec(58, 0.3, 2.0)], seed=0))
    row("the process's first note (the compiled loop is read from its cache)", f"{first:.2f} s", "", "1 s")

    told = conditions_of(model.tables, note, np.random.default_rng(0))
    compiled = model.sampler.play([told], [np.random.default_rng(0)], 0.0, threads=1)[0]
    written = plain(model, note, SAMPLES)
    apart = float(np.abs(written - compiled[:SAMPLES]).max())
    slow = SAMPLES / best(lambda: plain(model, note, SAMPLES), 1)
    eight = [conditions_of(model.tables, note, np.random.default_rng(i)) for i in range(SIDE_BY_SIDE)]

    def sampled(count: int) -> float:
        chances = [np.random.default_rng(i) for i in range(count)]
        spent = best(lambda: model.sampler.play(eight[:count], chances, TEMPERATURE, threads=1), REPEATS)
        return sum(each.frames for each in eight[:count]) / spent

    loop = {count: sampled(count) for count in (1, SIDE_BY_SIDE)}
    one = note.seconds * RATE / best(lambda: play(model, [note], seed=1, threads=1), REPEATS)
    notes = tuple(Note(i * 0.5, 0.5, 50 + (i * 5) % 17) for i in range(32))
    line = melody(Song((Track("lead", 57, False, notes),), tempo=60.0))
    sounding = sum(n.seconds for n in line.notes) * RATE
    many = {n: sounding / best(lambda n=n: perform(model, line, seed=1, threads=n), REPEATS) for n in (1, 2)}
    matrix, vector = torch.randn(1024, 1024), torch.randn(1, 1024)
    need = model.sampler.multiply_adds
    peak = 1024**3 / best(lambda: matrix @ matrix, 10) / need
    stream = 1024**2 / (best(lambda: [vector @ matrix for _ in range(200)], 5) / 200) / need

    def times(rate: float) -> str:
        return f"{rate / RATE:.2f} × real time"

    row("SampleRNN's loop, one note", times(loop[1]), f"floor, matrix times vector: {times(stream)}")
    row(
        f"SampleRNN's loop, {SIDE_BY_SIDE} notes at once",
        times(loop[SIDE_BY_SIDE]),
        f"floor, matrix product: {times(peak)}",
    )
    row(
        "a note at 44.1 kHz, one thread",
        times(one),
        f"plain PyTorch: {times(slow)}, at most {apart:.2g} levels apart",
        "2 ×",
    )
    row("a melody of 32 notes at 44.1 kHz, one thread", times(many[1]), "", "6 ×")
    row("a melody of 32 notes at 44.1 kHz, two threads", times(many[2]))
    row("multiply-adds a sample", f"{need:,}")


if __name__ == "__main__":
    main()
