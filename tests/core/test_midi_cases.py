"""MIDI files of the kinds that people bring, each with the value that is right: tests/cases/midi.csv, row by row."""

import csv
from pathlib import Path

import pytest

from engine.core.midi import read_midi, write_midi
from engine.core.request import File
from engine.core.song import Song
from engine.trombone.phrasing import melody
from engine.variation.bars import read

CASES = Path(__file__).parent.parent / "cases"
ROWS = {row["file"]: row["right"] for row in csv.DictReader((CASES / "midi.csv").read_text().splitlines())}


def pitches(song: Song) -> list[int]:
    return [note.pitch for track in song.tracks for note in track.notes]


def rubato(song: Song) -> bool:
    kept = song.beats * 60 / song.seconds
    return (
        12.8 < song.seconds < 13.0
        and abs(kept - 84) < 1
        and read_midi(write_midi(song)).seconds == pytest.approx(song.seconds, abs=0.01)
    )


def film(song: Song) -> bool:
    return [round(song.clock()(note.onset), 3) for note in song.tracks[0].notes] == [0, 0.48, 0.96, 1.44]


RIGHT = {
    "rubato_tempo.mid": rubato,
    "program98_dropped.mid": lambda song: read(song).song(read(song).rolls).notes == 8,
    "program114_only.mid": lambda song: read(song).filled.any() and read(song).song(read(song).rolls).notes == 4,
    "bad_key_signature.mid": lambda song: pitches(song) == [60, 62, 64, 65] and song.remarks,
    "alien_chunk.mid": lambda song: pitches(song) == [60, 62, 64, 65],
    "running_status_meta.mid": lambda song: pitches(song) == [60, 62],
    "rmid.mid": lambda song: pitches(song) == [60, 62, 64, 65],
    "truncated.mid": lambda song: pitches(song)[:3] == [60, 62, 64] and song.remarks,
    "smpte.mid": film,
    "sustain_pedal.mid": lambda song: {note.pitch: note.end for note in song.tracks[0].notes}[60] == 4,
    "legato_overlap.mid": lambda song: (
        [note.midi - melody(song).shift for note in melody(song).notes] == [79, 72, 67, 60]
    ),
    "melody_below_pad.mid": lambda song: [note.midi for note in melody(song).notes] == [60, 62, 64, 65],
    "sextuplets.mid": lambda song: read(song).song(read(song).rolls).notes == 24,
    "meter_9_32.mid": lambda song: song.meter == (9, 32) and song.notes == 10,
    "program_set_in_other_track.mid": lambda song: [track.program for track in song.tracks] == [40, 40],
}


def test_every_row_has_a_test():
    assert set(RIGHT) == set(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_a_file_that_people_bring_is_read_as_they_mean_it(name):
    song = read_midi(File(name, (CASES / name).read_bytes()).content, name=name)
    assert RIGHT[name](song), f"{name}: {ROWS[name]}"
