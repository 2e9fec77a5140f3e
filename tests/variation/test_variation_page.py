"""The Variation page, without a browser: what it makes, and that a take's recipe makes the same again."""

import pytest

from engine.core.midi import write_midi
from engine.takes.library import Library
from engine.takes.replay import replay
from engine.variation.request import PATH
from tests.studio import app, refusals, settled

PAGE = "pages/variation.py"
pytestmark = pytest.mark.skipif(not (PATH / "k32" / "config.json").exists(), reason="no weights are shipped")


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
    assert made(test).settings.mode == mode
    results = made(test).value
    assert len(results) == (9 if mode == "grid" else 1) and all(result.song.notes for result in results)
    if mode == "grid":
        asked = [(result.request.noise, result.request.seed) for result in results]
        assert asked == [(noise, seed) for noise in (0.5, 1.0, 1.5) for seed in (7, 8, 9)]
    song, parts = results[0].song, results[0].report.get("parts", [])
    if mode == "continue":
        assert parts == [[0.0, "As it was"], [song.bar_lines()[-1 - more], "What comes next"]], "the seam is shown"
    if mode == "walk":
        request = results[0].request
        assert [name for _, name in parts] == [
            request.input.name, "25% of the way", "50% of the way", "75% of the way", request.towards.name,
        ]  # fmt: skip
        assert [beat for beat, _ in parts] == [request.step_bars * song.beats_per_bar * step for step in range(5)]


@pytest.mark.parametrize("named, mode", [("Grid", "grid"), ("continue", "continue"), ("To another song", "walk")])
def test_an_address_names_what_to_make_in_todays_words_and_in_those_before(named, mode):
    test = app(PAGE)
    test.query_params["variation_mode"] = named
    settled(test.run(), "variation")
    assert not refusals(test) and made(test).settings.mode == mode
    test.segmented_control(key="variation_mode").set_value("vary").run()
    assert made(settled(test, "variation")).settings.mode == "vary", "the address does not hold a person back"


def test_a_walk_is_called_after_the_song_it_leads_to():
    test = opened(variation_mode="walk")
    [result] = made(test).value
    test.button(key="save variation").click().run()
    [take] = Library().takes()
    assert take.name == f"{result.request.input.name}, to {result.request.towards.name}"


def test_moving_the_noise_makes_another_and_zero_makes_the_likest():
    test = opened()
    first = made(test).value[0].song
    test.slider(key="variation_noise").set_value(1.6)
    test = settled(test.run(), "variation")
    [result] = made(test).value
    assert result.request.noise == 1.6 and result.song != first


def test_a_take_is_made_again_from_its_recipe(tmp_path):
    test = opened()
    [result] = made(test).value
    test.button(key="save variation").click().run()
    assert not refusals(test)
    take = Library().takes()[0]
    assert write_midi(replay(Library(), take).result.song) == write_midi(result.song)
    assert Library().read(take, "input.mid") == result.request.input.content
