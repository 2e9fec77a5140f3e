"""Bars of music as the player knows them: a grid, two chords, and the notes of each lane."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

import engine.player.vocabulary as v
from engine import RequestError
from engine.core.chords import recognise
from engine.core.song import Song
from engine.player.lanes import Note, grid_of

MAX_BARS = 128  # of a piece
TICKS = 24  # a beat
SLOT = 2  # ticks
BASS = v.LANES.index("bass")


@dataclass(frozen=True)
class Bar:
    """One bar."""

    grid: int = v.STRAIGHT
    chords: tuple[int, int] = (-1, -1)  # of its halves (engine.core.chords), -1 for none
    lanes: Mapping[int, Sequence[Note]] = field(default_factory=dict)  # lane → (step, length, pitch), those that sound

    def with_lane(self, lane: int, notes: Sequence[Note]) -> Bar:
        """This bar with other notes in a lane; none: it rests."""
        others = {other: rows for other, rows in self.lanes.items() if other != lane}
        return replace(self, lanes={**others, lane: notes} if notes else others)

    def moved(self, to: Callable[[int], int]) -> Bar:
        """This bar with the pitched lanes' notes moved; two that meet are one, the longer."""
        return self.placed(lambda lane, note: to(note[2]))

    def placed(self, to: Callable[[int, Note], int]) -> Bar:
        """The same, where the lane and all of a note say to which pitch."""
        lanes = {}
        for lane, notes in self.lanes.items():
            longest: dict[tuple[int, int], int] = {}
            for note in notes:
                at = note[0], note[2] if lane == v.DRUMS else to(lane, note)
                longest[at] = max(longest.get(at, 0), note[1])
            lanes[lane] = sorted((step, length, pitch) for (step, pitch), length in longest.items())
        return replace(self, lanes=lanes)


@dataclass(frozen=True)
class OnBars:
    """A song's notes laid on bars; arrays [notes]."""

    lane: np.ndarray
    bar: np.ndarray
    step: np.ndarray  # on its bar's grid
    length: np.ndarray  # steps of that grid
    pitch: np.ndarray
    away: np.ndarray  # ticks by which a note begins beside its step
    grid: np.ndarray  # int [bars]
    chords: np.ndarray  # int [bars, 2]


def lay(lane: np.ndarray, onset: np.ndarray, duration: np.ndarray, pitch: np.ndarray, meter: tuple[int, int]) -> OnBars:
    """Notes, sorted by onset (ticks from the first bar line), laid on bars, each on the grid nearer to its onsets."""
    ticks = v.METERS[meter]
    bars = int(onset.max()) // ticks + 2 if len(onset) else 0
    bar = onset // ticks
    grid = np.zeros(bars, int)
    if ticks // v.UNITS[v.TRIPLETS] <= v.MAX_STEPS:
        ends = np.searchsorted(onset, np.arange(1, bars + 1) * ticks)
        grid = np.array([grid_of(onset[a:b] % ticks) for a, b in zip([0, *ends], ends)], int)
    unit = np.array(v.UNITS)[grid]
    step = (onset - bar * ticks + unit[bar] // 2) // unit[bar]
    late = step >= ticks // unit[bar]  # a note played early belongs to the next bar's first beat
    bar, step = bar + late, np.where(late, 0, step)
    length = np.clip((duration + unit[bar] // 2) // unit[bar], 1, v.MAX_LENGTH)
    at = bar * ticks + step * unit[bar]
    chords = _chords(lane, at, at + duration, pitch, bars, ticks)
    return OnBars(lane, bar, step, length, pitch, np.abs(onset - at), grid, chords)


def _chords(
    lane: np.ndarray, onset: np.ndarray, end: np.ndarray, pitch: np.ndarray, bars: int, ticks: int
) -> np.ndarray:
    """The chord of each half bar, int [bars, 2], -1 for none."""
    sounding = np.zeros((2, bars * ticks // SLOT + 1, 12))
    top = sounding.shape[1] - 1
    for which, chosen in enumerate((lane != v.DRUMS, lane == BASS)):
        for change, when in ((1, onset), (-1, end)):
            np.add.at(sounding[which], (np.minimum(when[chosen] // SLOT, top), pitch[chosen] % 12), change)
    halves = np.cumsum(sounding, 1)[:, :-1].reshape(2, bars * 2, -1, 12).sum(2)
    return recognise(*halves).reshape(bars, 2)


def read_song(song: Song, shift: int = 0) -> tuple[list[Bar], tuple[str, ...]]:
    """The bars of a song whose tracks are lanes by name (drums, piano, guitar, bass, strings, lead), its pitched notes
    `shift` semitones higher; and what the player does not hear as it is played, a sentence each.

    Refused when the song is empty, longer than `MAX_BARS`, in a meter that the player does not know, or has a track
    that is none of its lanes.
    """
    if song.meter not in v.METERS:
        raise RequestError(f"The player knows {v.METER_NAMES}, not {song.meter[0]}/{song.meter[1]}.")
    strange = [track.name for track in song.tracks if track.notes and track.name not in v.LANES]
    if strange:
        raise RequestError(f"'{strange[0]}' is none of the player's lanes ({', '.join(v.LANES)}).")
    if not song.notes:
        raise RequestError("There is nothing to keep: the song has no notes.")
    if song.bars > MAX_BARS:
        raise RequestError(f"The song has {song.bars} bars; the player keeps at most {MAX_BARS}.")
    rows = [(v.LANES.index(track.name), round(note.onset * TICKS), max(1, round(note.duration * TICKS)), note.pitch)
            for track in song.tracks for note in track.notes]  # fmt: skip
    lane, onset, duration, pitch = np.array(sorted(rows, key=lambda row: row[1])).T
    moved = np.where(lane != v.DRUMS, pitch + shift, pitch)
    laid = lay(lane, onset, duration, np.clip(moved, 0, 127), song.meter)
    remarks = []
    if laid.away.any():
        remarks.append(f"{(laid.away > 0).sum()} of {len(onset)} notes lie beside the grid of sixteenths or triplets: "
                       "they stay where they are, and the others hear them at the nearest step.")  # fmt: skip
    if (long := duration > v.MAX_LENGTH * np.array(v.UNITS)[laid.grid[laid.bar]]).any():
        remarks.append(f"{long.sum()} notes are longer than four bars: the others hear four bars of them.")
    if (moved != laid.pitch).any():
        remarks.append("Notes at the ends of MIDI's range are heard at its ends.")
    return bars_of(laid)[: song.bars], tuple(remarks)


def bars_of(notes: OnBars) -> list[Bar]:
    """The bars of notes that were laid on them."""
    lanes: list[dict[int, list[Note]]] = [{} for _ in notes.grid]
    for lane, bar, *row in zip(*(a.tolist() for a in (notes.lane, notes.bar, notes.step, notes.length, notes.pitch))):
        lanes[bar].setdefault(lane, []).append((row[0], row[1], row[2]))
    return [Bar(int(grid), (int(chords[0]), int(chords[1])), {lane: sorted(rows) for lane, rows in played.items()})
            for grid, chords, played in zip(notes.grid, notes.chords, lanes)]  # fmt: skip
