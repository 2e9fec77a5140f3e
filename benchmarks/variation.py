"""What Variation costs on two threads: loading, a song varied, the slider's answer, going on.

    python -m benchmarks.variation

Beside it: the same networks in the plain way, a bar at a time, whose notes must be the same; and random edits, which
need no network.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from benchmarks.table import gpus, head, median, peak_mb, row, seconds
from engine.core.request import File
from engine.core.song import Note, Song, Track
from engine.variation import Model, Request, variations
from engine.variation import load as load_model
from engine.variation.continuation import extend
from engine.variation.request import LATENTS, NETWORKS, PATH, PLAYER

ASKED = Request(input=File("a song that is there already", b""), noise=0.7, seed=1)


def band(bars: int) -> Song:
    """Five busy tracks, every bar different."""
    rng = np.random.default_rng(0)

    def part(low: int, high: int, each: int) -> list[Note]:
        return [
            Note(float(n // 4 + bar * 4) + (n % 4) / 4, 0.5, int(rng.integers(low, high)), 80)
            for bar in range(bars)
            for n in sorted(rng.choice(16, each, replace=False).tolist())
        ]

    kinds = (("drums", 0, 36, 52, 16), ("piano", 0, 55, 84, 12), ("guitar", 25, 48, 76, 12), ("bass", 33, 30, 50, 8),
             ("strings", 48, 55, 80, 10))  # fmt: skip
    return Song(
        tuple(
            Track(name, program, name == "drums").with_notes(part(low, high, each))
            for name, program, low, high, each in kinds
        )
    )


def random_edit(song: Song, seed: int) -> Song:
    """A fifth of the notes moved to a random pitch nearby."""
    rng = np.random.default_rng(seed)

    def moved(note: Note) -> Note:
        pitch = note.pitch + int(rng.integers(-4, 5)) if rng.random() < 0.2 else note.pitch
        return Note(note.onset, note.duration, pitch, note.velocity)

    return Song(tuple(track.with_notes(map(moved, track.notes)) for track in song.tracks))


@torch.inference_mode()
def encoded(model: Model, track: str, rolls: np.ndarray) -> tuple[Tensor, Tensor]:
    """As engine/variation/codec.py's encoded, a bar at a time."""
    vae = model.bank[track]
    ways = [vae.encode(torch.from_numpy(roll.astype(np.float32))[None]) for roll in rolls]
    return torch.cat([mu for mu, _ in ways]), torch.cat([logvar for _, logvar in ways])


@torch.inference_mode()
def decoded(model: Model, track: str, z: Tensor) -> Tensor:
    """As engine/variation/codec.py's decoded, a bar at a time."""
    return torch.cat([model.bank[track].decode(one[None]) for one in z])


def main() -> None:
    torch.set_num_threads(1)  # as the studio does
    head()
    before, models = peak_mb(), {}

    def load() -> None:
        models.update({k: load_model(PATH / f"k{k}", "cpu") for k in LATENTS})

    spent = seconds(load)
    row("all four latent sizes loaded", f"{spent:.2f} s, {peak_mb() - before:.0f} MB", "", "400 MB")
    songs = {64: (band(64), "0.1 s"), 16: (band(16), "0.1 s")}
    batched = variations.encoded, variations.decoded
    for k in (16, 64):
        for bars, (song, limit) in songs.items():
            vary = partial(variations.vary, models[k], song, ASKED)
            ours, made = median(vary), vary()
            variations.encoded, variations.decoded = encoded, decoded
            alone, same = median(vary, 3), vary() == made
            variations.encoded, variations.decoded = batched
            row(f"{bars} bars varied, {k} numbers a bar", f"{ours:.3f} s",
                f"plain PyTorch, bar by bar: {alone:.3f} s, {'the same' if same else 'NOT the same'} notes",
                limit)  # fmt: skip
    for device in gpus():
        for k in (16, 64):
            here, there = (
                partial(variations.vary, load_model(PATH / f"k{k}", place), songs[64][0], ASKED)
                for place in ("cpu", device)
            )
            same = "the same" if here() == there() else "NOT the same"
            row(f"64 bars varied, {k} numbers a bar, on {device}", f"{median(there):.3f} s",
                f"the processor: {median(here):.3f} s, {same} notes")  # fmt: skip
    edits = median(partial(random_edit, songs[64][0], 1))
    row("64 bars by random edits, no network", f"{edits:.3f} s")
    for by in (PLAYER, NETWORKS):
        more = partial(extend, models[32], songs[16][0], replace(ASKED, continue_bars=8, by=by))
        row(f"8 bars of continuation, by the {by}", f"{median(more, 3):.3f} s")


if __name__ == "__main__":
    main()
