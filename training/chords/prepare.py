"""Half bars of songs whose chords are written: POP909, and the tunes of Nottingham.

heard.npy, bass.npy, tune.npy   float16 [2 × halves, 12]: how long each pitch class sounds in the halves of a half
                                bar, in all tracks, as the lowest note, and in the tune
label.npy                       int8 [halves]: the chord's number, -1 for none
family.npy                      int8 [halves]: 0 major, 1 minor, 2 dominant seventh, -1 what is none of them
whole.npy                       bool [halves]: whether one chord lasts throughout
songs.npy                       int32 [songs, 4]: first half bar, key (0 is C), split (0 train, 1 val, 2 test), and
                                source (0 POP909, 1 Nottingham)

python -m training prepare chords --data data --prepared prepared/chords
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine import RequestError
from engine.core.chords import CHORD_SYMBOLS, SEVENTH, chord_of, recognise
from engine.core.harmony import PARTS, halves, sounding
from engine.core.pitch import LETTERS
from engine.core.request import File
from engine.core.song import Note, Song, Track
from engine.melody import read_any
from engine.melody.abc.notes import titles
from training.core.options import add_common

TICKS = 24  # a beat
SPLIT = {5: 1, 0: 2}  # of ten songs one is for validation and one for testing
POP, FOLK = "pop909.npz", "abc/nottingham.abc"
NAMES = {"maj": "", "min": "m", "min7": "m7", "hdim7": "m7b5", "minmaj7": "mM7", "maj6": "6", "min6": "m6",
         "sus4(b7)": "7sus4"}  # fmt: skip
"""POP909's qualities whose names are not those that people type."""
FAMILIES = {"maj": 0, "maj7": 0, "maj6": 0, "min": 1, "min7": 1, "min6": 1, "minmaj7": 1, "7": 2}
FAMILY_OF = (0, 1, 2, 1, 0, -1, -1)
"""Of the networks' qualities: major, minor, dominant seventh."""
ARRAYS = ("heard", "bass", "tune", "label", "family", "whole")


class Halves(NamedTuple):
    """A song's half bars, arrays as in this file's head."""

    heard: np.ndarray
    bass: np.ndarray
    tune: np.ndarray
    label: np.ndarray
    family: np.ndarray
    whole: np.ndarray
    key: int
    source: int


def pop_songs(path: Path) -> Iterator[Halves]:
    """The songs of POP909 in four."""
    data = dict(np.load(path))
    for song in np.flatnonzero(data["meter"] == 4):
        part = slice(*data["offsets"][song : song + 2])
        onset, end = (data["onset"][part] / TICKS, (data["onset"][part].astype(int) + data["dur"][part]) / TICKS)
        rows = list(zip(data["track"][part].tolist(), onset.tolist(), end.tolist(), data["pitch"][part].tolist()))
        tracks = [Track("").with_notes(Note(a, b - a, pitch) for t, a, b, pitch in rows if t == track or track < 0)
                  for track in (-1, 0)]  # fmt: skip
        whole, tune = (Song((track,)) for track in tracks)
        edges = halves(whole, PARTS)
        chords = slice(*data["chord_offsets"][song : song + 2])
        labels = _written(edges[::PARTS], data["chord_onset"][chords] / TICKS, data["chord_root"][chords],
                          data["chord_quality"][chords])  # fmt: skip
        tonic, _, mode = str(data["key"][song]).partition(":")
        key = LETTERS[tonic[0]] + tonic.count("#") - tonic[1:].count("b") + 3 * (mode == "min")
        heard, bass = sounding(whole.tracks[0].notes, edges)
        yield Halves(heard, bass, sounding(tune.tracks[0].notes, edges)[0], *labels, key % 12, 0)


def _written(
    edges: np.ndarray, onset: np.ndarray, root: np.ndarray, quality: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Label, family and whether it lasts throughout of the chord that takes most of each span."""
    ends = np.append(onset[1:], max(edges[-1], onset[-1] + 1))
    label, family, whole = (np.full(len(edges) - 1, -1) for _ in range(3))
    for n, (begin, end) in enumerate(pairwise(edges)):
        shares: dict[tuple[int, str], float] = {}
        lasts = np.minimum(ends, end) - np.maximum(onset, begin)
        for i in np.flatnonzero(lasts > 0):
            name = int(root[i]), str(quality[i]).partition("/")[0]
            shares[name] = shares.get(name, 0.0) + float(lasts[i])
        name = max(shares, key=lambda each: shares[each], default=(255, "N"))
        whole[n] = len(shares) == 1
        if name[1] != "N" and (chord := chord_of("C" + NAMES.get(name[1], name[1]))):
            label[n], family[n] = chord.quality * 12 + name[0], FAMILIES.get(name[1], -1)
    return label, family, whole.astype(bool)


def folk_songs(path: Path) -> Iterator[Halves]:
    """The tunes of a book whose chord symbols are written."""
    file = File(path.name, path.read_bytes())
    for number in range(1, len(titles(file.content)) + 1):
        try:
            song = read_any(file, number)
        except RequestError:
            continue
        symbols = [track for track in song.tracks if track.name == CHORD_SYMBOLS]
        tunes = [track for track in song.tracks if track.name != CHORD_SYMBOLS]
        if not symbols or not song.keys:
            continue
        edges = halves(song, PARTS)
        heard, bass = sounding([note for track in song.tracks for note in track.notes], edges)
        chords = sounding(symbols[0].notes, edges[::PARTS])
        label = recognise(*chords)
        family = np.where(label < 0, -1, np.array(FAMILY_OF)[label // 12])
        whole = (chords[0] > 0).sum(1) <= np.where(label // 12 == SEVENTH, 4, 3)
        yield Halves(heard, bass, sounding(tunes[0].notes, edges)[0], label, family, whole, song.keys[0][1][0] * 7 % 12,
                     1)  # fmt: skip


def prepare(data: Path, out: Path) -> None:
    """Write the arrays of all songs."""
    songs = [*pop_songs(data / POP), *folk_songs(data / FOLK)]
    out.mkdir(parents=True, exist_ok=True)
    kinds = dict(zip(ARRAYS, ("float16", "float16", "float16", "int8", "int8", "bool")))
    for name, kind in kinds.items():
        np.save(out / f"{name}.npy", np.concatenate([getattr(song, name) for song in songs]).astype(kind))
    first = np.cumsum([0, *(len(song.label) for song in songs[:-1])])
    rows = [(a, song.key, SPLIT.get(n % 10, 0), song.source) for n, (a, song) in enumerate(zip(first, songs))]
    np.save(out / "songs.npy", np.array(rows, np.int32))
    print(f"{len(songs)} songs, {sum(len(song.label) for song in songs)} half bars")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the data is and where the arrays go."""
    add_common(parser, data=Path("data"), prepared=Path("prepared/chords"))


def run(args: argparse.Namespace) -> None:
    """Write the arrays."""
    prepare(args.data, args.prepared)
