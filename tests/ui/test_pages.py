"""Every page's logic, without a browser: what opens, what is made, what stays when something fails."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from engine import Cancelled, RequestError, band
from engine import __main__ as cli
from engine.core.formats import Mix, named
from engine.core.key import keyed
from engine.core.markers import markers_of
from engine.core.midi import write_midi
from engine.core.result import Music
from engine.takes.library import SONG, Library
from engine.takes.replay import request_of
from tests.studio import app, refusals, settled, tune
from ui import frame, jobs, player, stems
from ui.worker import submit

# ---- every page ------------------------------------------------------------------------------------------------------


def test_home_names_every_page_the_device_and_the_synthesiser():
    test = app().run()
    assert not refusals(test)
    words = " ".join(element.value for element in test.markdown)
    links = " ".join(link.proto.label for link in test.get("page_link"))
    for page in frame.pages():
        assert page.title in links and (page.says in words or not page.makes)
    assert "Computes on" in words and "Sounds through" in words


# ---- Band ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def opened():
    return settled(app("pages/band.py").run(), "band")


def song_of(test: AppTest):
    return test.session_state["_made band"].value.song


def test_the_styles_are_the_models(opened):
    assert opened.selectbox(key="band_genre").options == [name.title() for name in band.Request.learned()["genre"]]


def test_another_part_changes_one_player_and_no_other(opened):
    before = song_of(opened)
    player = next(track.name for track in before.tracks if track.notes)
    opened.button(key=f"band_{player}_roll").click().run()
    after = song_of(settled(opened, "band"))
    assert [a.name for a, b in zip(before.tracks, after.tracks) if a.notes != b.notes] == [player]


def test_the_big_button_rolls_the_seed_and_the_one_before_comes_back_with_its_music(opened):
    before, seed = song_of(opened), opened.number_input(key="band_seed").value
    opened.button(key="band_seed again").click().run()
    assert song_of(settled(opened, "band")) != before
    opened.button(key="earlier band").click().run()
    assert song_of(settled(opened, "band")) == before and opened.number_input(key="band_seed").value == seed


def test_a_link_brings_back_the_same_music(opened):
    opened.number_input(key="band_seed").set_value(99).run()
    opened.toggle(key="band_bass").set_value(False).run()
    opened.slider(key="band_density").set_value(0.7).run()
    there = song_of(settled(opened, "band"))
    link = app("pages/band.py")
    for name, value in {"band_seed": "99", "band_bass": "false", "band_density": "0.7"}.items():
        link.query_params[name] = value
    assert song_of(settled(link.run(), "band")) == there
    assert not next(track for track in there.tracks if track.name == "bass").notes


def test_an_instrument_and_a_tempo_change_the_sound_and_not_the_notes(opened):
    before = song_of(opened)
    opened.selectbox(key="band_piano_program").set_value(11).run()
    opened.toggle(key="band_own_tempo").set_value(True).run()
    opened.slider(key="band_tempo").set_value(77).run()
    after = song_of(settled(opened, "band"))
    assert after.tempo == 77 and after.tracks[1].program == 11
    assert [track.notes for track in after.tracks] == [track.notes for track in before.tracks]


def test_a_failure_says_why_and_leaves_what_there_was(opened, monkeypatch):
    before = opened.session_state["_made band"]

    def refuse(*_, **__):
        raise RequestError("The band is on *strike*.")

    monkeypatch.setattr(band, "generate", refuse)
    opened.slider(key="band_density").set_value(0.1).run()
    assert refusals(settled(opened, "band")) == ["The band is on \\*strike\\*\\."]
    assert opened.session_state["_made band"] is before
    monkeypatch.setattr(band, "generate", lambda *_, **__: 1 / 0)
    opened.slider(key="band_density").set_value(0.2).run()
    [says] = refusals(settled(opened, "band"))
    assert "what you had is still here" in says and "division" not in says
    monkeypatch.undo()
    opened.slider(key="band_density").set_value(0.3).run()
    assert not refusals(settled(opened, "band")) and opened.session_state["_made band"] is not before


def test_what_is_shown_is_not_sent_on_while_another_is_made(opened, monkeypatch):
    made, ready = band.generate, threading.Event()

    def late(*args, **more):
        assert ready.wait(60)
        return made(*args, **more)

    monkeypatch.setattr(band, "generate", late)
    opened.button(key="band_seed again").click().run()
    sends = [f"send band {page}" for page in ("Variation", "Trombone", "Translation")]
    assert all(opened.button(key=key).disabled for key in sends) and not opened.button(key="save band").disabled
    ready.set()
    settled(opened, "band")
    assert not any(opened.button(key=key).disabled for key in sends)


def test_a_damaged_checkpoint_is_a_sentence_and_not_a_traceback(monkeypatch):
    def damaged(*_):
        raise RequestError("config.json is damaged.")

    monkeypatch.setattr(band.Request, "learned", damaged)
    assert refusals(app("pages/band.py").run()) == ["config\\.json is damaged\\."]


def test_the_page_a_take_and_the_command_line_make_the_same_bytes(opened, tmp_path):
    opened.selectbox(key="band_blend").set_value(opened.selectbox(key="band_blend").options[1].lower()).run()
    opened.button(key="band_guitar_roll").click().run()
    opened.toggle(key="band_strings").set_value(False).run()
    settled(opened, "band")
    opened.button(key="save band").click().run()
    [take] = Library().takes()
    asked = request_of(Library(), take)
    words = ["band", "--seed", str(asked.seed), *(f"--genre={name}:{weight}" for name, weight in asked.genre.items())]
    words += [f"--reroll={track}={seed}" for track, seed in asked.track_seeds.items()]
    words += [f"--without={track}" for track in asked.without]
    assert cli.run([*words, "--out", str(tmp_path / "made.mid")]) == 0
    song = song_of(opened)
    assert (tmp_path / "made.mid").read_bytes() == write_midi(keyed(song), markers_of(song))
    assert write_midi(song) == Library().read(take, SONG)


# ---- the rooms they share --------------------------------------------------------------------------------------------


def test_a_model_is_loaded_once_for_all_and_again_when_its_weights_change(tmp_path):
    def facts(sha256):
        (tmp_path / "config.json").write_text(f'{{"system": "x", "format": 1, "model": {{}}, "sha256": "{sha256}"}}')

    loads = []

    def loader(folder):
        time.sleep(0.05)
        loads.append(folder)
        return object()

    facts("a")
    models = []
    threads = [
        threading.Thread(target=lambda: models.append(frame.cached_model("x", tmp_path, loader)[0])) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(loads) == 1 and len(models) == 8 and len(set(map(id, models))) == 1
    facts("b")
    assert frame.cached_model("x", tmp_path, loader)[0] is not models[0] and len(loads) == 2


def test_a_cancelled_job_stops_at_its_next_progress_and_the_worker_lives_on():
    began, reached = threading.Event(), []

    def endless(progress):
        for step in range(10_000):
            reached.append(step)
            progress(step, 10_000)
            began.set()
            time.sleep(0.005)

    first = jobs.Job(endless, {}, "Endless")
    submit(first)
    assert began.wait(5)
    waiting = jobs.Job(lambda progress: "never", {}, "Waiting")
    waiting.cancel()
    submit(waiting)
    first.cancel()
    assert first.ended.wait(5) and waiting.ended.wait(5)
    assert first.made is None and waiting.made is None and len(reached) < 10_000
    last = jobs.Job(lambda progress: 5, {}, "Last")
    submit(last)
    assert last.ended.wait(5) and last.made is not None and last.made[0].value == 5


def test_a_job_may_not_swallow_the_cancel():
    def work(progress):
        try:
            progress(1, 2)
        except Cancelled:
            return "half done"

    job = jobs.Job(work, {}, "Stubborn")
    job.cancel()
    job.run()
    assert job.made is None


def test_a_sound_is_rendered_once_however_many_ask_and_long_ones_are_let_go(monkeypatch):
    shelf = stems.Shelf()
    made = []

    def make():
        time.sleep(0.05)
        made.append(1)
        return stems.Sound((b"x" * 100, None), "audio/wav", 1.0, "n")

    threads = [threading.Thread(target=shelf.fetch, args=("song", make)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    monkeypatch.setattr(stems, "HELD_BYTES", 250)
    for name in "abc":
        shelf.fetch(name, make)
    assert list(shelf.held) == ["b", "c"] and not shelf.making


def test_stems_for_the_browser_are_equally_long_and_silence_is_not_sent():
    song = tune(1)
    song = replace(song, tracks=(*song.tracks, replace(song.tracks[0], name="rest", notes=())))
    sound = stems.of_song(song)
    assert [stem is None for stem in sound.stems] == [False, False, False, True]
    assert len({len(stem) for stem in sound.stems if stem}) == 1
    assert sound.seconds > song.seconds


def test_a_pitch_that_could_not_be_measured_breaks_the_line_and_not_the_page():
    points = [(0.0, 220.0), (0.1, float("nan")), None, (0.3, np.float32(221.5))]
    assert [player._point(point) for point in points] == [[0.0, 220.0], None, None, [0.3, 221.5]]


def test_muted_tracks_are_missing_from_the_wav_and_a_silent_one_is_refused():
    song = tune(1)
    gains = {track.name: 0.0 for track in song.tracks}
    wav = named(Path("x.wav"), Music(song=song).contents)
    with pytest.raises(RequestError, match="muted"):
        wav.write(Music(song=song), Mix(gains))
    assert len(wav.write(Music(song=song), Mix(gains | {"bass": 1.0}))) > 100_000
