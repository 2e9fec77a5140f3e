"""Some bars of a song varied, by some of its players; all else stays as it was, in the song's own tracks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine import Progress, RequestError
from engine.core import rewriting
from engine.core.pianoroll import TRACKS
from engine.core.song import Song
from engine.variation.bars import BarGrid, family_of, read
from engine.variation.model import Model
from engine.variation.request import Request
from engine.variation.variations import chosen_bars, levels_of, remarks_of, varied


def rewrite(model: Model, song: Song, request: Request, progress: Progress | None = None) -> Song:
    """The song with the marked bars of the request's players varied. Refused when the bars are not among the song's, a
    player is nobody's name, or none of them plays there."""
    assert request.rewrite is not None
    marked = rewriting.stretch(song, request.rewrite)
    grid, levels = read(song), levels_of(request)
    numbers = _numbers(song, grid)
    playing = _players(song, grid, numbers, request.players)
    changed = np.zeros(grid.filled.shape, bool)
    changed[:] = grid.windows_of(chosen_bars(request.rewrite, grid))
    changed &= grid.filled & (playing & [levels[family] is not None for family in grid.families])[:, None]
    if not changed.any():
        who = ", ".join(request.players) or "No player who may vary"
        raise RequestError(f"{who}: there are no notes in {rewriting.spelled(request.rewrite)} to vary.")
    made = grid.song(varied(model, grid, changed, levels, request, progress), kept=~changed)
    tracks = list(song.tracks)
    for lane, number in enumerate(numbers):
        if number is not None and changed[lane].any():
            kept = rewriting.kept(tracks[number].notes, marked)
            notes = rewriting.spliced(kept, made.tracks[lane].notes, marked)
            tracks[number] = tracks[number].with_notes(notes)
    return replace(song, tracks=tuple(tracks), remarks=remarks_of(song, grid))


def _numbers(song: Song, grid: BarGrid) -> list[int | None]:
    """Which of the song's tracks each lane is."""
    tracks = {family: [n for n, track in enumerate(song.tracks) if track.notes and family_of(track) == family]
              for family in TRACKS}  # fmt: skip
    return [tracks[family].pop(0) if tracks[family] else None for family in grid.families]


def _players(song: Song, grid: BarGrid, numbers: list[int | None], names: tuple[str, ...]) -> np.ndarray:
    """Which lanes are named, by their family or their track, bool [L]; all where no name is given."""
    own = [{family, lane.name, *([] if number is None else [song.tracks[number].name])}
           for family, lane, number in zip(grid.families, grid.lanes.tracks, numbers)]  # fmt: skip
    playing = np.full(len(own), not names)
    for name in names:
        answer = rewriting.called(name, own)
        if not answer:
            tracks = dict.fromkeys([*TRACKS, *(lane.name for lane in grid.lanes.tracks)])
            known = ", ".join([*tracks][:8]) + " …" * (len(tracks) > 8)
            raise RequestError(f"There is no player '{name[:40]}' in the song; choose among {known}.")
        playing[answer] = True
    return playing
