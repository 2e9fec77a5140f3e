"""A walk from one song to another, through the latents that lie between them."""

from __future__ import annotations

import numpy as np
import torch

from engine import Progress, RequestError
from engine.core.pianoroll import TRACKS
from engine.core.song import Song
from engine.variation.bars import BarGrid, read
from engine.variation.codec import decoded, encoded, to_notes
from engine.variation.model import Model
from engine.variation.request import Request


def walk(model: Model, song: Song, other: Song, request: Request, progress: Progress | None = None) -> list[Song]:
    """`steps` songs of `step_bars` bars: the first is the song's beginning, the last the other's.

    Latents and tempo go in straight lines; a track that only one of the two plays enters or leaves half way. Refused
    unless both have the same meter. The seed changes nothing.
    """
    steps, bars = request.steps, request.step_bars
    if song.meter != other.meter:
        raise RequestError(
            f"The songs differ in meter ({song.meter[0]}/{song.meter[1]} and {other.meter[0]}/{other.meter[1]}); "
            "a walk needs one meter for both."
        )
    ends = [_looped(read(s, what=w), bars) for s, w in ((song, "The song"), (other, "The second song"))]
    at = [[encoded(model, t, grid.rolls[i])[0] for i, t in enumerate(TRACKS)] for grid in ends]
    songs = []
    for number in range(steps):
        if progress:
            progress(number, steps)
        share = number / (steps - 1)
        near = ends[0] if share < 0.5 else ends[1]
        rolls = np.zeros_like(near.rolls)
        for i, track in enumerate(TRACKS):
            a, b = (torch.from_numpy(grid.filled[i]).to(model.device)[:, None] for grid in ends)
            z = torch.lerp(torch.where(a, at[0][i], at[1][i]), torch.where(b, at[1][i], at[0][i]), share)
            sounds = near.filled[i]
            rolls[i, sounds] = to_notes(model, track, decoded(model, track, z))[sounds]
        tempo = song.tempo * (other.tempo / song.tempo) ** share
        kept = np.full(near.filled.shape, number in (0, steps - 1))
        songs.append(near.song(rolls & near.mask, kept=kept).with_tempo(round(tempo, 3)))
    if progress:
        progress(steps, steps)
    return songs


def _looped(grid: BarGrid, bars: int) -> BarGrid:
    """The first `bars` bars of a grid, which begins again where it is shorter."""
    beats = grid.bar_steps / 4
    song, own = grid.five.excerpt(0, min(bars, grid.bars) * beats), min(bars, grid.bars)
    whole = song
    for start in range(own, bars, own):
        whole = whole.followed_by(song.excerpt(0, min(own, bars - start) * beats), at=start * beats)
    rolls = np.concatenate([grid.rolls] * -(-bars // grid.bars), 1)[:, : bars * grid.parts]
    return BarGrid(whole, rolls, grid.bar_steps, grid.parts)


def joined(songs: list[Song], bars: int) -> Song:
    """The steps of a walk one after the other, at the first one's tempo."""
    whole = songs[0]
    for number, song in enumerate(songs[1:], 1):
        whole = whole.followed_by(song, at=number * bars * whole.beats_per_bar)
    return whole
