"""How the tracks of a song are mixed, by its genre: volume, place and room, as a demo of such music has them.

    mixed(song) → (Room, a Channel for each track), (None, …) for a single line, which keeps what was asked for

The genre is one that the song's title names, as Band's songs do; a song of none is mixed as `USUAL`. A track's part is
that of its General MIDI program.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.core.song import Song, Track

CENTRE = 64


@dataclass(frozen=True)
class Room:
    """FluidSynth's reverb."""

    size: float  # 0..1
    damping: float  # 0..1: how much sooner what is high dies away
    width: float  # 0..1: from one that is heard in the middle to one whose sides have nothing in common
    level: float  # 0..1


@dataclass(frozen=True)
class Channel:
    """A track's controllers, 0..127: 7 (volume; 100 is as rendered), 10 (pan; 64 is the middle), 91 (reverb send)."""

    volume: int = 100
    pan: int = CENTRE
    reverb: int = 0


CLUB, STUDIO, HALL, GARAGE, PLATE = (
    Room(0.35, 0.5, 0.8, 0.6), Room(0.45, 0.4, 0.9, 0.6), Room(0.8, 0.3, 1.0, 0.7), Room(0.25, 0.6, 0.6, 0.6),
    Room(0.65, 0.1, 1.0, 0.6),
)  # fmt: skip
USUAL = STUDIO, {
    "drums": Channel(116, 64, 24), "bass": Channel(116, 64, 0), "piano": Channel(98, 54, 36),
    "guitar": Channel(96, 84, 32), "strings": Channel(84, 46, 60), "lead": Channel(100, 64, 44),
}  # fmt: skip
PARTS = tuple(USUAL[1])
"""The parts of a mix; what no family below has is the lead."""
FAMILIES = {0: "piano", 1: "piano", 2: "piano", 3: "guitar", 4: "bass", 5: "strings", 6: "strings"}  # programs // 8

GENRES: dict[str, tuple[Room, dict[str, Channel]]] = {
    "classical": (HALL, {
        "drums": Channel(96, 64, 70), "bass": Channel(110, 80, 44), "piano": Channel(108, 64, 52),
        "guitar": Channel(104, 84, 56), "strings": Channel(96, 44, 70), "lead": Channel(100, 64, 60)}),
    "jazz": (CLUB, {
        "drums": Channel(108, 70, 32), "bass": Channel(118, 60, 12), "piano": Channel(104, 48, 36),
        "guitar": Channel(92, 88, 32), "strings": Channel(82, 40, 56), "lead": Channel(92, 64, 44)}),
    "country": (STUDIO, {
        "drums": Channel(110, 64, 24), "bass": Channel(116, 64, 0), "piano": Channel(104, 44, 36),
        "guitar": Channel(108, 84, 30), "strings": Channel(80, 48, 60), "lead": Channel(100, 64, 44)}),
    "electronic": (PLATE, {
        "drums": Channel(116, 64, 16), "bass": Channel(118, 64, 0), "piano": Channel(104, 46, 48),
        "guitar": Channel(104, 86, 44), "strings": Channel(90, 54, 64), "lead": Channel(92, 64, 52)}),
    "game": (PLATE, {
        "drums": Channel(104, 64, 20), "bass": Channel(110, 64, 0), "piano": Channel(100, 50, 36),
        "guitar": Channel(92, 82, 32), "strings": Channel(90, 50, 56), "lead": Channel(84, 64, 44)}),
    "punk": (GARAGE, {
        "drums": Channel(122, 64, 24), "bass": Channel(120, 60, 0), "piano": Channel(90, 44, 20),
        "guitar": Channel(100, 88, 20), "strings": Channel(78, 44, 32), "lead": Channel(100, 64, 28)}),
    "rock": (STUDIO, {
        "drums": Channel(118, 64, 30), "bass": Channel(112, 64, 0), "piano": Channel(92, 44, 32),
        "guitar": Channel(98, 88, 26), "strings": Channel(82, 46, 56), "lead": Channel(100, 64, 44)}),
    "soul": (PLATE, {
        "drums": Channel(114, 64, 24), "bass": Channel(122, 64, 0), "piano": Channel(92, 48, 36),
        "guitar": Channel(88, 88, 32), "strings": Channel(88, 44, 60), "lead": Channel(104, 64, 48)}),
}  # fmt: skip
"""Genre → the room, and the channel of each part. Volumes were set by the loudness of stems (LUFS) of three songs
of each genre: drums and bass, which General MIDI has too soft for a demo, are turned up, what covers the rest down."""


def part_of(track: Track) -> str:
    """Which part of a mix a track is."""
    return "drums" if track.is_drum else FAMILIES.get(track.program // 8, "lead")


def genre_of(song: Song) -> str:
    """The first genre that the song's title names, "" where it names none."""
    return next((word for word in re.findall(r"[a-z]+", song.title.lower()) if word in GENRES), "")


def mixed(song: Song) -> tuple[Room | None, list[Channel | None]]:
    """The room of a song, and the channel of each track. A song with one track that sounds is not mixed."""
    if sum(bool(track.notes) for track in song.tracks) < 2:
        return None, [None] * len(song.tracks)
    room, channels = GENRES.get(genre_of(song), USUAL)
    return room, [channels[part_of(track)] for track in song.tracks]
