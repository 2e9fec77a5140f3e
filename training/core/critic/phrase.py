"""A phrase as the critic sees it: notes, and the rolls and lines that features read off them, each worked out once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.core.pianoroll import STEPS, TRACKS
from engine.core.song import Song

TICKS = 24  # a beat
TICKS_PER_STEP = 6  # a sixteenth
BAR_TICKS = STEPS * TICKS_PER_STEP
PITCHED = range(1, len(TRACKS))
DRUMS, PIANO, GUITAR, BASS, STRINGS = range(len(TRACKS))


@dataclass(frozen=True, eq=False)
class Line:
    """The notes of one track on the grid of sixteenths, by step and then by pitch; arrays [notes]."""

    step: np.ndarray  # 0 .. steps - 1
    end: np.ndarray  # the step at which it stops, above `step`
    pitch: np.ndarray
    velocity: np.ndarray
    offset: np.ndarray  # ticks by which it was played before (below 0) or after its step

    def __len__(self) -> int:
        return len(self.step)

    @cached_property
    def chords(self) -> list[slice]:
        """The notes that begin at one step, for each step at which any does."""
        starts = np.flatnonzero(np.diff(self.step, prepend=-1))
        return [slice(a, b) for a, b in zip(starts, [*starts[1:], len(self)])]

    @cached_property
    def top(self) -> np.ndarray:
        """The highest pitch of each chord, [chords]."""
        return np.array([self.pitch[chord][-1] for chord in self.chords], int)

    @cached_property
    def low(self) -> np.ndarray:
        """The lowest pitch of each chord, [chords]."""
        return np.array([self.pitch[chord][0] for chord in self.chords], int)

    @cached_property
    def moments(self) -> np.ndarray:
        """The step of each chord, [chords]."""
        return np.array([self.step[chord.start] for chord in self.chords], int)


@dataclass(frozen=True, eq=False)
class Phrase:
    """Bars of 4/4 in five tracks. Notes in ticks, 24 a beat, from the first bar line; arrays [notes]."""

    bars: int
    track: np.ndarray
    onset: np.ndarray
    duration: np.ndarray
    pitch: np.ndarray
    velocity: np.ndarray

    @classmethod
    def of(cls, song: Song, first: int = 0, bars: int | None = None) -> Phrase:
        """`bars` bars of a song in five tracks, from bar `first` (0 is the first)."""
        notes = [(t, n) for t, track in enumerate(song.tracks) for n in track.notes]
        values = [(t, round(n.onset * TICKS), max(1, round(n.duration * TICKS)), n.pitch, n.velocity) for t, n in notes]
        whole = np.array(values, int).reshape(-1, 5)
        return cls(bars or song.bars, *whole.T).cut(first, bars or song.bars)

    def cut(self, first: int, bars: int) -> Phrase:
        """Bars `first` to `first + bars` alone; a note played a little early belongs to its beat, one that goes on
        beyond them stops at their end."""
        begin, span = first * BAR_TICKS, bars * BAR_TICKS
        onset = self.onset - begin
        kept = (onset >= -TICKS_PER_STEP // 2) & (onset < span - TICKS_PER_STEP // 2)
        onset = np.maximum(onset[kept], -TICKS_PER_STEP // 2)
        duration = np.minimum(self.duration[kept], span - onset)
        return Phrase(bars, self.track[kept], onset, duration, self.pitch[kept], self.velocity[kept])

    @property
    def steps(self) -> int:
        """Sixteenths in all."""
        return self.bars * STEPS

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The five tracks; of two notes of a pitch at one step the longer stands, and a note ends where the next of its
        pitch begins."""
        return tuple(self._line(t) for t in range(len(TRACKS)))

    def _line(self, track: int) -> Line:
        mine = np.flatnonzero(self.track == track)
        onset, pitch = self.onset[mine], self.pitch[mine]
        step = np.maximum((onset + TICKS_PER_STEP // 2) // TICKS_PER_STEP, 0)
        end = (onset + self.duration[mine] + TICKS_PER_STEP // 2) // TICKS_PER_STEP
        end = np.minimum(np.maximum(end, step + 1), self.steps)
        order = np.lexsort((-end, pitch, step))
        order = order[step[order] < self.steps]
        step, pitch, end, mine = step[order], pitch[order], end[order], mine[order]
        first = np.ones(len(step), bool)
        first[1:] = (step[1:] != step[:-1]) | (pitch[1:] != pitch[:-1])
        step, pitch, end, mine = step[first], pitch[first], end[first], mine[first]
        last: dict[int, int] = {}
        for i in range(len(step) - 1, -1, -1):
            end[i] = min(end[i], last.get(int(pitch[i]), self.steps))
            last[int(pitch[i])] = int(step[i])
        return Line(step, end, pitch, self.velocity[mine], self.onset[mine] - step * TICKS_PER_STEP)

    @cached_property
    def onsets(self) -> np.ndarray:
        """bool [tracks, steps, 128]: where notes begin."""
        out = np.zeros((len(TRACKS), self.steps, 128), bool)
        for t, line in enumerate(self.lines):
            out[t, line.step, line.pitch] = True
        return out

    @cached_property
    def held(self) -> np.ndarray:
        """bool [tracks, steps, 128]: where notes sound, their onsets included."""
        out = np.zeros((len(TRACKS), self.steps, 128), bool)
        for t, line in enumerate(self.lines):
            for step, end, pitch in zip(line.step, line.end, line.pitch):
                out[t, step:end, pitch] = True
        return out

    @cached_property
    def rhythm(self) -> np.ndarray:
        """bool [tracks, bars, 16]: the steps at which a track plays anything."""
        return self.onsets.any(2).reshape(len(TRACKS), self.bars, STEPS)

    @cached_property
    def chroma(self) -> np.ndarray:
        """float [tracks, steps, 12]: how many notes of each pitch class sound, C first."""
        out = np.zeros((len(TRACKS), self.steps, 12))
        for c in range(12):
            out[:, :, c] = self.held[:, :, c::12].sum(2)
        return out

    @cached_property
    def sounding(self) -> np.ndarray:
        """bool [tracks, bars]: whether anything sounds."""
        return self.held.any(2).reshape(len(TRACKS), self.bars, STEPS).any(2)

    def bar(self, track: int, bar: int) -> np.ndarray:
        """bool [16, 128]: the onsets of one bar of a track."""
        return self.onsets[track, bar * STEPS : (bar + 1) * STEPS]

    def neighbours(self, track: int, apart: int = 1) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Onsets bool [16, 128] of each two bars of a track that lie `apart` bars apart and both have notes."""
        filled = self.rhythm[track].any(1)
        for b in range(self.bars - apart):
            if filled[b] and filled[b + apart]:
                yield self.bar(track, b), self.bar(track, b + apart)
