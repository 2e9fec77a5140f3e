"""A walk from one song to another, through the latents that lie between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from engine import Progress, RequestError
from engine.core.pianoroll import TRACKS
from engine.core.song import NEAR, SAME_LENGTH, Song
from engine.variation.bars import BarGrid, read, rolls_of
from engine.variation.codec import decoded, encoded, to_notes
from engine.variation.layout import SIXTEENTHS, Layout
from engine.variation.model import Model
from engine.variation.request import Request


def walk(model: Model, song: Song, other: Song, request: Request, progress: Progress | None = None) -> list[Song]:
    """`steps` songs of `step_bars` bars: the first is the song's beginning, the last the other's.

    Latents and tempo go in straight lines; a lane that only one of the two plays enters or leaves half way. A bar is on
    the grid that the notes of both fit. Refused unless both have the same meter. The seed changes nothing.
    """
    steps, bars = request.steps, request.step_bars
    if _meter(song) != _meter(other):
        raise RequestError(
            f"The songs differ in meter ({song.meter[0]}/{song.meter[1]} and {other.meter[0]}/{other.meter[1]}); "
            "a walk needs one meter for both."
        )
    ends = [_looped(s, w, bars) for s, w in ((song, "The song"), (other, "The second song"))]
    layout, apart = _common([grid.lanes for grid in ends], bars)
    ends = [replace(e, rolls=rolls_of(e.lanes.tracks, e.families, layout), layout=layout) for e in ends]
    names = dict.fromkeys(name for grid in ends for name in grid.keys)
    keys = sorted(names, key=lambda name: (TRACKS.index(name.split()[0]), name))
    ends = [_with_lanes(grid, keys, ends) for grid in ends]
    families = ends[0].families
    at = [[encoded(model, t, grid.rolls[i])[0] for i, t in enumerate(families)] for grid in ends]
    songs = []
    for number in range(steps):
        if progress:
            progress(number, steps)
        share = number / (steps - 1)
        near = ends[0] if share < 0.5 else ends[1]
        rolls = np.zeros_like(near.rolls)
        for i, track in enumerate(families):
            a, b = (torch.from_numpy(grid.filled[i]).to(model.device)[:, None] for grid in ends)
            z = torch.lerp(torch.where(a, at[0][i], at[1][i]), torch.where(b, at[1][i], at[0][i]), share)
            sounds = near.filled[i]
            rolls[i, sounds] = to_notes(model, track, decoded(model, track, z))[sounds]
        tempo = song.tempo * (other.tempo / song.tempo) ** share
        kept = np.full(near.filled.shape, number in (0, steps - 1))
        songs.append(near.song(rolls & near.mask, kept=kept).with_tempo(round(tempo, 3)))
    if progress:
        progress(steps, steps)
    said = dict.fromkeys(said for grid in ends for said in grid.lanes.remarks)
    songs[0] = replace(songs[0], remarks=(*said, *apart))
    return songs


def _meter(song: Song) -> tuple[int, int]:
    """The meter in which a song begins, as it is played."""
    return SAME_LENGTH.get(song.meter, song.meter)


def _common(songs: Sequence[Song], bars: int) -> tuple[Layout, list[str]]:
    """Bars on the grids that the notes of all these songs fit, and what has to be said of those where none does."""
    every = replace(songs[0], tracks=tuple(track for song in songs for track in song.tracks))
    layout = Layout.of(every) if every.notes else Layout.even(1, every.beats_per_bar)
    layout = Layout(layout.more(bars, every.beats_per_bar).bars[:bars])
    lost = sorted({
        number + 1 for song in songs for number, (own, bar) in enumerate(zip(Layout.of(song).bars, layout.bars))
        if own.division != SIXTEENTHS and own.division.step % bar.division.step > NEAR
    })  # fmt: skip
    if not lost:
        return layout, []
    listed = f"s {', '.join(map(str, lost[:-1]))} and {lost[-1]}" if len(lost) > 1 else f" {lost[0]}"
    return layout, [f"The songs divide the beat differently in bar{listed}: on the way notes there keep to one grid."]


def _looped(song: Song, what: str, bars: int) -> BarGrid:
    """The first `bars` bars of a song, which begins again where it is shorter; without its upbeat, and not yet cut."""
    song = replace(song.excerpt(song.upbeat, song.beats + song.beats_per_bar), tempo_changes=(), keys=())
    length = song.beats_per_bar
    changed = next((beat for beat, meter in song.meter_changes if SAME_LENGTH.get(meter, meter) != _meter(song)), None)
    if changed is not None and changed < bars * length:
        raise RequestError(f"{what} changes its meter after bar {round(changed / length)}; a walk needs one meter.")
    grid = read(replace(song, meter_changes=()), what=what)
    own = min(bars, grid.bars)
    left_out = [f"A walk leaves out what no network plays: {track.name}." for track in grid.fixed]
    lanes = whole = replace(grid.lanes.excerpt(0, own * length), remarks=(*song.remarks, *left_out))
    for start in range(own, bars, own):
        whole = whole.followed_by(lanes.excerpt(0, min(own, bars - start) * length), at=start * length)
    return BarGrid(whole, grid.rolls, grid.layout, grid.families)


def _with_lanes(grid: BarGrid, keys: list[str], ends: list[BarGrid]) -> BarGrid:
    """The grid with a lane for each of these keys; one that it lacks is silent, and called as in the other song."""
    tracks, rolls = [], np.zeros((len(keys), *grid.rolls.shape[1:]), bool)
    for number, key in enumerate(keys):
        owner = grid if key in grid.keys else next(end for end in ends if key in end.keys)
        track = owner.lanes.tracks[owner.keys.index(key)]
        tracks.append(track if owner is grid else track.with_notes(()))
        if owner is grid:
            rolls[number] = grid.rolls[grid.keys.index(key)]
    families = tuple(key.split()[0] for key in keys)
    return BarGrid(replace(grid.lanes, tracks=tuple(tracks)), rolls, grid.layout, families)


def joined(songs: list[Song], bars: int) -> Song:
    """The steps of a walk one after the other, at the first one's tempo."""
    whole = songs[0]
    for number, song in enumerate(songs[1:], 1):
        whole = whole.followed_by(song, at=number * bars * whole.beats_per_bar)
    return whole
