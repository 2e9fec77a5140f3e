"""A tune's sound and its score: pitches, lengths, repeats, chord symbols, MusicXML, the engraving."""

import re
import xml.etree.ElementTree as ET

import pytest

from engine.melody import Request, generate
from engine.melody.abc.canonical import Tune
from engine.melody.abc.notes import Misread, parse, played_to_written, reading_of, song
from engine.melody.abc.symbols import chord_pitches
from engine.melody.model import load
from engine.melody.score import engrave, musicxml
from tests.melodies import SHIPPED, TUNES


@pytest.fixture(scope="module")
def model():
    return load(SHIPPED)


def pitches(body: str, key: str = "C", unit: str = "1/4", meter: str = "4/4") -> list[tuple[float, float, int]]:
    made = song(Tune(body, key, meter, unit))
    return [(n.onset, n.duration, n.pitch) for n in made.tracks[0].notes]


def test_pitches_follow_the_key_the_accidental_and_the_bar():
    assert [p for _, _, p in pitches("F f ^C c|F, c' =f _B|", "D")] == [66, 78, 61, 73, 54, 85, 77, 70]
    assert [p for _, _, p in pitches("^F F f F|F4|")] == [66, 66, 78, 66, 65]
    assert [p for _, _, p in pitches("B E A e|", "Eb")] == [70, 63, 68, 75]


def test_lengths_ties_triplets_and_broken_rhythm_sound_as_written():
    assert pitches("c2-c d|d4|") == [(0, 3, 72), (3, 1, 74), (4, 4, 74)]
    assert pitches("c4-|c d2 e|") == [(0, 5, 72), (5, 2, 74), (7, 1, 76)]
    assert [d for _, d, _ in pitches("(3cde f>g z|")] == pytest.approx([2 / 3] * 3 + [1.5, 0.5])
    assert [o for o, _, _ in pitches("[ce]2 z d|")] == [0, 0, 3]


def test_repeats_and_endings_are_played_in_order():
    body = "A|BBB|1 ccA:|2 cdd||\n|:e|fff|g2:|aaa|]"
    tune = Tune(body, "C", "3/4", "1/4")
    played = "".join("C D EF G A B"[n.pitch % 12] for n in song(tune).tracks[0].notes)
    assert played == "ABBBCCA" + "ABBBCDD" + "EFFFG" * 2 + "AAA"
    order = played_to_written(tune)
    assert sum(beats for _, _, beats in order) == song(tune).beats
    assert order[1][1] == 0


def test_chord_symbols_sound_below_the_melody():
    made = song(TUNES[2])
    assert [t.name for t in made.tracks] == ["melody", "chords"]
    assert {n.pitch % 12 for n in made.tracks[1].notes if n.onset == 1} == {9, 0, 4}
    assert chord_pitches("D/f#") == (42, 50, 54, 57) and chord_pitches("slow") == ()


def test_tempo_program_and_transposition(model):
    made = song(TUNES[0], tempo=90, program=40, transpose=-12)
    plain = song(TUNES[0])
    assert made.tempo == 90 and made.tracks[0].program == 40 and plain.tempo == 170
    assert [n.pitch - 12 for n in plain.tracks[0].notes] == [n.pitch for n in made.tracks[0].notes]
    assert generate(model, Request(seed=1, meter="6/8")).song.meter == (6, 8)


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("X:1\nK:H\nabc|", 2, 3, "not a key"),
        ("X:1\nM:4/5\nK:G\nabc|", 2, 3, "not a meter"),
        ("X:1\nL:1/7\nK:G\nabc|", 2, 3, "not a note length"),
        ("X:1\nK:G\n|:z4:|", 3, 1, "no note"),
    ],
)
def test_text_that_is_no_music_is_refused_with_line_and_column(text, line, column, said):
    with pytest.raises(Misread, match=said) as refused:
        parse(text)
    assert (refused.value.line, refused.value.column) == (line, column)


@pytest.mark.parametrize(
    ("body", "column", "said", "heard"),
    [
        ("ab  @ c|", 5, "no music", [69, 71, 72]),
        ("abc ^|", 5, "no note behind", [69, 71, 72]),
        ('abc|"G de', 5, "quotation", [69, 71, 72]),
        ("[ab c|", 6, "chord", [69, 71, 72]),
        ("abc] d|", 4, "closes nothing", [69, 71, 72, 74]),
        ("ab 2|", 4, "stands alone", [69, 71]),
        (">a|", 1, "no first note", [69]),
        ("(1ab|", 1, "no tuplet", [69, 71]),
        ("a^/b|", 2, "part of a semitone", [69, 71]),
    ],
)
def test_what_is_odd_in_the_music_is_passed_over_and_remarked_with_its_place(body, column, said, heard):
    tune, remarks = parse(f"X:1\nM:none\nK:C\n% words\n{body.replace('a', 'A').replace('b', 'B')}")
    assert any(said in remark and f"(line 5, column {column})" in remark for remark in remarks), remarks
    assert [n.pitch for n in song(tune).tracks[0].notes] == heard


def test_bars_that_are_not_full_are_remarked_and_pickups_are_not():
    assert parse("X:1\nM:3/4\nL:1/4\nK:G\nA|Bcd|Bc|]")[1] == []
    remarks = parse("X:1\nM:3/4\nL:1/4\nK:G\nABc|Bcde|Bcd|Bcd|]")[1]
    assert len(remarks) == 1 and "4/4" in remarks[0] and "3/4" in remarks[0] and "line 5, column 9" in remarks[0]


def test_musicxml_carries_accidentals_on_and_is_the_same_each_time():
    tune = Tune("^cBcB|c4|", "G", "4/4", "1/4", title="<b>Name</b> & more")
    first = musicxml(tune)
    musicxml.cache_clear()
    assert first == musicxml(tune)
    root = ET.fromstring(first)
    alters = [(p.findtext("step"), p.findtext("alter") or "0") for p in root.iter("pitch")]
    assert alters == [("C", "1"), ("B", "0"), ("C", "1"), ("B", "0"), ("C", "0")]
    assert root.findtext("work/work-title") == "<b>Name</b> & more"


def test_no_accidental_is_written_because_of_the_notes_of_a_chord_symbol():
    written = '"Am"A2 c2|"E7"e2 ^g2|"A"g2 c2|"Am"c4|]'
    bare = "A2 c2|e2 ^g2|g2 c2|c4|]"
    signs = [
        re.findall(r"<accidental>(\w+)", musicxml(Tune(body, "Am", "4/4", "1/4")).decode()) for body in (written, bare)
    ]
    assert signs[0] == signs[1] and "sharp" in signs[0]
    symbols = ET.fromstring(musicxml(Tune(written, "Am", "4/4", "1/4"))).findall(".//harmony/root/root-step")
    assert [symbol.text for symbol in symbols] == ["A", "E", "A", "A"]


@pytest.mark.parametrize(
    "body, numbers",
    [
        ("ABcd|ABcd|]", "1 2"),
        ("A|ABcd|ABc:|d|ABcd|ABc|]", "0 1 2 2a 3 4"),
        ("ABcd|AB:||:cd|ABcd|AB|cd|AB|]", "1 2 2a 3 4 4a 5"),
    ],
)
def test_a_bar_that_a_repeat_divides_counts_once(body, numbers):
    tune, _ = parse(f"X:1\nM:4/4\nL:1/4\nK:C\n{body}\n")
    bars = ET.fromstring(musicxml(tune)).findall("./part/measure")
    assert [bar.get("number") for bar in bars] == numbers.split()
    assert [bar.get("implicit") == "yes" for bar in bars] == [bar.get("number", "").endswith("a") for bar in bars]


def test_the_score_knows_when_each_note_is_played():
    tune = TUNES[0]
    engraved = engrave(tune)
    root = ET.fromstring(engraved.svg)
    ids = {element.get("id") for element in root.iter()}
    written = [float(event.onset) for event in reading_of(tune).voices[0].events]
    assert [time for time, _ in engraved.times] == pytest.approx(written)
    assert all(note in ids for _, notes in engraved.times for note in notes)
    engrave.cache_clear()
    assert engraved.svg == engrave(tune).svg
    assert sum(beats for _, _, beats in engraved.order) == song(tune).beats
