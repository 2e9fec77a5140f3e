"""The Variation page, without a browser: what it makes, and that a take's recipe makes the same again."""

import pytest

from engine.core.midi import write_midi
from engine.takes.library import Library
from engine.takes.replay import parsed
from engine.variation import command as variation_command
from engine.variation import generate as variation
from tests.studio import app, refusals, settled

PAGE = "pages/variation.py"
pytestmark = pytest.mark.skipif(not (variation.PATH / "k32" / "config.json").exists(), reason="no weights are shipped")


def opened(**state):
    test = app(PAGE)
    for key, value in state.items():
        test.session_state[key] = value
    test = settled(test.run(), "variation")
    assert not refusals(test)
    return test


def made(test):
    return test.session_state["_made variation"]


@pytest.mark.parametrize("mode, more", [("vary", 0), ("continue", 8), ("walk", None), ("grid", None)])
def test_each_way_of_making_makes_something(mode, more):
    test = opened(variation_mode=mode)
    assert made(test).settings["mode"] == mode
    song = made(test).value[0]
    if mode == "grid":
        assert [len(row) for row in song] == [3, 3, 3]
    else:
        assert song.notes


def test_moving_the_noise_makes_another_and_zero_makes_the_likest():
    test = opened()
    first = made(test).value[0]
    test.slider(key="variation_noise").set_value(1.6)
    test = settled(test.run(), "variation")
    assert made(test).settings["noise"] == 1.6 and made(test).value[0] != first


def test_a_take_is_made_again_from_its_recipe(tmp_path):
    test = opened()
    song = made(test).value[0]
    test.button(key="save variation").click().run()
    assert not refusals(test)
    take = Library().takes()[0]
    content = Library().files / take.id / "input.mid"
    args = parsed(take.recipe, {"input.mid": str(content)})
    again = variation_command.make(args, variation_command.load(args), args.seed, lambda done, total: None)
    assert write_midi(again.song) == write_midi(song)
