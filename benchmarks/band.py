"""What Band's GAN costs on one thread: bars from a loaded model, and loading it.

    python -m benchmarks.band

Beside it: the same networks in the plain way, a bar and a track at a time, whose notes must be the same. And what any
program that plays a file must pay as well: writing the finished song as MIDI.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

import torch

from benchmarks.table import gpus, head, median, row
from engine import band
from engine.band.network import BARS, Phrase
from engine.band.request import PATHS
from engine.core.midi import write_midi
from engine.core.song import Song

if TYPE_CHECKING:
    import numpy as np

SEED = 1


@torch.inference_mode()
def plain(model: band.Model, shared: np.ndarray, private: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """As `_logits` of engine/band/generate.py: a phrase at a time, decoded a bar at a time."""
    genre = torch.from_numpy(weights)[None]
    out = []
    for one, own in zip(shared, private):
        phrase = model.network.phrase(torch.from_numpy(one)[None], torch.from_numpy(own)[None], genre)
        bars = [Phrase(*(x[:, bar : bar + 1] for x in phrase)) for bar in range(BARS)]
        out.append(torch.cat([model.network.decode(bar) for bar in bars], 1))
    return torch.cat(out).numpy()


def song_of(model: band.Model, bars: int) -> Song | None:
    return band.generate(model, band.Request(genre={model.genres[0]: 1}, seed=SEED, bars=bars)).song


def main() -> None:
    torch.set_num_threads(1)  # as the studio does
    model = band.load(PATHS["gan"], device="cpu")
    head()
    row("loading", f"{1000 * median(partial(band.load, PATHS['gan'], device='cpu')):.0f} ms")
    play = partial(song_of, model)
    ours = {bars: (median(partial(play, bars=bars), 9), play(bars=bars)) for bars in (4, 8, 64)}
    generating = import_module("engine.band.generate")
    together, generating._logits = generating._logits, plain
    for bars, limit in ((4, "50 ms"), (8, ""), (64, "500 ms")):
        spent, song = ours[bars]
        alone, same = median(partial(play, bars=bars)), play(bars=bars) == song
        row(f"{bars} bars", f"{1000 * spent:.1f} ms",
            f"plain PyTorch, bar by bar: {1000 * alone:.1f} ms, {'the same' if same else 'NOT the same'} notes",
            limit)  # fmt: skip
    generating._logits = together
    for device in gpus():
        there = partial(song_of, band.load(PATHS["gan"], device=device))
        for bars, (spent, song) in ours.items():
            same = "the same" if there(bars=bars) == song else "NOT the same"
            row(f"{bars} bars on {device}", f"{1000 * median(partial(there, bars=bars), 9):.1f} ms",
                f"the processor: {1000 * spent:.1f} ms, {same} notes")  # fmt: skip
    row("64 bars written as MIDI", f"{1000 * median(partial(write_midi, ours[64][1])):.1f} ms")


if __name__ == "__main__":
    main()
