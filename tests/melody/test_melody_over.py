"""A tune over given chords: they stand above it, their notes come on strong beats, and the grammar holds."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from engine import RequestError
from engine.core.chords import chord_of
from engine.core.midi import write_midi
from engine.core.request import File
from engine.core.song import Note, Song, Track
from engine.melody import Request, generate, load
from engine.melody.abc.notes import parse, song
from engine.melody.over import chords_in


@pytest.fixture(scope="module")
def model() -> Any:
    return load()


def symbols(body: str) -> list[str]:
    return re.findall(r'"([^"]*)"', body)


def on_strong_beats(tune: Any, chords: list[str]) -> float:
    """The share of notes on a bar's first beat that are notes of the chord there, repeats left out."""
    played = song(tune)
    whole = [note for note in played.tracks[0].notes if (note.onset - played.upbeat) % played.beats_per_bar < 1e-6]
    sounding = played.tracks[-1].notes
    right = [any(c.onset <= note.onset < c.end and c.pitch % 12 == note.pitch % 12 for c in sounding) for note in whole]
    return float(np.mean(right))


@pytest.mark.parametrize("meter", ["4/4", "3/4", "6/8", "2/4"])
def test_chords_stand_above_the_tune_and_sound_on_its_strong_beats(model: Any, meter: str) -> None:
    chords = ["G", "C", "D7", "G", "Em", "Am", "D7", "G"]
    shares = []
    for seed in range(3):
        made = generate(model, Request(chords=" | ".join(chords), bars=8, meter=meter, seed=seed))
        kept = [name for name, before in zip(symbols(made.tune.body), ["", *symbols(made.tune.body)]) if name != before]
        assert kept == chords and not [remark for remark in parse(made.tune.abc)[1] if "bar" in remark]
        shares.append(on_strong_beats(made.tune, chords))
    assert np.mean(shares) > 0.85


def test_without_chords_a_tune_is_what_it_was_and_with_others_another(model: Any) -> None:
    plain, same = (generate(model, Request(seed=5, chords=text, bars=8)).tune.body for text in ("", "  "))
    one, other = (generate(model, Request(seed=5, chords=text, bars=8, key="G")).tune.body for text in ("G", "C"))
    assert plain == same and one != other


@pytest.mark.parametrize("key, expected", [("G", "G Em Am D7"), ("Am", "Am F Bm E7"), ("Dmix", "D Bm Em A7")])
def test_roman_numerals_are_degrees_of_the_key(model: Any, key: str, expected: str) -> None:
    numerals = "i vi ii V7" if key == "Am" else "I vi ii V7"
    numerals = numerals.replace("vi", "VI") if key == "Am" else numerals
    made = generate(model, Request(chords=numerals, key=key, bars=4, seed=1))
    assert symbols(made.tune.body) == expected.split()


def test_the_key_is_that_of_the_chords(model: Any) -> None:
    assert generate(model, Request(chords="Am Dm E7 Am", bars=8, seed=1)).tune.key == "Am"
    assert generate(model, Request(chords="Bb Eb F7 Bb", bars=8, seed=1)).tune.key == "Bb"


def test_the_band_of_a_take_says_the_chords(model: Any) -> None:
    notes = [Note(4.0 * n, 4.0, pitch) for n, name in enumerate(("G", "C", "D", "G"))
             if (chord := chord_of(name)) for pitch in chord.pitches]  # fmt: skip
    file = File("take", write_midi(Song((Track("piano").with_notes(notes),))), "mid")
    assert chords_in(file) == "G | C | D | G"
    made = generate(model, Request(chords_from=file, bars=4, seed=2))
    assert symbols(made.tune.body) == ["G", "C", "D", "G"]
    again = Request.from_json(made.request.to_json(), made.request.files)
    assert generate(model, again).tune.body == made.tune.body


def test_what_cannot_be_done_is_one_sentence(model: Any) -> None:
    with pytest.raises(RequestError, match="'H' in bar 2"):
        Request(chords="C | H")
    with pytest.raises(RequestError, match="9 bars, and the tune 8"):
        generate(model, Request(chords="C " * 9, bars=8))


def test_a_take_from_before_has_its_chord_symbols() -> None:
    assert Request.from_options({"chords": True}, 3).chord_symbols is True
    assert Request.from_options({"no_chords": True}, 3).chord_symbols is False
    assert Request.from_options({"chords": True}, 3).chords == ""
