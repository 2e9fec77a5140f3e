"""A song: notes on tracks. Times are in beats (quarter notes) from the start of the song.

Tempo and meter are those of the beginning, and maps say where they change; an upbeat is what sounds before the first
whole bar. Pianorolls of a song are made by pianoroll.py, files by midi.py and formats.py.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TypeVar

Value = TypeVar("Value")
Clock = Callable[[float], float]  # beats → seconds or samples
TEMPI = (5.0, 1_000.0)  # quarter notes a minute, the slowest and the fastest that are read
GRACE = Fraction(1, 8)  # quarter notes that a grace note takes from the note behind it
NEAR = 1e-6  # beats: what is nearer than this is at the same time
SAME_LENGTH = {(2, 2): (4, 4), (8, 8): (4, 4), (6, 4): (12, 8)}  # meters that are played as another


@dataclass(frozen=True)
class Note:
    onset: float  # beats from the start of the song
    duration: float  # beats, above 0
    pitch: int  # MIDI number, 60 is middle C; for drums the General MIDI drum key
    velocity: int = 80  # 1..127

    @property
    def end(self) -> float:
        """Where the note stops, in beats."""
        return self.onset + self.duration


def _order(note: Note) -> tuple[float, int, float]:
    return note.onset, note.pitch, note.duration


@dataclass(frozen=True)
class Track:
    name: str
    program: int = 0  # General MIDI, 0..127
    is_drum: bool = False
    notes: tuple[Note, ...] = ()
    controls: tuple[tuple[float, str, float], ...] = ()  # (beat, which, value) as a file's part has them, ascending:
    # "bend" in semitones; "modulation", "breath", "expression" 0..1. Only a trombone follows them; files keep none.

    def with_notes(self, notes: Iterable[Note]) -> Track:
        """This track with other notes, sorted by onset and pitch."""
        return replace(self, notes=tuple(sorted(notes, key=_order)))


@dataclass(frozen=True)
class Song:
    tracks: tuple[Track, ...] = ()
    tempo: float = 120.0  # quarter notes a minute
    meter: tuple[int, int] = (4, 4)  # beats a bar, and the note value of one
    title: str = ""
    remarks: tuple[str, ...] = field(default=(), compare=False)  # what a reader had to change, in words for the person
    upbeat: float = 0.0  # beats before the first whole bar, less than one
    tempo_changes: tuple[tuple[float, float], ...] = ()  # (beat, quarter notes a minute), ascending, not at 0
    meter_changes: tuple[tuple[float, tuple[int, int]], ...] = ()  # (beat, meter), ascending; a bar begins at each
    keys: tuple[tuple[float, tuple[int, bool]], ...] = ()  # (beat, (sharps or, below 0, flats; whether minor))

    @property
    def notes(self) -> int:
        """How many notes there are in all."""
        return sum(len(track.notes) for track in self.tracks)

    @property
    def beats(self) -> float:
        """Where the last note ends, in beats."""
        return max((note.end for track in self.tracks for note in track.notes), default=0.0)

    @property
    def seconds(self) -> float:
        """Where the last note ends, in seconds."""
        changes, beats = [(0.0, self.tempo), *self.tempo_changes], self.beats
        ends = [beat for beat, _ in changes[1:]] + [beats]
        return sum(max(0.0, min(end, beats) - begin) * 60.0 / tempo for (begin, tempo), end in zip(changes, ends))

    def clock(self, rate: float = 1.0) -> Clock:
        """What turns a beat into seconds, or into samples at `rate` a second."""
        begins, per_beat, times = self._pace(rate)

        def at(beat: float) -> float:
            i = bisect_right(begins, beat, 1) - 1
            return times[i] + (beat - begins[i]) * per_beat[i]

        return at

    def beat_clock(self) -> Clock:
        """What turns seconds into the beat that sounds then: the inverse of `clock`."""
        begins, per_beat, times = self._pace(1.0)

        def beat(seconds: float) -> float:
            i = bisect_right(times, seconds, 1) - 1
            return begins[i] + (seconds - times[i]) / per_beat[i]

        return beat

    def _pace(self, rate: float) -> tuple[list[float], list[float], list[float]]:
        """The stretches of one tempo: where each begins, how long its beats last, when it begins."""
        begins, per_beat, times = [0.0], [60.0 / self.tempo * rate], [0.0]
        for beat, tempo in self.tempo_changes:
            times.append(times[-1] + (beat - begins[-1]) * per_beat[-1])
            begins.append(beat)
            per_beat.append(60.0 / tempo * rate)
        return begins, per_beat, times

    @property
    def beats_per_bar(self) -> float:
        """Quarter notes in a bar of the beginning: 4 in 4/4, 3 in 6/8."""
        return quarters(self.meter)

    def bar_lines(self, beats: float | None = None) -> list[float]:
        """Where bars begin, and where the last one ends: from 0 to the first bar line that is not before `beats` (by
        default the song's own). The upbeat is a bar."""
        beats = self.beats if beats is None else beats
        lines, meter, coming = [0.0], self.meter, deque(self.meter_changes)
        while lines[-1] < beats - NEAR:
            begin = lines[-1]
            while coming and coming[0][0] <= begin + NEAR:
                meter = coming.popleft()[1]
            end = self.upbeat if begin == 0 and self.upbeat else begin + quarters(meter)
            lines.append(min(end, coming[0][0]) if coming else end)
        return lines

    def signatures(self) -> list[tuple[float, tuple[int, int]]]:
        """The meters as a score has them, (beat, meter); an upbeat is a bar of its own length where there is one."""
        if not self.upbeat:
            return [(0.0, self.meter), *self.meter_changes]
        short = Fraction(self.upbeat / 4).limit_denominator(96)
        value = next((v for v in (4, 8, 16, 32) if short and (short * v).denominator == 1), 0)
        first = (int(short * value), value) if value else self.meter
        return [(0.0, first), (self.upbeat, self.meter), *self.meter_changes]

    @property
    def bars(self) -> int:
        """How many bars hold all notes, rounded up; the upbeat is one."""
        return len(self.bar_lines()) - 1

    def with_tempo(self, tempo: float) -> Song:
        """The same notes at another tempo (quarter notes a minute); its changes follow, within `TEMPI`."""
        ratio, (least, most) = tempo / self.tempo, TEMPI
        changes = tuple((beat, min(max(each * ratio, least), most)) for beat, each in self.tempo_changes)
        return replace(self, tempo=float(tempo), tempo_changes=changes)

    def transposed(self, semitones: int) -> Song:
        """Every pitch but the drums' moved; a note that would leave 0..127 moves by octaves until it fits."""

        def moved(pitch: int) -> int:
            pitch += semitones
            if 0 <= pitch <= 127:
                return pitch
            return pitch % 12 if pitch < 0 else 116 + (pitch - 116) % 12

        return replace(
            self,
            keys=tuple((beat, (moved_key(sharps, semitones), minor)) for beat, (sharps, minor) in self.keys),
            tracks=tuple(
                t if t.is_drum else t.with_notes(replace(n, pitch=moved(n.pitch)) for n in t.notes) for t in self.tracks
            ),
        )

    def excerpt(self, start: float, end: float) -> Song:
        """The notes that begin in [start, end) beats, moved to begin at 0 and cut off at `end`."""
        short = min((line - start for line in self.bar_lines(end) if line > start - NEAR), default=0.0)
        upbeat = self.upbeat if start < NEAR else short if short > NEAR else 0.0
        tempo, tempo_changes = _between(self.tempo, self.tempo_changes, start, end)
        meter, meter_changes = _between(self.meter, self.meter_changes, start, end)
        key, keys = _between((0, False), self.keys, start, end)
        return replace(
            self,
            tempo=tempo,
            meter=meter,
            upbeat=upbeat,
            tempo_changes=tempo_changes,
            meter_changes=meter_changes,
            keys=((0.0, key), *keys) if self.keys else (),
            tracks=tuple(
                t.with_notes(
                    replace(n, onset=n.onset - start, duration=min(n.duration, end - n.onset))
                    for n in t.notes
                    if start <= n.onset < end
                )
                for t in self.tracks
            ),
        )

    def followed_by(self, other: Song, at: float | None = None) -> Song:
        """This song with `other` appended, track by track in order, from beat `at` (by default the next whole bar)."""
        at = self.bars * self.beats_per_bar if at is None else at
        if len(self.tracks) != len(other.tracks):
            raise ValueError(f"{len(self.tracks)} tracks cannot be followed by {len(other.tracks)}")
        return replace(
            self,
            tracks=tuple(
                a.with_notes(a.notes + tuple(replace(n, onset=n.onset + at) for n in b.notes))
                for a, b in zip(self.tracks, other.tracks)
            ),
        )

    def only(self, names: Sequence[str]) -> Song:
        """The tracks of these names."""
        return replace(self, tracks=tuple(t for t in self.tracks if t.name in names))


def quarters(meter: tuple[int, int]) -> float:
    """Quarter notes in a bar."""
    return meter[0] * 4.0 / meter[1]


def moved_key(sharps: int, semitones: int) -> int:
    """The signature that many semitones higher, of at most six sharps or five flats; octaves leave it as it was."""
    return (sharps + 7 * semitones + 5) % 12 - 5 if semitones % 12 else sharps


def beat_of(meter: tuple[int, int]) -> float:
    """What is counted as a beat in it, in quarter notes: 1.5, a dotted quarter, in 6/8, 9/8 and 12/8; else 1."""
    return 1.5 if meter in ((6, 8), (9, 8), (12, 8)) else 1.0


def _between(
    first: Value, changes: Sequence[tuple[float, Value]], start: float, end: float
) -> tuple[Value, tuple[tuple[float, Value], ...]]:
    """A map cut to [start, end) beats: its value there at first, and its changes counted from there."""
    for beat, value in changes:
        if beat <= start + NEAR:
            first = value
    return first, tuple((beat - start, value) for beat, value in changes if start + NEAR < beat < end - NEAR)


def upbeat_of(
    meter: tuple[int, int], changes: Sequence[tuple[float, tuple[int, int]]]
) -> tuple[float, tuple[int, int], tuple[tuple[float, tuple[int, int]], ...]]:
    """(upbeat, meter, changes) of meters as they are written: a first bar that is shorter than those after it is an
    upbeat, and a meter that is said again on a bar line of its own is no change."""
    upbeat = 0.0
    if changes and changes[0][0] < min(quarters(meter) + NEAR, quarters(changes[0][1]) - NEAR):
        (upbeat, meter), *changes = changes
    kept: list[tuple[float, tuple[int, int]]] = []
    before, begin = meter, upbeat
    for beat, value in changes:
        bars = (beat - begin) / quarters(before)
        if value != before or abs(bars - round(bars)) > NEAR:
            kept.append((beat, value))
            begin = beat
        before = value
    return upbeat, meter, tuple(kept)
