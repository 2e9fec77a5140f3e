"""What people bring to the band: a tune that it plays for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from engine import RequestError
from engine.core import harmony
from engine.core.chords import CHORD_SYMBOLS
from engine.core.key import key_shift
from engine.core.request import File
from engine.core.song import SAME_LENGTH, Note, Song, Track
from engine.core.tune import pick, tracks_of
from engine.melody import chords_of_notes, named, read_any

LEAST_NOTES, MOST_NOTES = 4, 5_000  # of a tune
ACCOMPANIED = 0.5  # beats of every beat in which others sound, from which on they say the chords


@dataclass(frozen=True)
class Lead:
    """A tune, with whole bars around it."""

    song: Song  # the tune alone, in one track; it begins at a bar line
    key: int  # the major key (0 is C) that it lies in, or whose relative minor it does
    chords: str  # as they are typed, bar by bar
    remarks: tuple[str, ...] = ()
    found: bool = False  # whether its chords were found for it

    @property
    def bars(self) -> int:
        """How many bars hold it."""
        return max(1, math.ceil(self.song.beats / self.song.beats_per_bar - 1e-6))


@lru_cache(maxsize=16)
def lead_of(file: File, number: int | None = None, track: str | None = None) -> Lead:
    """The tune of a file, MIDI, MusicXML or ABC (of a book the one of this number; of several tracks the one named, or
    that which is most like a tune). Refused where it has too few notes or too many, changes its meter, or is longer or
    in another meter than the player knows."""
    from engine.player import read_song  # here, because it brings PyTorch

    song = read_any(file, number)
    symbols = [note for each in song.tracks if each.name == CHORD_SYMBOLS for note in each.notes]
    tunes = replace(song, tracks=tuple(each for each in song.tracks if each.name != CHORD_SYMBOLS))
    tracks, why = pick(tunes, track)
    notes = sorted((note for each in tracks for note in each.notes), key=lambda note: (note.onset, note.pitch))
    if not LEAST_NOTES <= len(notes) <= MOST_NOTES:
        few = f"{len(notes)} note{'s' * (len(notes) != 1)}"
        raise RequestError(f"The tune has {few}; the band follows {LEAST_NOTES} to {MOST_NOTES:,}.")
    meter = SAME_LENGTH.get(song.meter, song.meter)
    if change := next((each for _, each in song.meter_changes if SAME_LENGTH.get(each, each) != meter), None):
        raise RequestError(f"The tune goes from {song.meter[0]}/{song.meter[1]} to {change[0]}/{change[1]}; the band "
                           "plays in one meter from beginning to end.")  # fmt: skip
    whole = replace(song, meter=meter, meter_changes=())
    late = (whole.beats_per_bar - song.upbeat) % whole.beats_per_bar if song.upbeat else 0.0
    moved = [replace(note, onset=note.onset + late) for note in notes]
    remarks = [*song.remarks]
    if meter != song.meter:
        remarks.append(f"The tune's {song.meter[0]}/{song.meter[1]} is played as {meter[0]}/{meter[1]}.")
    if len(tracks) < len(tracks_of(tunes)):
        remarks.append(f"The tune is the track '{tracks[0].name[:40]}'.{why}")
    lead = replace(
        whole, upbeat=0.0, tracks=(Track("lead", tracks[0].program).with_notes(moved),), remarks=(),
        tempo_changes=tuple((beat + late, tempo) for beat, tempo in song.tempo_changes),
        keys=tuple((beat + late * (beat > 0), key) for beat, key in song.keys),
    )  # fmt: skip
    remarks += read_song(lead)[1]
    others = [each for each in tunes.tracks if each not in tracks and not each.is_drum]
    key = _key(song, notes)
    accompaniment = [note for each in others for note in each.notes]
    accompanied = sum(note.duration for note in accompaniment) > ACCOMPANIED * song.beats
    if symbols or accompanied:
        heard = [replace(note, onset=note.onset + late) for note in symbols or notes + accompaniment]
        chords = chords_of_notes(lead, heard, symbols=bool(symbols))
    else:
        chords = named(harmony.harmonised(harmony.load(), lead, key))
        remarks.append("The tune came without chords: the band has found some that go with it.")
    return Lead(lead, key, chords, tuple(remarks), found=not (symbols or accompanied))


def _key(song: Song, notes: Sequence[Note]) -> int:
    """The key as it is written where it is not C, which many files say for want of another; else as it is heard."""
    if song.keys and (fifths := song.keys[0][1][0]):
        return fifths * 7 % 12
    heard = np.bincount([note.pitch % 12 for note in notes], [note.duration for note in notes], 12)
    return -key_shift(heard) % 12
