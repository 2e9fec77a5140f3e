"""How the tracks of a result are heard: mute, solo and level as gains, as JSON, and for each result of a page."""

from __future__ import annotations

import json

import pytest

from ui.history import History
from ui.jobs import JobResult
from ui.mixing import LOUDEST, Channel, gains, read

MIX = {"drums": Channel(0.5), "bass": Channel(1.0, mute=True), "piano": Channel(0.8, solo=True)}


def test_solo_silences_all_others_and_mute_goes_before_it() -> None:
    tracks = {"drums": 1.0, "bass": 1.0, "piano": 1.0, "strings": 0.25}
    assert gains(MIX, tracks) == {"drums": 0.0, "bass": 0.0, "piano": 0.8, "strings": 0.0}
    assert gains({"drums": MIX["drums"], "bass": MIX["bass"]}, tracks) == {
        "drums": 0.5, "bass": 0.0, "piano": 1.0, "strings": 0.25}  # fmt: skip
    assert gains({"piano": Channel(0.8, mute=True, solo=True)}, tracks)["piano"] == 0.0


def test_a_mix_is_read_as_it_was_written_and_what_is_none_is_left_out() -> None:
    assert read(json.loads(json.dumps(MIX))) == MIX
    assert read({"a": [9, 0, 1], "b": ["loud", 0, 0], "c": [1], "d": None}) == {"a": Channel(LOUDEST, False, True)}


@pytest.mark.parametrize("written", [None, [], "drums", 7])
def test_no_mix_is_none(written: object) -> None:
    assert read(written) == {}


def test_each_result_has_its_mix_which_begins_as_that_before_it() -> None:
    past = History()
    past.add([JobResult("one", None, 0.0, 1)])
    past.mixes[past.number] = MIX
    past.add([JobResult("two", None, 0.0, 2)])
    assert past.mix == MIX
    past.mixes[past.number] = {}
    past.add([JobResult("kept", None, 0.0, 3)], {"drums": Channel(0.1)})
    assert past.mix == {"drums": Channel(0.1)}
    past.go(0)
    assert past.mix == MIX and past.copy().mix == MIX
    past.go(1)
    assert past.mix == {}
