"""Where in a song its sections and chords begin, as markers of a MIDI file.

A section is eight bars; those that strike mostly the same notes at the same times bear the same letter.
"""

from __future__ import annotations

from itertools import pairwise

from engine.core import harmony
from engine.core.song import Song

BARS = 8  # of a section
ALIKE = 0.5  # of the notes of two sections, from which on they are one that returns
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def markers_of(song: Song) -> list[tuple[float, str]]:
    """(beat, text) of all sections ("Section A") and chords ("Am7"), ascending. A song of one section has none."""
    return sorted([*sections_of(song), *chords_at(song)], key=lambda marker: marker[0])


def sections_of(song: Song) -> list[tuple[float, str]]:
    """(beat, "Section A") where sections begin."""
    lines = song.bar_lines()
    first = 1 if song.upbeat else 0
    begins = [*lines[first:-1:BARS], lines[-1]]
    heard = [_struck(song, begin, end) for begin, end in pairwise(begins)]
    if len(heard) < 2:
        return []
    known: list[set[tuple[int, float, int]]] = []
    out = []
    for begin, notes in zip(begins, heard):
        alike = [len(notes & each) / max(1, len(notes | each)) for each in known]
        if not alike or max(alike) < ALIKE:
            known.append(notes)
            letter = len(known) - 1
        else:
            letter = alike.index(max(alike))
        out.append((begin, f"Section {LETTERS[letter % len(LETTERS)]}"))
    return out


def _struck(song: Song, begin: float, end: float) -> set[tuple[int, float, int]]:
    """What is struck between two beats: track, place from `begin` in sixteenths, pitch."""
    return {
        (number, round(4 * (note.onset - begin)), note.pitch)
        for number, track in enumerate(song.tracks)
        for note in track.notes
        if begin <= note.onset < end
    }


def chords_at(song: Song) -> list[tuple[float, str]]:
    """(beat, name) where another chord begins to sound; none of a single line."""
    names = harmony.chords_of(song)
    edges = harmony.halves(song) if names else ()
    changes = zip(edges, names, ("", *names))
    return [(float(beat), name) for beat, name, before in changes if name and name != before]
