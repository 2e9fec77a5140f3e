"""Takes made again from their recipes, with a made-up system in the place of the trained ones."""

import types
from pathlib import Path

import pytest

from engine import Refused, again
from engine import __main__ as cli
from engine.made import Made
from engine.song import Note, Song, Track
from engine.song_midi import read_midi, write_midi
from engine.takes import SONG, Library, Recipe


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
        return Made(song=song, settings=settings)

    module = types.SimpleNamespace(
        HELP="moves", add_arguments=arguments, load=lambda args: types.SimpleNamespace(sha256="aa"), make=make
    )
    monkeypatch.setattr(cli, "commands", lambda: {"mover": module})
    return Library(tmp_path)


def kept(library, **more):
    original = write_midi(Song((Track("piano", 0, False, (Note(0, 1, 60),)),)))
    settings = {"input": "input.mid", "by_octaves": -1, "hold": ["drums", "bass"], "loud": True, "absent": None} | more
    made = Made(song=read_midi(original).transposed(3 - 12))
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
    other = library.keep(Made(song=library.song(take)), recipe, inputs=original)
    with pytest.raises(Refused, match="other weights"):
        again.make_again(library, other)
    gone = library.keep(Made(song=library.song(take)), Recipe("theremin", {}, 3))
    with pytest.raises(Refused, match="theremin"):
        again.make_again(library, gone)
    strange = kept(library, colour="red")
    with pytest.raises(Refused, match="colour"):
        again.make_again(library, strange)


def test_a_recipe_from_elsewhere_touches_no_file_but_its_takes_own(library, tmp_path):
    secret = tmp_path / "secret.mid"
    secret.write_bytes(write_midi(Song((Track("piano", 0, False, (Note(0, 1, 60),)),))))
    for strange in ({"input": str(secret)}, {"also_to": str(tmp_path / "written.mid")}):
        with pytest.raises(Refused, match="not part of the take"):
            again.make_again(library, kept(library, **strange))
