"""A line of words moves the settings that it names, and nothing else; what it does not know, it says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import RequestError, band
from engine.__main__ import parser
from engine.band import words
from engine.band.words import understood
from engine.core.commandline import request_of

TEMPI = {"jazz": 120.0, "rock": 130.0, "soul": 100.0, "country": 110.0, "electronic": 128.0, "punk": 170.0}


@pytest.mark.parametrize("text, fields", [
    ("jazz", {"genre": {"jazz": 1.0}}), ("rock and jazz", {"genre": {"rock": 1.0, "jazz": 1.0}}),
    ("slow jazz", {"genre": {"jazz": 1.0}, "tempo": 84.0}), ("a waltz, please", {"meter": "3/4"}),
    ("no drums", {"without": ("drums",)}), ("only piano and bass", {"without": ("drums", "guitar", "strings")}),
    ("sparse", {"density": 0.2}), ("sparse drums and busy bass", {"busy": {"drums": 0.2, "bass": 0.8}}),
    ("busy drums and bass", {"busy": {"drums": 0.8, "bass": 0.8}}), ("low piano", {"register": {"piano": -1}}),
    ("16 bars at 140 bpm in 6/8", {"bars": 16, "tempo": 140.0, "meter": "6/8"}),
    ("in Bb", {"key": "Bb"}), ("wild", {"adventurousness": 1.8}),
    ("no piano or strings", {"without": ("piano", "strings")}), ("tempo 90, key: G", {"tempo": 90.0, "key": "G"}),
    ("not too fast jazz", {"genre": {"jazz": 1.0}, "tempo": 103.0}), ("rock, not busy", {"genre": {"rock": 1.0},
     "density": 0.2}), ("bass not too busy, piano not high", {"busy": {"bass": 0.2}, "register": {"piano": 0}}),
    ("not very wild", {"adventurousness": 0.2}), ("key of F# minor", {"key": "A", "chords": "vi | IV | I | V"}),
])  # fmt: skip
def test_words_are_settings(text: str, fields: dict[str, Any]) -> None:
    said = understood(text, TEMPI)
    assert said.fields == fields and not said.unknown


def test_unknown_words_are_said_and_the_rest_is_done() -> None:
    said = understood("slow frobnicated jazz with a kazoo", TEMPI)
    assert said.unknown == ("frobnicated", "kazoo") and said.fields["tempo"] == 84.0
    assert understood("not jazz but rock", TEMPI) == words.Said({"genre": {"rock": 1.0}}, ("not", "jazz"))


def test_a_mood_has_chords_of_the_style() -> None:
    sad, happy = (understood(f"{mood} jazz", TEMPI).fields["chords"] for mood in ("sad", "happy"))
    assert sad.startswith("vi") and happy.startswith("ii")


EVERY = sorted({*words.STYLES, *words.PLAYERS, *words.TEMPI, *words.MINOR, *words.METERS, *words.BUSY, *words.REGISTERS,
                *words.ADVENTURE, *words.WITHOUT, "and", ",", "very", "not", "zzz"})  # fmt: skip


@given(st.lists(st.sampled_from(EVERY), max_size=8))
def test_any_words_make_a_request_that_can_be_played(some: list[str]) -> None:
    said = understood(" ".join(some), TEMPI)
    band.Request(**({"genre": {"jazz": 1.0}} | said.fields))
    alone = {"zzz", "not", *words.STYLES, *words.REGISTERS, *words.METERS}  # not learned, of nobody, or denied
    assert set(said.unknown) <= alone


def test_on_the_command_line_other_options_go_before_words() -> None:
    def asked(*options: str) -> band.Request:
        made = request_of(band.Request, parser("band").parse_args(["band", *options]))
        assert isinstance(made, band.Request)
        return made

    request = asked("--words", "slow sad jazz waltz, no drums", "--tempo", "100", "--chords", "C G")
    assert (request.tempo, request.chords, request.meter, request.without) == (100.0, "C G", "3/4", ("drums",))
    assert not request.remarks and "kazoo" in asked("--words", "jazz kazoo").remarks[-1]
    with pytest.raises(RequestError, match="Style has to be given"):
        asked("--words", "no drums")
