"""A melody on the trombone, note by note: the tune of a song (core/tune.py) alone, in its range.

    Song (MIDI, ABC, a take)  →  Line: notes (start, seconds, midi, dynamic) and what had to change  →  Audio

All notes are played side by side by the sampler, then laid one after the other (articulation.py); where somebody wants
to hear the first of them while the rest is played, in lots that last twice as long each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from engine import Progress, RequestError
from engine.core.audio import Audio
from engine.core.channels import BENDS, SWELLS, VIBRATO
from engine.core.chords import CHORD_SYMBOLS
from engine.core.instruments import INSTRUMENTS
from engine.core.midi import without
from engine.core.pitch import note_name, octaves_into
from engine.core.request import File
from engine.core.song import Note, Song, Track
from engine.core.tune import pick, top_line, tracks_of
from engine.melody import read_any
from engine.trombone.articulation import Played, joined_up, laid
from engine.trombone.conditions import HIGHEST, LOWEST
from engine.trombone.controllers import followed
from engine.trombone.extension import FULL_RATE
from engine.trombone.model import Model
from engine.trombone.notes import DYNAMIC_POINTS, play
from engine.trombone.request import MAX_SECONDS, TEMPERATURE

MAX_NOTES = 2_000  # of the line that is played
MAX_LENGTH = 600.0  # seconds of melody
OPENING = 4.0  # seconds of a line that are played first, where somebody waits to hear them
PROGRAM = INSTRUMENTS["trombone"].program


@dataclass(frozen=True)
class Line:
    """A melody as it will be played, and in words what was changed for it."""

    notes: tuple[Played, ...]
    shift: int  # semitones, whole octaves
    remarks: tuple[str, ...]
    tempo: float
    timing: Song | None = None  # meter and maps, without tracks

    @property
    def song(self) -> Song:
        """The line as a song of one trombone."""
        song = self.timing or Song(tempo=self.tempo)
        beat, at = self.tempo / 60, song.beat_clock()
        notes = []
        for n in self.notes:
            onset, duration = n.start * beat, n.seconds * beat
            if song.tempo_changes:
                onset = at(n.start)
                duration = at(n.start + n.seconds) - onset
            notes.append(Note(onset, duration, n.midi, velocity_of(n.dynamic)))
        return replace(song, tracks=(Track("trombone", PROGRAM).with_notes(notes),))


VELOCITIES = (1, 33, 49, 64, 96, 112, 127)  # of DYNAMIC_POINTS; from 33 (pp) to 112 (ff) the customary ones


def velocity_of(dynamic: float) -> int:
    """0 (pp) … 4 (ff) → MIDI velocity 33 … 112; what lies beyond goes on to 1 and 127."""
    return round(float(np.interp(dynamic, DYNAMIC_POINTS, VELOCITIES)))


def dynamic_of(velocity: int) -> float:
    """The inverse of `velocity_of`."""
    return float(np.interp(velocity, VELOCITIES, DYNAMIC_POINTS))


@lru_cache(maxsize=8)
def read_song(file: File, tune_number: int | None = None) -> Song:
    """The song in a MIDI file, a MusicXML score or an ABC tune, without what is played of its chord symbols."""
    song = read_any(file, tune_number)
    return replace(song, tracks=tuple(track for track in song.tracks if track.name != CHORD_SYMBOLS))


def melody(song: Song, *, dynamic: float | None = None, tempo: float | None = None, track: str | None = None) -> Line:
    """What a trombone plays of a song: the top line of the track that is most like a tune, or of the one that is named,
    moved by octaves. `dynamic` sets one for all notes, else velocities do. Refused: no notes, too many."""
    source, why = pick(song, track)
    everything = [n for t in source for n in t.notes]
    line = top_line(everything)
    if tempo:
        song = song.with_tempo(tempo)
    clock = song.clock()
    remarks = list(song.remarks)
    if len(source) < len(tracks_of(song)):
        remarks.append(f"Only the track '{source[0].name[:40]}' is played.{why}")
    if len(line) < len(everything):
        remarks.append(f"Only the top line is played: {len(line)} of {len(everything)} notes.")
    if len(line) > MAX_NOTES:
        raise RequestError(f"The melody has {len(line):,} notes; the trombone plays at most {MAX_NOTES:,}.")
    if clock(line[-1].end) > MAX_LENGTH:
        raise RequestError(
            f"The melody lasts longer than {MAX_LENGTH / 60:g} minutes, the most that the trombone plays."
        )
    shift = 12 * octaves_into(np.array([n.pitch for n in line]), LOWEST, HIGHEST)
    beat = 60.0 / song.tempo
    seconds = [clock(n.end) - clock(n.onset) if song.tempo_changes else n.duration * beat for n in line]
    played = [
        Played(
            clock(note.onset),
            min(length, MAX_SECONDS),
            _into_range(note.pitch + shift),
            dynamic if dynamic is not None else dynamic_of(note.velocity),
        )
        for note, length in zip(line, seconds)
    ]
    if len(source) == 1 and source[0].controls:
        played, held = followed(played, source[0].controls, clock)
        remarks = [remark for remark in remarks if remark not in map(without, (BENDS, VIBRATO, SWELLS))]
        if held:
            remarks.append(f"{held} note{'s' * (held > 1)} bent beyond the trombone's range, held at its end.")
    folded = sum(p.midi != note.pitch + shift for p, note in zip(played, line))
    shortened = sum(length > MAX_SECONDS for length in seconds)
    remarks += _changes(shift, folded, shortened)
    return Line(tuple(played), shift, tuple(remarks), song.tempo, replace(song, tracks=(), title="", remarks=()))


def _into_range(midi: int) -> int:
    """The pitch, by octaves."""
    while midi > HIGHEST:
        midi -= 12
    while midi < LOWEST:
        midi += 12
    return midi


def _changes(shift: int, folded: int, shortened: int) -> list[str]:
    """What was changed for the trombone, in words."""
    out = []
    if shift:
        out.append(f"Moved {abs(shift) // 12} octave{'s' * (abs(shift) > 12)} {'down' if shift < 0 else 'up'}.")
    if folded:
        out.append(f"{folded} note{'s' * (folded > 1)} moved by octaves into the trombone's range.")
    if shortened:
        out.append(f"{shortened} note{'s' * (shortened > 1)} shortened to {MAX_SECONDS:g} seconds, one breath.")
    return out


def scale(first: int, seconds: float, dynamic: float, tonic_up: int = 12) -> Line:
    """A major scale from `first` up an octave (as far as the range goes), each note `seconds` long."""
    steps = [s for s in (0, 2, 4, 5, 7, 9, 11, 12) if first + s <= HIGHEST and s <= tonic_up]
    notes = [Played(i * seconds, seconds * 0.95, first + s, dynamic) for i, s in enumerate(steps)]
    remarks = () if len(steps) == 8 else (f"The scale stops at {note_name(first + steps[-1])}, the top of the range.",)
    return Line(tuple(notes), 0, remarks, 60.0 / seconds)


def lots(notes: Sequence[Played]) -> list[slice]:
    """A line's notes in lots: those of its first OPENING seconds, then each time as much as was played before."""
    bounds, until = [0], OPENING
    for i, note in enumerate(notes):
        if i and note.start >= until:
            bounds.append(i)
            while until <= note.start:
                until *= 2
    return [slice(first, last) for first, last in zip(bounds, [*bounds[1:], len(notes)])]


def perform(
    model: Model, line: Line, *, seed: int, articulation: str = "tenuto", temperature: float = TEMPERATURE,
    rate: int = FULL_RATE, progress: Progress | None = None, threads: int | None = None,
    hear: Callable[[Audio], None] | None = None,
) -> Audio:  # fmt: skip
    """The line as sound: mono, at `rate`. Same seed, same bytes, on however many threads.

    hear(audio) is given what is there of it whenever a lot of its notes is, until all are.
    """
    plan = laid(line.notes, articulation)
    specs = [each.spec for each in plan]
    length = round(sum(spec.seconds for spec in specs) * rate)
    sounds: list[np.ndarray] = []
    for lot in lots(line.notes) if hear else [slice(0, len(specs))]:
        before, own = (round(sum(s.seconds for s in part) * rate) for part in (specs[: lot.start], specs[lot]))

        def tell(done: int, total: int, before: int = before, own: int = own) -> None:
            if progress:
                progress(before + own * done // max(total, 1), length)

        sounds += play(
            model, specs[lot], seed=seed, temperature=temperature, rate=rate, first=lot.start, progress=tell,
            threads=threads,
        )  # fmt: skip
        audio = _within(joined_up(line.notes, plan, sounds, rate), rate)
        if hear and len(sounds) < len(specs):
            hear(audio)
    return audio


def _within(samples: np.ndarray, rate: int) -> Audio:
    """Softer where it would clip."""
    peak = float(np.abs(samples).max(initial=0.0))
    return Audio(samples * np.float32(min(1.0, 0.98 / max(peak, 1e-9))), rate)
