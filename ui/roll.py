"""What the browser draws of a song: its lanes of notes, bars, chords, and the marks that a page sets.

Notes go as [seconds, seconds, pitch, velocity, beat, beats]: what is drawn, and what a hand changes without rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from engine.core.chords import alike
from engine.core.harmony import chords_of, halves
from engine.core.song import Clock, Note, Song, Track

COLOURS = {  # of a track, on light and on dark
    "drums": ("#b7791f", "#f0b54a"),
    "piano": ("#2f6f8f", "#6fb7d6"),
    "guitar": ("#b4472e", "#ef8660"),
    "bass": ("#5b4b9a", "#a79be6"),
    "strings": ("#3d7a52", "#7fc796"),
}
OTHERS = (("#a33d6b", "#ea86b0"), ("#2d7d78", "#69c9c1"), ("#7a5a34", "#cba774"), ("#4a63ad", "#93a9ee"))


def roll(
    song: Song,
    *,
    labels: Mapping[str, str] | None = None,
    volumes: Mapping[str, float] | None = None,
    marks: Sequence[tuple[float, str]] = (),
    chords: bool = True,
    asked: Sequence[str] = (),
) -> dict[str, Any]:
    """A song for the browser. `marks` are (beat, words), `asked` the chords that were asked for, by half bar."""
    clock, ends = song.clock(), song.bar_lines()[-1]
    return {
        "beat": 60.0 / song.tempo,
        "beatsPerBar": song.beats_per_bar,
        "bars": _bars(song),
        "end": round(clock(ends), 4),
        "pace": [[beat, round(clock(beat), 6), 60.0 / tempo]
                 for beat, tempo in [(0.0, song.tempo), *song.tempo_changes]],
        "marks": [{"at": round(clock(beat), 4), "label": words} for beat, words in marks if 0 <= beat < ends],
        "chords": _chords(song, chords_of(song), asked) if chords else [],
        "tracks": [_track(index, track, clock, labels, volumes) for index, track in enumerate(song.tracks)],
    }  # fmt: skip


def _track(
    index: int,
    track: Track,
    clock: Clock,
    labels: Mapping[str, str] | None,
    volumes: Mapping[str, float] | None,
) -> dict[str, Any]:
    return {
        "name": track.name,
        "label": (labels or {}).get(track.name, track.name.capitalize()),
        "colour": COLOURS.get("drums" if track.is_drum else track.name.lower(), OTHERS[index % len(OTHERS)]),
        "drum": track.is_drum,
        "volume": float((volumes or {}).get(track.name, 1.0)),
        "url": None,
        "wave": False,
        "notes": [_drawn(note, clock) for note in track.notes],
    }


def _drawn(note: Note, clock: Clock) -> list[float]:
    begin, end = clock(note.onset), clock(note.end)
    return [round(begin, 4), round(end - begin, 4), note.pitch, note.velocity, note.onset, note.duration]


def _bars(song: Song) -> list[tuple[float, int]] | None:
    """Where bars begin, in seconds, and their numbers, of which an upbeat's is 0; None where all are alike."""
    if not (song.upbeat or song.tempo_changes or song.meter_changes):
        return None
    clock, first = song.clock(), 0 if song.upbeat else 1
    return [(round(clock(beat), 4), number) for number, beat in enumerate(song.bar_lines(), first)]


def _chords(song: Song, heard: Sequence[str], asked: Sequence[str]) -> list[dict[str, Any]]:
    """Half bars that have a chord, in seconds, by the name that was `asked` for, or of what is heard; where that is
    none of what was asked for it is said (`sounds`). The halves of a bar are one where they have the same."""
    edges, clock, first = halves(song), song.clock(), 0 if song.upbeat else 1
    out: list[dict[str, Any]] = []
    for half, (wanted, sounds) in enumerate(zip_longest(asked[: len(edges) - 1], heard, fillvalue="")):
        name = wanted or sounds
        other = sounds if sounds and not alike(name, sounds) else ""
        if half % 2 and out and out[-1]["first"] == half - 1 and (out[-1]["name"], out[-1]["sounds"]) == (name, other):
            out[-1] |= {"to": round(clock(float(edges[half + 1])), 4), "halves": 2}
        elif name:
            begin, end = (round(clock(float(edge)), 4) for edge in edges[half : half + 2])
            out.append({"from": begin, "to": end, "name": name, "sounds": other, "first": half, "halves": 1,
                        "bar": half // 2 + first})  # fmt: skip
    return out
