"""Tablature: every fret and every fingering sounds the note that is written."""

import re

from engine.core.song import Note, Song, Track
from engine.melody.tablature import FINGERS, STRINGS, guitar_tab, whistle_tab

SCALE = [62, 64, 66, 67, 69, 71, 73, 74]


def tune(pitches):
    notes = [Note(float(i), 1.0, pitch) for i, pitch in enumerate(pitches)]
    return Song((Track("melody").with_notes(notes),), title="Scale")


def frets(text):
    """The pitches that a tablature sounds, in the order of its columns."""
    rows = [line for line in text.split("\n") if "|" in line]
    sounded = []
    for first in range(0, len(rows), 6):
        for string, row in zip(STRINGS, rows[first : first + 6]):
            assert row.startswith(f"{string}|")
        for column in range(2, len(rows[first])):
            for name, row in zip(STRINGS, rows[first : first + 6]):
                if row[column].isdigit() and not row[column - 1].isdigit():
                    fret = row[column : column + 2] if row[column + 1].isdigit() else row[column]
                    sounded.append(STRINGS[name] + int(fret))
    return sounded


def test_frets_sound_the_tune_at_the_nut_and_a_high_or_low_one_by_octaves():
    text = guitar_tab(tune([pitch - 12 for pitch in SCALE] * 3))
    assert frets(text) == [pitch - 12 for pitch in SCALE] * 3 and "octave" not in text
    high = guitar_tab(tune(SCALE))
    assert "1 octave lower" in high and frets(high) == [pitch - 12 for pitch in SCALE]
    assert max(map(int, re.findall(r"\d+", "".join(row for row in high.split("\n") if "|" in row)))) <= 5
    wide = [52, *SCALE, *SCALE, 81]
    assert frets(guitar_tab(tune(wide))) == [pitch - 12 for pitch in wide], "every note has a fret"
    low = [pitch - 36 for pitch in SCALE]
    text = guitar_tab(tune(low))
    assert "octave" in text and frets(text) == [pitch + 24 for pitch in low]


def test_a_scale_opens_the_whistle_from_below_and_the_octave_is_blown_harder():
    rows = [line for line in whistle_tab(tune(SCALE)).split("\n") if "|" in line]
    columns = list(zip(*(row.replace(" ", "") for row in rows[1:7])))
    shown = ["".join(column) for column in columns if "|" not in column]
    assert shown[:4] == [FINGERS[pitch % 12] for pitch in SCALE[:4]]
    closed = [each.count("●") for each in shown[:7]]
    assert closed == sorted(closed, reverse=True) and closed[0] == 6 and closed[-1] == 0
    assert rows[7].count("+") == 1
    wide = whistle_tab(tune([60, *SCALE, *(pitch + 12 for pitch in SCALE)]))
    assert "? not on it" in wide and "?" not in whistle_tab(tune(SCALE))
