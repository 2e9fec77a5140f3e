"""The song in a file that a person brought: MIDI or MusicXML, told apart by what the file begins with."""

from __future__ import annotations

from functools import lru_cache

from engine import RequestError
from engine.core.midi import MAX_BYTES, read_midi
from engine.core.musicxml import is_musicxml, read_musicxml
from engine.core.request import File
from engine.core.song import Song

SONG_MIB = MAX_BYTES >> 20  # of a MIDI file or a score
SONGS = ("mid", "midi", "rmi", "kar", "musicxml", "mxl", "xml")
"""Endings of the files that `song_of` reads."""


def is_song(file: File) -> bool:
    """Whether it is one of these, by its beginning or its name."""
    riff = file.content.startswith(b"RIFF") and file.content[8:12] == b"RMID"
    return riff or file.content.startswith(b"MThd") or is_musicxml(file) or file.ending in SONGS


@lru_cache(maxsize=8)
def song_of(file: File) -> Song:
    """A file's song, read once. Refused when it is of neither kind, or damaged."""
    if is_musicxml(file):
        return read_musicxml(file.content, name=file.name)
    if not (is_song(file) or b"MThd" in file.content):
        raise RequestError(f"{file.name} is neither a MIDI file nor a MusicXML score.")
    return read_midi(file.content, name=file.name)
