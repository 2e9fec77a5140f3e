"""A hummed line as a beginning: its ABC sounds the same notes, and the network goes on from it."""

import numpy as np
import pytest

from engine import RequestError
from engine.core.song import Note, Song, Track
from engine.melody import Request, beginning, generate, load, read_abc


def line(pitches, lengths, *, first=0.0, meter=(4, 4)):
    begins = first + np.cumsum([0.0, *lengths[:-1]])
    notes = [Note(float(begin), length, pitch) for begin, length, pitch in zip(begins, lengths, pitches)]
    return Song((Track("Tune").with_notes(notes),), meter=meter)


def sounding(given):
    text = f"X:1\nM:{given.meter}\nL:{given.unit}\nK:{given.key}\n{given.start}\n"
    return [(note.onset, note.duration, note.pitch) for note in read_abc(text.encode()).tracks[0].notes]


@pytest.mark.parametrize("key", ["C major", "D major", "Eb major", "F# minor", "C minor"])
def test_its_abc_sounds_every_note_in_every_key(key):
    pitches, lengths = [*range(48, 90), 62, 61, 62, 63], np.resize([1.0, 0.5, 0.25, 0.75, 1.5], 46)
    song = line(pitches, lengths)
    assert sounding(beginning(song, key)) == [(n.onset, n.duration, n.pitch) for n in song.tracks[0].notes]


def test_rests_bar_lines_and_places_between_sixteenths():
    song = line([67, 69], [1.34, 3.0], first=5.0, meter=(3, 4))
    given = beginning(song, "G major")
    assert given.start == "z4 G2|G/2A3/2 A4|A/2" or sounding(given) == [(2.0, 1.25, 67), (3.25, 3.0, 69)]
    assert given.meter == "3/4" and given.key == "G"


def test_it_is_sixteen_bars_long_at_most_and_not_empty():
    assert beginning(line([60] * 100, [1.0] * 100), "C major").start.count("|") == 16
    with pytest.raises(RequestError, match="no note"):
        beginning(Song((Track("Tune"),)), "C major")


def test_the_network_goes_on_from_it():
    given = beginning(line([62, 66, 69, 69, 67, 67, 66], [1, 1, 0.75, 0.25, 1, 0.5, 0.5]), "D major")
    request = Request(start=given.start, key=given.key, meter=given.meter, unit=given.unit, seed=3, bars=8)
    result = generate(load(), request)
    assert [n.pitch for n in result.song.tracks[0].notes][:7] == [62, 66, 69, 69, 67, 67, 66]
