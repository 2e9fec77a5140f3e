"""A take on the page that made it: its settings are in the controls again, and what it holds is the page's result."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from engine import band, jam, trombone
from engine.core.audio import write_flac
from engine.core.midi import write_midi
from engine.core.request import File
from engine.core.result import Result
from engine.takes.library import SONG, SOUND, Library, Take
from tests.studio import app, refusals, settled, tune
from ui.mixing import Channel


def made(page: str, **controls: Any) -> AppTest:
    """A page with a result that was made with these controls."""
    test = app(f"pages/{page}.py")
    for name, value in controls.items():
        test.session_state[name] = value
    return settled(test.run(), page)


def saved(test: AppTest, page: str) -> Take:
    test.button(key=f"save {page}").click().run()
    assert not refusals(test)
    return Library().takes()[0]


def opened(test: AppTest, page: str, take: Take, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page, on which something else was made meanwhile, with the take opened; nothing can be made anew."""
    test.button(key=f"{page}_seed again").click().run()
    settled(test, page)

    def none(*given: Any, **more: Any) -> None:
        raise AssertionError("it was made anew")

    monkeypatch.setattr(f"engine.{page}.generate", none)
    test.session_state[f"opened {page}"] = take.id
    settled(test.run(), page)
    assert not refusals(test)
    return test


def controls(test: AppTest, names: dict[str, Any]) -> dict[str, Any]:
    return {name: test.session_state[name] for name in names}


def music(test: AppTest, page: str) -> Result:
    """The result that a page shows."""
    value = test.session_state[f"_made {page}"].value
    result: Result = value[0] if page == "variation" else value
    return result


PAGES: dict[str, dict[str, Any]] = {
    "band": {"band_bars": 4, "band_genre": "rock", "band_seed": 11, "band_chords": "Am | F", "band_own_tempo": True,
             "band_tempo": 97, "band_bass": False, "band_piano_busy": 0.2, "band_guitar_register": 1},
    "variation": {"variation_noise": 1.1, "variation_seed": 3, "variation_latent": 64, "variation_hold_bass": True},
    "melody": {"melody_seed": 5, "melody_type": "jig", "melody_bars": 8, "melody_program": 40, "melody_own_tempo": True,
               "melody_dotted_tempo": 90, "melody_transpose": 2},
    "trombone": {"trombone_kind": "A scale", "trombone_note": 50, "trombone_seconds_1": 0.3, "trombone_seed": 4,
                 "trombone_articulation": "staccato"},
    "translation": {"translation_to": "oboe", "translation_dynamics": 0.5, "translation_seed": 2,
                    "translation_keep_octave": True},
}  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_a_take_opens_with_its_controls_and_its_result(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    test = made(page, **PAGES[page])
    take = saved(test, page)
    opened(test, page, take, monkeypatch)
    shown = music(test, page)
    assert write_midi(shown.song) == Library().read(take, SONG)
    assert shown.audio is None or write_flac(shown.audio) == Library().read(take, SOUND)
    assert controls(test, PAGES[page]) == PAGES[page]
    assert not shown.remarks, "the controls ask for what it was made from"
    test.button(key=f"earlier {page}").click().run()
    assert f"_job {page}" not in test.session_state, "a step back makes nothing either"
    assert test.session_state[f"{page}_seed"] != PAGES[page][f"{page}_seed"]


def test_locks_and_the_mix_are_kept_with_a_take(monkeypatch: pytest.MonkeyPatch) -> None:
    test = made("band", band_bars=4)
    past = test.session_state["_histories"]["band"]
    past.mixes[past.number] = {"drums": Channel(0.5, mute=True), "piano": Channel()}
    test.button(key="band lock drums").click().run()
    take = saved(test, "band")
    assert take.recipe.mix == {"drums": [0.5, True, False]} and take.recipe.locks == ("drums",)
    test.button(key="band lock drums").click().run()
    opened(test, "band", take, monkeypatch)
    assert test.session_state["band_locks"] == ("drums",)
    assert test.session_state["_histories"]["band"].mix == {"drums": Channel(0.5, mute=True)}


def test_what_was_made_beside_the_controls_opens_with_the_controls_that_it_stood_under(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = {"band_bars": 4, "band_chords": "Am | F", "band_own_tempo": True, "band_tempo": 97, "band_key": "C"}
    test = made("band", **asked)
    assert not any("holds its settings" in caption.value for caption in test.caption), "its address leads to this"
    settled(test.button(key="band lock bass").click().run(), "band")
    for press in ("band_seed again", "band lock bass", "band_piano_roll"):
        settled(test.button(key=press).click().run(), "band")
    assert any("holds its settings, not these notes" in caption.value for caption in test.caption)
    anew = music(test, "band").request
    assert anew.rewrite and anew.chords == "Am | F | Am | F", "it is played over the chords that were typed"
    take = saved(test, "band")
    test.text_input(key="band_chords").set_value("").run()
    opened(test, "band", take, monkeypatch)
    assert controls(test, asked) == asked and not music(test, "band").remarks
    again = saved(test, "band").recipe.controls
    assert again | take.recipe.controls == again, "and is kept with them again"


def test_what_was_kept_of_a_jam_opens_beside_the_settings_that_the_jam_began_with() -> None:
    request = jam.Request(genre={"soul": 1.0}, bars=8, keep=4, density=0.7, without=("bass",), seed=6)
    take = Library().keep(Result(request=request, song=tune(3)))
    test = app("pages/jam.py")
    test.session_state["opened jam"] = take.id
    settled(test.run(), "jam")
    assert not refusals(test)
    known = {"jam_genre": "soul", "jam_density": 0.7, "jam_bass": False, "jam_drums": True, "jam_seed": 6}
    assert controls(test, known) == known
    assert write_midi(test.session_state["_made jam"].value.result.song) == Library().read(take, SONG)


def test_bars_written_anew_by_a_script_open_as_they_are_and_it_is_said_what_no_control_says() -> None:
    file = File("Blue bird.mid", write_midi(tune(2)))
    request = band.Request(genre={"jazz": 1.0}, input=file, rewrite=(2, 3), players=("piano",), seed=4)
    take = Library().keep(Result(request=request, song=tune(3)))
    test = app("pages/band.py")
    test.session_state["opened band"] = take.id
    settled(test.run(), "band")
    shown = music(test, "band")
    assert write_midi(shown.song) == Library().read(take, SONG) and shown.request.seed == 4
    assert shown.request.title == "Blue bird, bars 2-3 anew, seed 4", "by the name of the file that was given"
    assert "input, bars written anew, players" in shown.remarks[0] and test.session_state["band_seed"] == 4


def test_a_take_of_which_only_the_settings_are_left_is_made_again_and_that_is_said() -> None:
    request = trombone.Request(note=50, seconds=0.3, seed=3)
    take = Library().keep(Result(request=request, song=tune(3)))  # without a sound
    test = app("pages/trombone.py")
    test.session_state["opened trombone"] = take.id
    assert "no more than its settings" in test.run().info[0].value.replace("\\", "")
    assert music(settled(test, "trombone"), "trombone").audio and test.session_state["trombone_note"] == 50
