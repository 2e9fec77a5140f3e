"""Songs as Variation's networks see them: windows of sixteen sixteenths on five tracks; and back, with their touch.

    read(song)            -> BarGrid    rolls bool [5, W, 2, 16, 72]: onsets and sounding cells, as in vae.py
    grid.song(rolls, …)  -> Song     the notes of other rolls, with the velocities and the groove of the grid's song

A bar of 4/4 is one window. A shorter one (3/4, 6/8, 7/8) leaves the window's end empty; a longer one (5/4, 12/8) is
cut into windows of equal length. A note that the rolls share with the song keeps its exact time, length, velocity and
octave; a new one takes the velocity of the notes around it and the push or delay of its step.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from engine import RequestError
from engine.core.pianoroll import LOWEST, PITCHES, STEPS, TRACKS, five_of, fold, merge_to_five, note_ends
from engine.core.pianoroll import STEPS_PER_BEAT as GRID
from engine.core.song import Note, Song, Track

MAX_BAR_STEPS = 64  # a bar of 16/4
MAX_WINDOWS = 2_048


@dataclass(frozen=True)
class BarGrid:
    """A song cut into windows. `five` holds the song's notes, merged to the five tracks."""

    five: Song
    rolls: np.ndarray  # bool [5, W, 2, 16, 72]
    bar_steps: int  # sixteenths in a bar
    parts: int  # windows in a bar

    @property
    def bars(self) -> int:
        """Bars that hold all notes."""
        return int(self.rolls.shape[1]) // self.parts

    @property
    def window_steps(self) -> int:
        """Steps that a window uses, at most 16; the last of a bar may use fewer."""
        return -(-self.bar_steps // self.parts)

    @cached_property
    def filled(self) -> np.ndarray:
        """Which windows have a cell set, bool [5, W]."""
        return np.asarray(self.rolls.any((2, 3, 4)))

    @property
    def mask(self) -> np.ndarray:
        """The steps that windows use, to be multiplied with rolls: bool [W, 1, 16, 1]."""
        return (self.at >= 0)[:, None, :, None]

    @cached_property
    def at(self) -> np.ndarray:
        """Where the windows' steps lie in the song, int [W, 16] sixteenths; -1 for steps that a window does not use."""
        return places(self.rolls.shape[1], self.bar_steps, self.parts)

    def windows_of(self, bars: np.ndarray) -> np.ndarray:
        """bool [bars] -> bool [W]."""
        return np.repeat(bars, self.parts)

    @cached_property
    def _touch(self) -> list[tuple[dict[tuple[int, int], Note], np.ndarray, np.ndarray]]:
        """A track: its notes by (step, row), the velocity of every step, the push of every step in steps."""
        steps = self.bars * self.bar_steps
        out = []
        for track in self.five.tracks:
            notes: dict[tuple[int, int], Note] = {}
            loud, push, count = np.zeros(steps), np.zeros(steps), np.zeros(steps)
            for note in track.notes:
                step = int(np.floor(note.onset * GRID + 0.5))
                if step < steps:
                    notes[step, fold(note.pitch)] = note
                    loud[step] += note.velocity
                    push[step] += note.onset * GRID - step
                    count[step] += 1
            there = np.flatnonzero(count)
            if len(there):
                push[there] /= count[there]
                loud[there] /= count[there]
                gaps = np.searchsorted((there[1:] + there[:-1]) / 2, np.arange(steps))  # the nearest step with notes
                loud = loud[there[gaps]]
            else:
                loud[:] = 80
            out.append((notes, loud, push))
        return out

    def song(self, rolls: np.ndarray, kept: np.ndarray | None = None) -> Song:
        """rolls bool [5, V, 2, 16, 72] as a song; V may exceed W (music that goes on), never be less.

        kept: bool [5, W], windows whose notes are the song's own, to the last tick.
        """
        windows = rolls.shape[1]
        at = places(windows, self.bar_steps, self.parts)
        steps, known = (windows // self.parts) * self.bar_steps, self.bars * self.bar_steps
        used = at >= 0
        kept_steps = np.zeros((len(TRACKS), steps), bool)
        if kept is not None:
            for t in range(len(TRACKS)):
                own = at[: self.rolls.shape[1]][kept[t]]
                kept_steps[t, own[own >= 0]] = True
        tracks = []
        for t, track in enumerate(self.five.tracks):
            onsets, sounding = np.zeros((2, steps, PITCHES), bool)
            onsets[at[used]] = rolls[t, :, 0][used]
            sounding[at[used]] = rolls[t, :, 1][used]
            held, loud, push = self._touch[t]
            ends = note_ends(onsets, sounding)
            notes = [n for n in track.notes if _kept(kept_steps[t], n)]
            for step, row in zip(*np.nonzero(onsets & ~kept_steps[t][:, None])):
                step, row = int(step), int(row)
                length = int(ends[step, row]) - step
                own = held.get((step, row))
                like = step if step < known else known - 4 * self.bar_steps + (step - known) % (4 * self.bar_steps)
                like = min(max(like, 0), known - 1)
                if own is not None:
                    lasted = max(1, int(np.floor(own.end * GRID + 0.5)) - step)
                    notes.append(own if lasted == length or track.is_drum else replace(own, duration=length / GRID))
                else:
                    onset = max(0.0, (step + push[like]) / GRID)
                    notes.append(Note(onset, length / GRID, row + LOWEST, round(loud[like])))
            tracks.append(track.with_notes(_parted(notes)))
        return replace(self.five, tracks=tuple(tracks))


def _kept(kept_steps: np.ndarray, note: Note) -> bool:
    step = int(np.floor(note.onset * GRID + 0.5))
    return step < len(kept_steps) and bool(kept_steps[step])


def _parted(notes: list[Note]) -> list[Note]:
    """Notes of one pitch never overlap: each ends where the next begins."""
    following: dict[int, float] = {}
    out = []
    for note in sorted(notes, key=lambda n: -n.onset):
        limit = following.get(note.pitch)
        if limit is not None and note.end > limit:
            if limit - note.onset < 1e-6:
                continue
            note = replace(note, duration=limit - note.onset)
        following[note.pitch] = note.onset
        out.append(note)
    return out


def places(windows: int, bar_steps: int, parts: int) -> np.ndarray:
    """See BarGrid.at."""
    size = -(-bar_steps // parts)
    inside = np.arange(STEPS)[None] + (np.arange(windows) % parts * size)[:, None]  # step in the bar
    fits = (np.arange(STEPS)[None] < size) & (inside < bar_steps)
    return np.where(fits, np.arange(windows)[:, None] // parts * bar_steps + inside, -1)


def bar_grid(song: Song) -> tuple[int, int]:
    """(sixteenths, windows) in a bar of a song's meter. Refused when that is no whole number of sixteenths."""
    beats, unit = song.meter
    exact = song.beats_per_bar * GRID
    if exact != int(exact) or not 1 <= exact <= MAX_BAR_STEPS:
        raise RequestError(
            f"A bar of {beats}/{unit} does not fit a grid of sixteenths; "
            f"meters of 1 to {MAX_BAR_STEPS} whole sixteenths can be varied."
        )
    return int(exact), -(-int(exact) // STEPS)


def read(song: Song, *, what: str = "The song") -> BarGrid:
    """Cut a song into windows. Refused without notes, in a meter off the grid, or longer than 2,048 windows."""
    bar_steps, parts = bar_grid(song)
    five = merge_to_five(song)
    if not five.notes:
        raise RequestError(f"{what} has no notes on drums, piano, guitar, bass or strings.")
    five = replace(five, tracks=tuple(_named_as(song, track) for track in five.tracks))
    last = max(int(np.floor(n.onset * GRID + 0.5)) for t in five.tracks for n in t.notes)
    bars = max(last // bar_steps + 1, five.bars)
    if bars * parts > MAX_WINDOWS:
        raise RequestError(f"{what} has {bars} bars; at most {MAX_WINDOWS // parts} can be varied at once.")
    steps = bars * bar_steps
    grid = np.zeros((len(TRACKS), 2, steps, PITCHES), bool)
    for t, track in enumerate(five.tracks):
        for note in track.notes:
            first = int(np.floor(note.onset * GRID + 0.5))
            end = first + 1 if track.is_drum else max(first + 1, int(np.floor(note.end * GRID + 0.5)))
            row = fold(note.pitch)
            grid[t, 0, first, row] = True
            grid[t, 1, first:end, row] = True
    at = places(bars * parts, bar_steps, parts)
    rolls = grid[:, :, np.maximum(at, 0)] & (at >= 0)[None, None, :, :, None]  # [5, 2, W, 16, 72]
    return BarGrid(five, np.ascontiguousarray(rolls.transpose(0, 2, 1, 3, 4)), bar_steps, parts)


def _named_as(song: Song, track: Track) -> Track:
    """The merged track with the program that plays most of its notes in the song."""
    votes: Counter[int] = Counter()
    for source in song.tracks:
        if five_of(source.program, source.is_drum) == track.name:
            votes[source.program] += len(source.notes)
    return replace(track, program=votes.most_common(1)[0][0]) if votes else track


def extent(rolls: np.ndarray) -> np.ndarray:
    """Sounding pitch classes of windows: bool [..., 16, 72] -> int [..., 12] sounding cells a class, C first."""
    return np.asarray(rolls.reshape(*rolls.shape[:-1], PITCHES // 12, 12).sum((-3, -2)))
