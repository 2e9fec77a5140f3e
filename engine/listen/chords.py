"""What is heard of notes that are known: the chords of a song, its key and its tempo."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from engine.core import harmony
from engine.core.chords import CHORD_SYMBOLS, name_of, recognise
from engine.core.key import key_of, named, signed
from engine.core.song import Song
from engine.core.tune import tracks_of

LOWEST = 48  # MIDI pitch: what lies lower of a chord symbol's notes is its bass
FOUND = "No chords sound in it; these would go with its tune."


def chords_of(song: Song) -> tuple[list[tuple[float, str]], tuple[str, ...]]:
    """Where each chord begins, in quarter notes from the beginning, and its name ("N.C." for none): those that are
    written above a tune, or are heard, half bar by half bar; of a single line such as would go with it, and a remark
    that says so."""
    symbols = [note for track in song.tracks if track.name == CHORD_SYMBOLS for note in track.notes]
    played = replace(song, tracks=tuple(track for track in tracks_of(song) if track.name != CHORD_SYMBOLS))
    edges, key = harmony.halves(song), signed(song)
    names: list[str] = []
    said: tuple[str, ...] = ()
    if symbols:
        above = [note for note in symbols if note.pitch >= LOWEST]
        sure = harmony.certain(harmony.sounding(above, edges)[0], np.diff(edges))
        numbers = np.where(sure >= 0, sure, recognise(*harmony.sounding(symbols, edges)))
        names = [name_of(number, key) for number in numbers.tolist()]
    elif heard := harmony.chords_of(song):
        names = [name or name_of(-1) for name in heard]
    elif played.tracks:
        found = harmony.harmonised(harmony.load(), played, key)
        names, said = [name_of(number, key) for number in found.tolist()], (FOUND,)
    changes = [(float(edges[n]), name) for n, name in enumerate(names) if n == 0 or name != names[n - 1]]
    return changes, said


def described(song: Song) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What `--json` prints of a song, and the remarks on it."""
    chords, said = chords_of(song)
    notes = [note for track in tracks_of(song) for note in track.notes]
    key = named(song.keys[0][1]) if song.keys and song.keys[0][1][0] else named(key_of(notes)) if notes else ""
    report = {"chords": [[round(beat, 4), name] for beat, name in chords], "key": key, "tempo": song.tempo,
              "meter": f"{song.meter[0]}/{song.meter[1]}",
              "beats": np.arange(int(np.ceil(song.beats)) + 1).tolist()}  # fmt: skip
    return report, (*song.remarks, *said)
