"""Chords: what people type is what is played, and every name comes down to one of the network's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from music21 import harmony

from engine import RequestError
from engine.core.chords import NONE, QUALITIES, TEMPLATES, alike, chord_of, name_of, read, recognise, retyped, typed


def names(text: str, bars: int | None = None) -> list[str]:
    progression = read(text)
    key = progression.key() or 0
    return [name_of(n, key, key) for n in progression.halves(key, bars or len(progression.bars)).values()]


@pytest.mark.parametrize("text, expected", [
    ("Dm7 | G7 | Cmaj7 %", "Dm7 Dm7 G7 G7 Cmaj7 Cmaj7"), ("C G", "C C G G"), ("C G | Am F", "C G Am F"),
    ("C | % | F %", "C C C C F F"), ("C G | % |", "C G C G"), ("C / / G | F", "C C F F"), ("C / G / | F", "C G F F"),
    ("Dm7, G7, C", "Dm7 Dm7 G7 G7 C C"), ("C | N.C. | NC C", "C C N.C. N.C. N.C. C"), ("||: C |\n| G :||", "C C G G"),
    ("ii7 V7 Imaj7", "Dm7 Dm7 G7 G7 Cmaj7 Cmaj7"), ("I bVII IV iv", "C C Bb Bb F F Fm Fm"), ("V7/V V", "D7 D7 G G"),
    ("viiø7 III7 vi", "Bdim Bdim E7 E7 Am Am"), ("viidim Vsus4", "Bdim Bdim Gsus4 Gsus4"),
    ("C-7 F9 Bb△", "Cm7 Cm7 F7 F7 Bbmaj7 Bbmaj7"),
    ("vi-7 IV(b5) iimaj7", "Am7 Am7 F F Dm Dm"), ("G7alt C6/9 Dm(maj7)", "G7 G7 C C Dm Dm"),
])  # fmt: skip
def test_chords_are_read_as_they_are_typed(text: str, expected: str) -> None:
    assert names(text) == expected.split()


@pytest.mark.parametrize("text, key", [
    ("Dm7 G7 Cmaj7", "C"), ("Am E7 Am", "C"), ("Em C G D", "G"), ("Ebmaj7 Cm7 Fm7 Bb7", "Eb"),
    ("C7 C7 C7 C7 F7 F7 C7 C7 G7 F7 C7 G7", "C"), ("F#m7b5 B7 Em", "G"),
])  # fmt: skip
def test_the_key_is_that_in_which_the_chords_lie(text: str, key: str) -> None:
    assert name_of(read(text).key() or 0) == key


def test_a_shorter_progression_comes_again_and_roman_numerals_follow_the_key() -> None:
    assert names("C G", 3) == ["C", "C", "G", "G", "C", "C"]
    assert list(read("Eb | V7").halves(3, 2).values()) == [0, 0, 24 + 7, 24 + 7]
    assert read("ii V I").key() is None


@pytest.mark.parametrize("text, words", [
    ("C | Hm7", r"'Hm7' in bar 2 of the chords \(character 5\) is no chord"), ("", "no chords"), ("% C", "before it"),
    ("C | | G", "Bar 2"), ("| |", "no chords"), ("C | Cmaj77", "Cmaj77"), ("play something", "'play'"),
])  # fmt: skip
def test_what_is_no_chord_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        read(text)


@given(st.text(max_size=40) | st.text("ABCDGm7b#|%/ ivINC.\n", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        progression = read(text)
    except RequestError as refused:
        assert "\n" not in str(refused).replace(text.strip()[:20], "")
        return
    assert progression.bars and all(-1 <= n < 84 for n in progression.halves(0, 4).values())


def test_names_mean_what_music21_says_they_mean() -> None:
    for number in range(84):
        name = name_of(number)
        mine = chord_of(name)
        theirs = {pitch.pitchClass for pitch in harmony.ChordSymbol(name.replace("b", "-")).pitches}
        assert mine and mine.number == number and {(mine.root + step) % 12 for step in mine.notes} == theirs
        assert np.flatnonzero(TEMPLATES[number]).tolist() == sorted(theirs)


SPELLINGS = {
    "C CM Cmaj Cmajor": (0, 4, 7), "Cm C- Cmin Cmi Cminor": (0, 3, 7), "C5 C(no3)": (0, 7), "C(no5)": (0, 4),
    "C7 Cdom7": (0, 4, 7, 10), "Cm7 C-7 Cmin7 CMI7": (0, 3, 7, 10), "C6 CM6 Cmaj6": (0, 4, 7, 9),
    "Cm6 C-6": (0, 3, 7, 9),
    "Cmaj7 CM7 Cma7 CMA7 CΔ CΔ7 C△ C^7 Cj7 C7M": (0, 4, 7, 11), "CmM7 C-Δ7 Cm(maj7) Cminmaj7": (0, 3, 7, 11),
    "Cdim Co C° Cd": (0, 3, 6), "Cdim7 Co7 C°7": (0, 3, 6, 9), "Cm7b5 Cø Cø7 Ch7 C-7(b5) Cm7-5": (0, 3, 6, 10),
    "Caug C+ C+5": (0, 4, 8), "C7#5 C7+5 C+7 Caug7 C7+": (0, 4, 8, 10), "Cmaj7#5 C+M7": (0, 4, 8, 11),
    "C(b5)": (0, 4, 6),
    "Csus Csus4": (0, 5, 7), "Csus2": (0, 2, 7), "C7sus C7sus4 Cm7sus4": (0, 5, 7, 10), "C9sus": (0, 2, 5, 7, 10),
    "Cadd9 C2 C(add9) C/9": (0, 2, 4, 7), "C69 C6/9 C6add9": (0, 2, 4, 7, 9), "C9": (0, 2, 4, 7, 10), "Calt C7alt":
    (0, 1, 4, 8, 10), "C7#5#9": (0, 3, 4, 8, 10), "C13b9": (0, 1, 4, 5, 7, 9, 10), "C7b13": (0, 4, 7, 8, 10),
    "Cmaj9#11": (0, 2, 4, 6, 7, 11),
}  # fmt: skip


def test_every_spelling_of_a_chord_names_its_notes() -> None:
    for spelled, notes in SPELLINGS.items():
        for name in spelled.split():
            chord = chord_of(name)
            assert chord and (chord.root, sorted(chord.notes), chord.bass) == (0, [*notes], 0), name
            moved = chord_of(name.replace("C", "B♭", 1) + "/d")
            assert moved and (moved.root, moved.notes, moved.bass) == (10, chord.notes, 2), name
    for name in ("Cmaj77", "Coda", "Cmm7", "Cmdim", "Cmaj5", "Dal", "Fine", "Cm7/", "CC", "C7.", "C sus x"):
        assert chord_of(name) is None, name


def test_what_is_simplified_is_said_and_nothing_else() -> None:
    said = " ".join(read("Cmaj9 | F#m7b5 | G7b9/B | C G Am F").remarks())
    for words in ("Cmaj9 as Cmaj7", "F#m7b5 as F#dim", "G7b9/B as G7", "bar 4"):
        assert words in said
    assert read("Dm7 | G7/B C+ | Fsus4 Csus2 | A5 Db7b5").remarks() == ()


def test_a_note_that_the_written_chord_has_otherwise_is_moved_there() -> None:
    given = read("C+ Csus2 | Am/G I+ | C5 F7b5")

    def sounding(half: int, pitches: tuple[int, ...], key: int = 0, bass: bool = False) -> list[int]:
        return [given.moved(half, key, pitch, bass) for pitch in pitches]

    assert sounding(0, (60, 62, 64, 67)) == [60, 62, 64, 68] and sounding(1, (60, 64, 67)) == [60, 62, 67]
    assert sounding(2, (57, 60)) == [57, 60] and sounding(2, (45, 40), bass=True) == [43, 40]
    assert sounding(0, (65, 67), key=7) == [65, 67] and sounding(0, (60,), key=7) == [61]  # C+ in G is F+ in C
    assert sounding(3, (67,), key=7) == [68] and sounding(4, (64, 76)) == [67, 79] and sounding(5, (60,)) == [59]


def test_what_was_named_is_typed_again_the_same() -> None:
    halves = ["C", "G7", "Am", "Am", "N.C.", "F#dim"]
    assert typed(halves) == "C G7 | Am | N.C. F#dim" and names(typed(halves)) == halves


def test_one_chord_of_a_line_is_typed_anew_or_refused_where_it_stands_in_it() -> None:
    halves = ("C", "C", "F", "G7", "Am", "Am")
    assert retyped(halves, 2, 1, "%") == "C | % G7 | Am" and retyped(halves, 4, 2, "Dm G7") == "C | F G7 | Dm G7"
    for text, words in (("Hm7", r"'Hm7' in bar 2 of the chords \(character 7\)"), ("C | G", "bar line")):
        with pytest.raises(RequestError, match=words):
            retyped(halves, 3, 1, text)


def test_a_chord_is_recognised_by_its_own_notes() -> None:
    for number, notes in enumerate(TEMPLATES.astype(float)):
        bass = np.eye(12)[number % 12] * notes.max()
        assert recognise(notes[None], bass[None])[0] == number
    assert recognise(np.eye(12)[:1], np.eye(12)[:1])[0] == NONE and len(QUALITIES) == 7


def test_chords_are_written_as_they_were_typed_for_each_half_bar() -> None:
    given = read("Am7 | F9 C/E | ii7 N.C.")
    assert given.written(0, 4) == ("Am7", "Am7", "F9", "C/E", "Dm7", "N.C.", "Am7", "Am7")
    assert typed(given.written(0, 3)) == "Am7 | F9 C/E | Dm7 N.C."


@pytest.mark.parametrize(("one", "other", "so"), [
    ("C", "Cmaj7", True), ("Dm7", "F", True), ("C6", "Am7", True), ("C", "Am", False), ("D", "Dm", False),
    ("C7", "Cmaj7", False),
])  # fmt: skip
def test_two_names_say_the_same_where_one_chord_is_within_the_other(one: str, other: str, so: bool) -> None:
    assert alike(one, other) == alike(other, one) == so
