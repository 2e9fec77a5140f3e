"""Songs as Variation's networks see them: windows of sixteen cells, a lane an instrument; and back, with their touch.

    read(song)            -> BarGrid    rolls bool [L, W, 2, 16, 72]: onsets and sounding cells, as in vae.py
    grid.song(rolls, …)  -> Song     the notes of other rolls, with the velocities and the groove of the grid's song

Each instrument of the song is a lane of its own, which the network of its family plays: drums, piano, guitar, bass or
strings. Where bars, steps and windows lie is layout.py. A note that the rolls share with the song keeps its exact time,
length, velocity and octave; a new one takes the velocity of the notes around it and the push or delay of its step.
Percussion and sound effects belong to no family; they stay beside the lanes as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from engine import RequestError
from engine.core.instruments import PROGRAMS, program_names
from engine.core.pianoroll import LOWEST, PITCHES, STEPS, TRACKS, five_of, fold, note_ends
from engine.core.song import Note, Song, Track
from engine.variation.layout import Layout

MAX_WINDOWS = 2_048
MAX_CELLS = 32_768  # lanes · windows
PITCHED_EFFECTS = (*range(96, 104), 112, 113, 114)  # synthesiser effects, bells and steel drums: their notes are a tune


@dataclass(frozen=True)
class BarGrid:
    """A song cut into windows. `lanes` holds the song's notes, a track a lane."""

    lanes: Song
    rolls: np.ndarray  # bool [L, W, 2, 16, 72]
    layout: Layout
    families: tuple[str, ...] = TRACKS  # of each lane
    fixed: tuple[Track, ...] = ()  # tracks that no network plays

    @property
    def bars(self) -> int:
        """Whole bars that hold all notes, as they are counted: an upbeat is none."""
        return len(self.layout.bars) - self.layout.upbeat

    @property
    def original(self) -> Song:
        """The song as it was, lane by lane."""
        return replace(self.lanes, tracks=self.lanes.tracks + self.fixed)

    @cached_property
    def filled(self) -> np.ndarray:
        """Which windows have a cell set, bool [L, W]."""
        return np.asarray(self.rolls.any((2, 3, 4)))

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """A name for each lane that is its family's, with a number from the second on: what its chances depend on."""
        count = dict.fromkeys(TRACKS, 0)
        keys = []
        for family in self.families:
            count[family] += 1
            keys.append(family if count[family] == 1 else f"{family} {count[family]}")
        return tuple(keys)

    def sounds(self, family: str) -> bool:
        """Whether a lane of this family has notes."""
        return any(f == family and filled.any() for f, filled in zip(self.families, self.filled))

    @property
    def mask(self) -> np.ndarray:
        """The cells that windows use, to be multiplied with rolls: bool [W, 1, 16, 1]."""
        return (self.layout.at >= 0)[:, None, :, None]

    def windows_of(self, bars: np.ndarray) -> np.ndarray:
        """bool [bars], the upbeat among them -> bool [W]."""
        return np.repeat(bars, self.layout.parts)

    @cached_property
    def lost(self) -> int:
        """Notes that are closer to another of their pitch than the grid's steps, and so are not in the rolls."""
        return self.lanes.notes - int(sum(len(notes) for notes, _, _ in self._touch))

    @cached_property
    def _touch(self) -> list[tuple[dict[tuple[int, int], Note], np.ndarray, np.ndarray]]:
        """A lane: its notes by (step, row), the velocity of every step, the push of every step in beats."""
        layout = self.layout
        steps = len(layout.beats) - 1
        out = []
        for track in self.lanes.tracks:
            notes: dict[tuple[int, int], Note] = {}
            loud, push, count = np.zeros(steps), np.zeros(steps), np.zeros(steps)
            for note in track.notes:
                step = layout.step(note.onset)
                if step < steps:
                    notes[step, fold(note.pitch)] = note
                    loud[step] += note.velocity
                    push[step] += note.onset - layout.beats[step]
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

    def song(self, rolls: np.ndarray, kept: np.ndarray | None = None, layout: Layout | None = None) -> Song:
        """rolls bool [L, V, 2, 16, 72] as a song, whose windows lie as in `layout`: this grid's, or one that goes on.

        kept: bool [L, W], windows whose notes are the song's own, to the last tick.
        """
        layout = layout or self.layout
        steps, known, used = len(layout.beats) - 1, len(self.layout.beats) - 1, layout.at >= 0
        kept_steps = np.zeros((len(self.families), steps), bool)
        if kept is not None:
            for t, windows in enumerate(kept):
                own = self.layout.at[windows]
                kept_steps[t, own[own >= 0]] = True
        tracks = []
        for t, track in enumerate(self.lanes.tracks):
            onsets, sounding = np.zeros((2, steps, PITCHES), bool)
            onsets[layout.at[used]] = rolls[t, :, 0][used]
            sounding[layout.at[used]] = rolls[t, :, 1][used]
            notes = [n for n in track.notes if (step := layout.step(n.onset)) < steps and kept_steps[t, step]]
            notes += self._new_notes(t, onsets, sounding, ~kept_steps[t], layout, known)
            tracks.append(track.with_notes(_parted(notes)))
        return replace(self.lanes, tracks=(*tracks, *self.fixed))

    def _new_notes(
        self, lane: int, onsets: np.ndarray, sounding: np.ndarray, free: np.ndarray, layout: Layout, known: int
    ) -> list[Note]:
        """Notes of onsets and sounding cells, bool [steps, 72], at `free` steps, bool [steps]. Music that goes on past
        the `known` steps has the touch of the four bars before."""
        held, loud, push = self._touch[lane]
        ends, beats, four = note_ends(onsets, sounding), layout.beats, 4 * self.layout.bars[-1].steps
        notes = []
        for step, row in zip(*np.nonzero(onsets & free[:, None])):
            step, row = int(step), int(row)
            end = int(ends[step, row])
            length = float(beats[end] - beats[step])
            like = step if step < known else known - four + (step - known) % four
            like = min(max(like, 0), known - 1)
            own = held.get((step, row))
            if own is None:
                notes.append(Note(max(0.0, float(beats[step] + push[like])), length, row + LOWEST, round(loud[like])))
            elif self.families[lane] == "drums" or max(step + 1, layout.step(own.end)) == end:
                notes.append(own)
            else:
                notes.append(replace(own, duration=length))
        return notes


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


def family_of(track: Track) -> str:
    """Which network plays a track; "" for percussion and sound effects, which none does."""
    if track.program in PITCHED_EFFECTS and not track.is_drum:
        return "strings"
    return five_of(track.program, track.is_drum)


def read(song: Song, *, what: str = "The song") -> BarGrid:
    """Cut a song into windows. Refused without notes, or longer than 2,048 windows.

    Its lanes are in the order of the families, of which each has one at least.
    """
    if not song.notes:
        raise RequestError(f"{what} has no notes.")
    if song.bars > MAX_WINDOWS:
        raise RequestError(f"{what} has {song.bars} bars; at most {MAX_WINDOWS} can be varied at once.")
    layout = Layout.of(song)
    if layout.windows > MAX_WINDOWS:
        most = MAX_WINDOWS // layout.usual_parts
        raise RequestError(f"{what} has {len(layout.bars)} bars; at most {most} can be varied at once.")
    lanes, families, fixed = _lanes(song, MAX_CELLS // layout.windows)
    rolls = rolls_of(lanes, families, layout)
    return BarGrid(replace(song, tracks=tuple(lanes)), rolls, layout, tuple(families), tuple(fixed))


def rolls_of(lanes: Sequence[Track], families: Sequence[str], layout: Layout) -> np.ndarray:
    """The notes of lanes in the windows of a layout, bool [L, W, 2, 16, 72]; those past its end are left out."""
    rolls = np.zeros((len(lanes), layout.windows, 2, STEPS, PITCHES), bool)
    for lane, family, roll in zip(lanes, families, rolls):
        grid = np.zeros((2, len(layout.beats) - 1, PITCHES), bool)
        for note in lane.notes:
            first = layout.step(note.onset)
            if first == grid.shape[1]:
                continue
            end = first + 1 if family == "drums" else max(first + 1, layout.step(note.end))
            row = fold(note.pitch)
            grid[0, first, row] = True
            grid[1, first:end, row] = True
        cells = grid[:, np.maximum(layout.at, 0)] & (layout.at >= 0)[None, :, :, None]  # [2, W, 16, 72]
        roll[:] = cells.transpose(1, 0, 2, 3)
    return rolls


def _lanes(song: Song, most: int) -> tuple[list[Track], list[str], list[Track]]:
    """The song's tracks as lanes, their families, and those that are none, among them what comes after `most` lanes."""
    by_family: dict[str, list[Track]] = {family: [] for family in TRACKS}
    fixed = []
    for track in song.tracks:
        if not track.notes:
            continue
        family = family_of(track)
        if family and sum(map(len, by_family.values())) < most:
            by_family[family].append(track)
        else:
            fixed.append(track)
    lanes, families = [], []
    for family, tracks in by_family.items():
        for track in tracks or [Track("", PROGRAMS[family], family == "drums")]:
            lanes.append(replace(track, name=_name(track, family, alone=len(tracks) < 2)).with_notes(_single(track)))
            families.append(family)
    names: set[str] = set()
    for number, lane in enumerate(lanes := [*lanes, *fixed]):
        name, count = lane.name, 2
        while name in names:  # mixers and downloads know a track by its name
            name, count = f"{lane.name} {count}", count + 1
        names.add(name)
        lanes[number] = replace(lane, name=name)
    return lanes[: len(families)], families, lanes[len(families) :]


def _name(track: Track, family: str, *, alone: bool) -> str:
    """A lane's name: the track's own, or its family's, of several without a name that of its program."""
    if track.name and not re.fullmatch(r"Track \d+", track.name):
        return track.name
    return family if alone or track.is_drum else program_names().get(track.program, family)


def _single(track: Track) -> list[Note]:
    """The track's notes; of those that strike one pitch at one moment the longer, louder stands."""
    merged: dict[tuple[float, int], Note] = {}
    for note in track.notes:
        before = merged.get((note.onset, note.pitch), note)
        merged[note.onset, note.pitch] = replace(
            note, duration=max(note.duration, before.duration), velocity=max(note.velocity, before.velocity)
        )
    return list(merged.values())


def extent(rolls: np.ndarray) -> np.ndarray:
    """Sounding pitch classes of windows: bool [..., 16, 72] -> int [..., 12] sounding cells a class, C first."""
    return np.asarray(rolls.reshape(*rolls.shape[:-1], PITCHES // 12, 12).sum((-3, -2)))
