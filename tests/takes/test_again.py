"""Takes made again from their recipes: by a made-up system, and on the pages from files that are like no other."""

import io
import types
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from engine import RequestError
from engine import __main__ as cli
from engine.band import generate as band
from engine.core import checkpoint
from engine.core.midi import read_midi, write_midi
from engine.core.old import Result
from engine.core.song import Note, Song, Track
from engine.takes import replay as again
from engine.takes.library import HOME_VARIABLE, SONG, Library, Recipe
from tests.studio import app, refusals, settled


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library, and a system that transposes an input by its seed."""

    def arguments(sub):
        sub.add_argument("--input", required=True)
        sub.add_argument("--by-octaves", type=int, default=0)
        sub.add_argument("--hold", default="")
        sub.add_argument("--loud", action="store_true")
        sub.add_argument("--also-to", type=Path)

    def make(args, model, seed, progress):
        song = read_midi(args.input).transposed(seed + 12 * args.by_octaves)
        settings = {
            "input": "input.mid",
            "by_octaves": args.by_octaves,
            "hold": args.hold.split(","),
            "loud": args.loud,
        }
        return Result(song=song, settings=settings)

    module = types.SimpleNamespace(
        add_arguments=arguments, load=lambda args: types.SimpleNamespace(sha256="aa"), make=make
    )
    monkeypatch.setattr(cli, "SYSTEMS", {"mover": "moves"})
    monkeypatch.setattr(cli, "command", lambda system: module)
    return Library(tmp_path)


def kept(library, **more):
    original = write_midi(Song((Track("piano", 0, False, (Note(0, 1, 60),)),)))
    settings = {"input": "input.mid", "by_octaves": -1, "hold": ["drums", "bass"], "loud": True, "absent": None} | more
    made = Result(song=read_midi(original).transposed(3 - 12))
    return library.keep(made, Recipe("mover", settings, 3, "aa"), inputs={"mid": original})


def test_a_recipe_gives_the_same_bytes(library):
    take = kept(library)
    made = again.make_again(library, take)
    assert write_midi(made.song) == library.read(take, SONG)
    assert made.settings == {"input": "input.mid", "by_octaves": -1, "hold": ["drums", "bass"], "loud": True}


def test_words_are_a_command_line_without_quotes_or_guesses():
    recipe = Recipe("mover", {"by_octaves": -1, "hold": ["a", "b"], "loud": True, "quiet": False, "none": None}, 7)
    assert again.words(recipe) == ["mover", "--by-octaves=-1", "--hold=a,b", "--loud", "--seed=7"]


def test_a_value_is_never_an_option():
    assert "--hold=--input=x" in again.words(Recipe("mover", {"hold": "--input=x"}, 1))


def test_other_weights_and_unknown_systems_are_refused(library):
    take = kept(library)
    original = {"mid": library.read(take, "input.mid")}
    recipe = Recipe("mover", take.recipe.settings, 3, "bb")
    other = library.keep(Result(song=library.song(take)), recipe, inputs=original)
    with pytest.raises(RequestError, match="other weights"):
        again.make_again(library, other)
    gone = library.keep(Result(song=library.song(take)), Recipe("theremin", {}, 3))
    with pytest.raises(RequestError, match="theremin"):
        again.make_again(library, gone)
    strange = kept(library, colour="red")
    with pytest.raises(RequestError, match="colour"):
        again.make_again(library, strange)


def test_a_recipe_from_elsewhere_touches_no_file_but_its_takes_own(library, tmp_path):
    secret = tmp_path / "secret.mid"
    secret.write_bytes(write_midi(Song((Track("piano", 0, False, (Note(0, 1, 60),)),))))
    for strange in ({"input": str(secret)}, {"also_to": str(tmp_path / "written.mid")}):
        with pytest.raises(RequestError, match="not part of the take"):
            again.make_again(library, kept(library, **strange))


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
        ("variation", "variation_file", {"variation_source": "A MIDI file of mine"}, "odd.mid", odd_song),
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
    takes = app("pages/takes.py").run()
    takes = settled(takes.button(key=f"again {take.id}").click().run(), f"again {take.id}")
    assert not refusals(takes) and any("the same to the byte" in said.value for said in takes.success)
    assert not takes.get("help_info"), "a value that stands alone in a line was shown as Python sees it"


def test_a_take_is_made_again_with_the_model_that_a_page_uses(tmp_path, monkeypatch):
    model = band.load()
    song = band.generate(model, genre="jazz", seed=3, bars=4)
    library = Library(tmp_path)
    take = library.keep(Result(song=song), Recipe("band", {"genre": "jazz", "bars": 4}, 3, model.sha256))
    monkeypatch.setattr(checkpoint, "load", lambda *_: pytest.fail("a second model was loaded"))
    assert again.make_again(library, take).song == song
