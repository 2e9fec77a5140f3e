"""Takes made again from their recipes: by a made-up system, by all five from a library of format 1, and on the pages
from files that are like no other."""

import io
import types
from dataclasses import dataclass, replace
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from engine import RequestError, band
from engine.band.request import REPLACED
from engine.core import checkpoint, request
from engine.core.home import HOME_VARIABLE
from engine.core.midi import read_midi, write_midi
from engine.core.request import File, names, option
from engine.core.result import Result
from engine.core.song import Note, Song, Track
from engine.systems import system
from engine.takes import archive
from engine.takes import replay as replaying
from engine.takes.library import SONG, Library, Recipe
from engine.takes.replay import replay, request_of
from tests.studio import app, refusals, settled

FORMAT_1 = Path(__file__).with_name(
    "format-1.zip"
)  # takes of every system as they were kept before requests were typed


@dataclass(frozen=True, kw_only=True)
class Move(request.Request):
    SYSTEM = "mover"
    input: File = option(None, "What is moved.")
    by_octaves: int = option(0, "How far.", low=-3, high=3)
    hold: tuple[str, ...] = option((), "Names.", read=names)
    loud: bool = option(False, "Loud.")

    def checkpoint(self):
        return Path("none")


def moved(model, asked, *, progress=None):
    song = read_midi(asked.input.content).transposed(asked.seed + 12 * asked.by_octaves)
    return Result(request=asked, song=song, weights=model.sha256)


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library, and a system that transposes an input by its seed."""
    mover = types.SimpleNamespace(Request=Move, load=lambda path: types.SimpleNamespace(sha256="aa"), generate=moved)
    monkeypatch.setattr(replaying, "SYSTEMS", {"mover": "moves"})
    monkeypatch.setattr(replaying, "system", lambda name: mover)
    return Library(tmp_path)


ORIGINAL = write_midi(Song((Track("piano", 0, False, (Note(0, 1, 60),)),)))
ASKED = Move(input=File("mine.mid", ORIGINAL), by_octaves=-1, hold=("drums", "bass"), loud=True, seed=3)
OLD = {"input": "input.mid", "by_octaves": -1, "hold": ["drums", "bass"], "loud": True, "absent": None}


def kept(library, weights="aa"):
    return library.keep(replace(moved(types.SimpleNamespace(sha256="aa"), ASKED), weights=weights))


def added(library, settings, system="mover", seed=3):
    """A take whose recipe is of format 1."""
    song = write_midi(read_midi(ORIGINAL).transposed(seed - 12))
    contents = {SONG: song, "input.mid": ORIGINAL}
    return library.add("ab" * 16, "Old", Recipe(system, settings, seed, "aa"), (), contents)


def test_a_request_survives_its_recipe_and_gives_the_same_bytes(library):
    take = kept(library)
    assert request_of(library, take) == ASKED, "the file has the name that a person gave it"
    assert write_midi(replay(library, take).result.song) == library.read(take, SONG)


def test_a_recipe_of_format_1_is_read_by_its_options(library):
    take = added(library, OLD)
    assert request_of(library, take) == replace(ASKED, input=File("input.mid", ORIGINAL))
    assert write_midi(replay(library, take).result.song) == library.read(take, SONG)


def test_a_value_is_never_an_option(library):
    asked = request_of(library, added(library, OLD | {"hold": "--input=x"}))
    assert asked.hold == ("--input=x",) and asked.input.content == ORIGINAL


def test_other_weights_are_told(library):
    assert replay(library, kept(library)).same_weights
    assert not replay(library, kept(library, "bb")).same_weights


@pytest.mark.parametrize("change", [{"colour": "red"}, {"by_octaves": 9}, {"by_octaves": "x"}])
def test_what_is_unknown_or_out_of_range_is_refused_in_both_formats(library, change):
    with pytest.raises(RequestError, match=r"colour|octaves"):
        request_of(library, added(library, OLD | change))
    with pytest.raises(RequestError, match=r"colour|octaves"):
        Move.from_json(ASKED.to_json() | change, ASKED.files)


def test_an_unknown_system_is_refused(library):
    with pytest.raises(RequestError, match="theremin"):
        replay(library, added(library, OLD, "theremin"))


def test_a_recipe_from_elsewhere_touches_no_file_but_its_takes_own(library, tmp_path):
    secret = tmp_path / "secret.mid"
    secret.write_bytes(ORIGINAL)
    for strange in (str(secret), "../secret.mid", "song.mid", 7):
        for settings in (OLD | {"input": strange}, ASKED.to_json() | {"input": strange}):
            with pytest.raises(RequestError, match="not part of the take"):
                request_of(library, added(library, settings))
            library.delete("ab" * 16)
            library = Library(tmp_path / str(len(list(tmp_path.iterdir()))))


@pytest.fixture(scope="module")
def brought(tmp_path_factory):
    library = Library(tmp_path_factory.mktemp("brought"))
    return library, archive.unpack(library, FORMAT_1.read_bytes())


def test_takes_of_format_1_open_play_and_ask_for_what_they_asked_for(brought):
    library, takes = brought
    assert {take.recipe.system for take in takes} == {"band", "variation", "melody", "trombone", "translation"}
    for take in takes:
        song, audio = library.song(take), library.audio(take)
        assert song.notes and (audio is None or not audio.silent)
        asked = request_of(library, take)
        again = type(asked).from_json(asked.to_json(), asked.files)
        assert again.to_json() == asked.to_json() and asked.seed == take.recipe.seed
        for name, value in take.recipe.settings.items():
            if isinstance(value, float) and hasattr(asked, name):
                assert getattr(asked, name) == value


def test_takes_of_format_1_are_made_again_as_their_requests_are_made_now(brought):
    """Their bytes differ between processors, so what is compared is made here."""
    library, takes = brought
    for take in takes:
        replayed = replay(library, take)
        made_by, asked = system(take.recipe.system), request_of(library, take)
        today = made_by.generate(made_by.load(asked.checkpoint()), asked)
        assert write_midi(replayed.result.song) == write_midi(today.song)
        assert (REPLACED in replayed.result.remarks) == (take.recipe.system == "band")
        assert (replayed.result.audio is None) == (not take.has_sound)
        known = library.song(take)
        if replayed.same_weights and take.recipe.system != "variation":  # nearly the same music on any processor
            assert abs(replayed.result.song.notes - known.notes) <= max(3, 0.05 * known.notes)


@pytest.fixture
def in_home(tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))


def fine_recording() -> bytes:
    """A second and a half of a tone in 24 bits at 44.1 kHz, two channels, the right one softer."""
    t = np.arange(66_150) / 44_100
    tone = sum(0.3 * 0.5**k * np.sin(2 * np.pi * 392 * (k + 1) * t) for k in range(6))
    file = io.BytesIO()
    soundfile.write(file, np.stack([tone, 0.31 * tone], 1), 44_100, format="WAV", subtype="PCM_24")
    return file.getvalue()


def odd_song() -> bytes:
    """A MIDI file of 97 ticks a beat whose notes lie between the sixteenths, with a tempo that changes."""
    midi = mido.MidiFile(ticks_per_beat=97)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=483_091), mido.Message("program_change", program=0)])
    for i in range(24):
        track.append(mido.Message("note_on", note=52 + 5 * i % 12, velocity=60 + i, time=7))
        track.append(mido.Message("note_off", note=52 + 5 * i % 12, time=61))
    track.insert(20, mido.MetaMessage("set_tempo", tempo=555_555))
    midi.tracks.append(track)
    file = io.BytesIO()
    midi.save(file=file)
    return file.getvalue()


@pytest.mark.parametrize(
    "page, uploader, chosen, name, content",
    [
        ("translation", "translation_file", {"translation_way": "file"}, "fine.wav", fine_recording),
        ("variation", "variation_file", {"variation_source": "A file of mine"}, "odd.mid", odd_song),
        ("trombone", "trombone_file", {"trombone_kind": "A melody"}, "odd.mid", odd_song),
    ],
)
def test_what_was_made_from_an_upload_is_made_again_to_the_byte(page, uploader, chosen, name, content, in_home):
    test = app(f"pages/{page}.py")
    for key, value in chosen.items():
        test.session_state[key] = value
    test.run().file_uploader(key=uploader).upload(name, content(), "application/octet-stream").run()
    settled(test, page).button(key=f"save {page}").click().run()
    assert not refusals(test)
    (take,) = Library().takes()
    assert take.has_song and take.has_sound == (page != "variation")
    kept = Library().files / take.id / SONG
    title = (Library().song(take).title or "Bandstand").encode()
    assert kept.read_bytes().count(title) > 0
    kept.write_bytes(kept.read_bytes().replace(title, title.swapcase(), 1))  # as it may have been called before
    takes = app("pages/takes.py").run()
    more = takes.menu_button(key=f"more {take.id}")
    takes = settled(more.click("Make again").run(), f"again {take.id}")
    assert not refusals(takes) and any("the same to the byte" in said.value for said in takes.success)
    assert not takes.get("help_info"), "a value that stands alone in a line was shown as Python sees it"


def test_a_take_is_made_again_with_the_model_that_a_page_uses(tmp_path, monkeypatch):
    model = band.load()
    library = Library(tmp_path)
    result = band.generate(model, band.Request(genre={"jazz": 1}, seed=3, bars=4))
    take = library.keep(result)
    monkeypatch.setattr(checkpoint, "load", lambda *_: pytest.fail("a second model was loaded"))
    assert replay(library, take).result.song == result.song


def test_notes_by_hand_are_held_by_the_take_and_are_the_same_when_it_is_made_again(library, tmp_path):
    made = moved(types.SimpleNamespace(sha256="aa"), ASKED)
    by_hand = made.with_notes(Song((Track("piano", 0, False, (Note(0.25, 1.5, 72, 101), Note(2, 1, 60, 80))),)))
    take = library.keep(by_hand)
    assert take.recipe.by_hand and take.recipe.settings["by_hand"] == SONG
    again = replay(library, take)
    assert again.same_weights and again.result.by_hand and again.result.request.by_octaves == -1
    assert write_midi(again.result.song) == library.read(take, SONG)
    assert not library.keep(made).recipe.by_hand
    other = Library(tmp_path / "other")
    [carried] = archive.unpack(other, archive.export(library, [take]))
    assert replay(other, carried).result.song.tracks[0].notes == by_hand.song.tracks[0].notes
