"""Band's page is steered: words move its controls, a progression fills its line of chords, what is none is refused."""

from __future__ import annotations

from typing import Any

from engine.band.request import REPLACED
from engine.core.midi import write_midi
from engine.core.song import Note, Song, Track
from tests.studio import app, settled
from ui import frame
from ui.roll import COLOURS, roll


def test_a_player_has_its_colour_however_a_file_writes_its_name() -> None:
    kit = Track("Standard Kit", 0, True, (Note(0, 1, 36, 90),))
    tracks = (kit, Track("BASS", 33, False, (Note(0, 1, 40, 90),)), Track("Flute", 73, False, (Note(0, 1, 72, 90),)))
    colours = [each["colour"] for each in roll(Song(tracks))["tracks"]]
    assert colours[:2] == [COLOURS["drums"], COLOURS["bass"]] and colours[2] not in COLOURS.values()


def test_words_move_the_controls_and_unknown_ones_are_said() -> None:
    test = settled(app("pages/band.py").run(), "band")
    test.text_input(key="band_words").set_value("slow sad soul waltz, no drums, busy bass, high piano, kazoo").run()
    state = test.session_state
    assert (state["band_genre"], state["band_meter"], state["band_drums"]) == ("soul", "3/4", False)
    assert (state["band_bass_busy"], state["band_piano_register"], state["band_own_tempo"]) == (0.8, 1, True)
    assert test.text_input(key="band_chords").value.startswith("vi")
    assert any("kazoo" in caption.value for caption in test.caption) and not test.exception
    assert not settled(test, "band").exception


def test_another_line_of_words_moves_back_what_the_one_before_moved_and_no_hand_did() -> None:
    test = settled(app("pages/band.py").run(), "band")
    test.text_input(key="band_words").set_value("slow sad soul waltz, no drums, busy bass, sparse").run()
    test.slider(key="band_density").set_value(0.9).run()
    test.text_input(key="band_words").set_value("wild punk").run()
    state = test.session_state
    assert (state["band_genre"], state["band_meter"], state["band_drums"]) == ("punk", None, True)
    assert (state["band_bass_busy"], state["band_own_tempo"], state["band_chords"]) == ("as usual", False, "")
    assert (state["band_density"], state["band_adventure"]) == (0.9, 1.8), "what a hand moved stays"
    assert not settled(test, "band").exception


def test_who_rests_all_through_is_said_while_asked_to_play() -> None:
    test = app("pages/band.py")
    test.query_params["band_bars"], test.query_params["band_genre"] = "4 bars", "Punk"
    song = settled(test.run(), "band").session_state["_made band"].value.song
    silent = [track.name for track in song.tracks if not track.notes]
    said = f"Resting all through: {', '.join(silent)}. The die of a player brings one in."
    assert silent and said in [caption.value for caption in test.caption]
    for name in silent:
        test.toggle(key=f"band_{name}").set_value(False)
    assert not any("Resting" in caption.value for caption in settled(test.run(), "band").caption)


def test_where_everyone_rests_that_is_said_and_nothing_is_offered_to_keep() -> None:
    test = app("pages/band.py")
    test.query_params["band_bars"] = "4 bars"
    settled(test.run(), "band").text_input(key="band_words").set_value(
        "no drums, no piano, no guitar, no bass, no strings"
    ).run()
    assert "Everyone rests" in settled(test, "band").info[0].value and not test.error
    assert not any(button.key == "save band" for button in test.button)
    test.toggle(key="band_bass").set_value(True).run()
    assert not settled(test, "band").info and any(button.key == "save band" for button in test.button)


BOOK = "".join(f"X:{n}\nT:{name}\nM:4/4\nL:1/4\nK:C\n{notes}|]\n" for n, name, notes in (
    (1, "Up", "CDEF|GABc"), (2, "Down", "cBAG|FEDC")))  # fmt: skip


def test_which_tune_of_a_book_is_chosen_outlives_a_change_of_page_and_not_another_file() -> None:
    test = settled(app("pages/band.py").run(), "band")

    def lead() -> list[int]:
        song = settled(test, "band").session_state["_made band"].value.song
        return [note.pitch for note in song.tracks[-1].notes]

    def choice() -> Any:
        return next(box for box in test.selectbox if box.label == "Tune of the book")

    test.file_uploader(key="band_file").upload("book.abc", BOOK.encode(), "text/plain").run()
    assert lead()[0] == 60
    choice().set_value(2).run()
    assert lead()[0] == 72
    test.switch_page("pages/inside.py").run()
    test.switch_page("pages/band.py").run()
    assert choice().value == 2 and lead()[0] == 72
    test.file_uploader(key="band_file").upload("again.abc", BOOK.replace("T:", "T:The ").encode(), "text/plain").run()
    assert choice().value == 1 and lead()[0] == 60


def test_of_a_song_that_is_brought_another_track_can_be_the_tune() -> None:
    test = settled(app("pages/band.py").run(), "band")
    tracks = [Track(name, 73 + n, False, tuple(Note(beat, 1.0, low + beat % 5, 90) for beat in range(16)))
              for n, (name, low) in enumerate((("Flute", 72), ("Clarinet", 60)))]  # fmt: skip
    test.file_uploader(key="band_file").upload("two.mid", write_midi(Song(tuple(tracks))), "audio/midi").run()
    [choice] = [box for box in settled(test, "band").selectbox if box.label == "Track"]
    assert choice.value is None and choice.options == ["All together", "1 · Flute, flute", "2 · Clarinet, recorder"]
    choice.set_value("2").run()
    made = settled(test, "band").session_state["_made band"].value
    assert not test.error and min(note.pitch for note in made.song.tracks[-1].notes) == 60


def test_a_common_progression_is_written_into_the_line_and_wrong_chords_leave_what_was_made() -> None:
    test = settled(app("pages/band.py").run(), "band")
    test.selectbox(key="band_progression").set_value("Two five one").run()
    assert test.text_input(key="band_chords").value == "iim7 | V7 | Imaj7 | %"
    test.text_input(key="band_chords").set_value("C | Hm7").run()
    assert any("'Hm7' in bar 2" in error.value for error in test.error) and not test.exception


def test_a_link_to_the_network_that_is_gone_opens_and_says_who_plays() -> None:
    link = app("pages/band.py")
    link.query_params["band_network"] = "The GAN, four bars at a draw"
    link.query_params["band_bars"] = "4 bars"
    test = settled(link.run(), "band")
    assert not test.exception and not test.error and test.session_state["_made band"]
    assert [caption.value for caption in test.caption].count(frame.plain(REPLACED)) == 1


def test_the_lane_shows_the_chords_that_were_asked_for_and_where_another_sounds() -> None:
    played = ((0, (48, 60, 64, 67)), (4, (41, 60, 65, 69)))
    notes = [Note(beat, 4.0, pitch) for beat, chord in played for pitch in chord]
    song = Song((Track("piano", 0, False, tuple(notes)),))
    chords = [(each["name"], each["sounds"], each["halves"])
              for each in roll(song, asked=("Cmaj7", "Cmaj7", "G7", "G7"))["chords"]]  # fmt: skip
    assert chords == [("Cmaj7", "", 2), ("G7", "F", 2)]
    assert [each["name"] for each in roll(song)["chords"]] == ["C", "F"], "where nobody asked, what is heard"
