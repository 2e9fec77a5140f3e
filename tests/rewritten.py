"""Songs to write some bars of anew, and what must have stayed of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from engine.core import rewriting
from engine.core.midi import read_midi, write_midi
from engine.core.request import File
from engine.core.rewriting import Stretch
from engine.core.song import Note, Song, Track, quarters

NAMES = {"drums": (0, True), "piano": (4, False), "Rhythm": (27, False), "Lead": (29, False), "bass": (33, False),
         "strings": (48, False), "lead": (73, False), "Goblins": (101, False)}  # fmt: skip
TICKS = 48  # a beat: what lies between the steps of any grid is there too


@st.composite
def songs(draw: Any, meters: tuple[tuple[int, int], ...] = ((4, 4), (3, 4), (6, 8), (5, 4))) -> Song:
    """A song as a file has it: any of these tracks, notes on and off the grid, upbeats, changes of meter and tempo."""
    bars, meter = draw(st.integers(2, 12)), draw(st.sampled_from(meters))
    change = draw(st.none() | st.sampled_from(meters))
    upbeat = draw(st.sampled_from((0.0, 1.0)))
    middle = upbeat + bars // 2 * quarters(meter)
    changes = ((middle, change),) if change not in (None, meter) else ()
    beats = upbeat + bars * quarters(meter)
    tracks = []
    for name in draw(st.lists(st.sampled_from(sorted(NAMES)), min_size=1, max_size=4, unique=True)):
        program, drums = NAMES[name]
        at, length = st.integers(0, int(beats * TICKS) - 1), st.integers(1, 6 * TICKS)
        notes = draw(st.lists(st.tuples(at, length, st.integers(30, 90), st.integers(1, 127)), min_size=1, max_size=40))
        track = Track(name, program, drums).with_notes(Note(a / TICKS, d / TICKS, p, v) for a, d, p, v in notes)
        tracks.append(track)
    song = Song(tuple(tracks), 97.0, meter, upbeat=upbeat, meter_changes=changes, tempo_changes=((2.0, 130.0),))
    return read_midi(write_midi(song))


def file_of(song: Song) -> File:
    return File("song.mid", write_midi(song))


def outside(track: Track, marked: Stretch) -> list[tuple[float, int, int]]:
    return [(note.onset, note.pitch, note.velocity) for note in track.notes if not marked.holds(note.onset)]


def check_outside_stays(before: Song, after: Song, bars: tuple[int, int], players: set[str]) -> None:
    """Tempo, meter, names and programs stay; of others every note, of the players what lies outside."""
    marked = rewriting.stretch(before, bars)
    for what in ("tempo", "tempo_changes", "meter", "meter_changes", "upbeat", "keys"):
        assert getattr(after, what) == getattr(before, what)
    for old, new in zip(before.tracks, after.tracks):
        assert (new.name, new.program, new.is_drum) == (old.name, old.program, old.is_drum)
        if old.name not in players:
            assert new.notes == old.notes, old.name
        assert outside(new, marked) == outside(old, marked), old.name
    for new in after.tracks[len(before.tracks) :]:
        assert (new.name in players or not new.notes) and not outside(new, marked)
