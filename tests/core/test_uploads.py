"""Uploads that went wrong: 200 malformed files of every type that a page takes are 200 sentences.

All of them go through the very functions that the pages call; forty others of each type go through the page itself,
which shows the sentence and leaves in place what was there. What is by luck still music is taken in. On the pages, what
costs time and is not looked at here answers at once: the networks of Variation and Trombone, and the synthesiser.
"""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from engine import RequestError
from engine.core.audio import Audio, read_audio, write_flac
from engine.core.home import HOME_VARIABLE
from engine.core.midi import write_midi
from engine.core.reading import SONG_MIB, song_of
from engine.core.request import File
from engine.core.song import Note
from engine.melody import read_any
from engine.takes.archive import unpack
from engine.takes.library import Library
from engine.trombone.phrasing import melody, read_song
from engine.variation import variations
from engine.variation.bars import read
from tests.malformed import RATE, mutants, original
from tests.studio import app, refusals, settled, tune
from ui import stems

COUNT = 200  # refused, of each type
SHOWN = 40  # of each type brought to its page
CHOSEN = {"trombone_kind": "A melody"}


def for_variation(content: bytes, name: str, folder: Path) -> bool:
    """Each of these reads a file as its page does: whether there is music, or Refused."""
    return bool(read(song_of(File(name, content))).bars)


def for_trombone(content: bytes, name: str, folder: Path) -> bool:
    return bool(melody(read_song(File(name, content))).notes)


def for_translation(content: bytes, name: str, folder: Path) -> bool:
    sound = read_audio(write_flac(read_audio(content, name=name).mono()), name=name)
    return bool(np.isfinite(sound.samples).all()) and not sound.silent


def for_takes(content: bytes, name: str, folder: Path) -> bool:
    library = Library(folder)
    try:
        return bool(unpack(library, content, name=name))
    finally:
        for take in library.takes():
            assert library.song(take) or library.audio(take), "what came in cannot be read"


TYPES = {  # where a type is taken: page, uploader, what to choose first, how it is read
    "mid": ("variation", "variation_file", {"variation_source": "A file of mine"}, for_variation),
    "musicxml": ("variation", "variation_file", {"variation_source": "A file of mine"}, for_variation),
    "mxl": ("variation", "variation_file", {"variation_source": "A file of mine"}, for_variation),
    "abc": ("trombone", "trombone_file", CHOSEN, for_trombone),
    **dict.fromkeys(
        ("wav", "flac", "ogg", "mp3"), ("translation", "translation_file", {"translation_way": "file"}, for_translation)
    ),
    "zip": ("takes", "takes import", {}, for_takes),
}


@pytest.fixture(autouse=True)
def quick(tmp_path, monkeypatch):
    """A library of its own; networks and synthesiser that answer at once."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.setattr(variations, "vary", lambda model, song, *_: song)
    sound = Audio(np.linspace(-0.5, 0.5, RATE, dtype=np.float32), RATE)
    playing = import_module("engine.trombone.generate")
    monkeypatch.setattr(playing, "play", lambda *_, **__: [sound.samples])
    monkeypatch.setattr(playing, "perform", lambda *_, **__: sound)
    monkeypatch.setattr(stems, "of_song", lambda song, progress=None: stems.packed([sound] * len(song.tracks)))


def is_a_sentence(text: str) -> bool:
    """One line that a person can read, with nothing of the machine in it."""
    inside = re.search(r"inside the studio|Error|Exception|Traceback|0x[0-9a-f]{6}", text)
    return bool(re.fullmatch(r"\S[^\n]{10,250}[.)]", text)) and not inside


def refused(kind: str, folder: Path, wanted: int, seed: int = 7) -> int:
    """How many of this many malformed files are refused, each in a sentence."""
    *_, reads = TYPES[kind]
    count = 0
    for how, name, content in mutants(kind, 6 * wanted, seed):
        try:
            assert reads(content, name, folder) or kind == "zip", f"{how}: {name} was taken, and nothing is in it"
        except RequestError as refusal:
            count += 1
            assert is_a_sentence(str(refusal)), (how, str(refusal))
        if count == wanted:
            break
    return count


@pytest.mark.parametrize("kind", TYPES)
def test_two_hundred_malformed_files_are_two_hundred_sentences(kind, tmp_path):
    assert refused(kind, tmp_path, COUNT) == COUNT
    assert TYPES[kind][-1](original(kind), f"good.{kind}", tmp_path / "new"), "and a good one is taken"


@pytest.mark.long
@pytest.mark.parametrize("kind", TYPES)
def test_thousands_of_malformed_files_are_as_many_sentences(kind, tmp_path):
    for seed in range(10):
        (tmp_path / str(seed)).mkdir()
        assert refused(kind, tmp_path / str(seed), 2 * COUNT, seed) == 2 * COUNT


@pytest.mark.parametrize("kind, place", [(kind, TYPES[kind]) for kind in TYPES] + [("mid", TYPES["abc"])])
def test_a_page_answers_a_malformed_file_with_one_sentence(kind, place):
    page, uploader, chosen, _ = place
    test = app(f"pages/{page}.py")
    for key, value in chosen.items():
        test.session_state[key] = value
    settled(test.run(), page)

    def brought(name: str, content: bytes) -> list[str]:
        test.file_uploader(key=uploader).upload(name, content, "application/octet-stream").run()
        said = refusals(settled(test, page))
        assert not any(re.search(r"(?<!\\)[<*_`]", text) for text in said), f"{said} would not be shown as it is"
        return [re.sub(r"\\(.)", r"\1", text) for text in said]

    def there() -> object:
        made = f"_made {page}"
        return Library().takes() if kind == "zip" else made in test.session_state and test.session_state[made].number

    for how, name, content in mutants(kind, SHOWN, seed=8):
        before = there()
        said = brought(name, content)
        assert len(said) <= 1 and all(map(is_a_sentence, said)), (how, said)
        assert (there() == before) == bool(said) or kind == "zip", f"{how}: {name} was neither taken nor refused"
        assert there() == before or not said, f"{how}: {name} was refused and changed something"
    assert not brought(f"good.{kind}", original(kind)) and there(), "and after all that a good one is taken"


def test_a_song_too_long_to_be_played_is_a_sentence_too(monkeypatch):
    monkeypatch.undo()
    slow = replace(tune(3, tempo=6.0), tracks=tuple(t.with_notes([*t.notes, Note(196, 4, 50)]) for t in tune(3).tracks))
    test = app("pages/variation.py")
    test.session_state["variation_source"] = "A file of mine"
    test.run().file_uploader(key="variation_file").upload("slow.mid", write_midi(slow), "audio/midi").run()
    assert any("at most 30 can be played" in text for text in refusals(settled(test, "variation")))


def test_an_abc_file_may_be_as_large_as_its_uploader_says_and_one_tune_is_read_within_seconds():
    tune_of_it, book = b"X:1\nK:C\n" + b"C D E F|" * 8, SONG_MIB * 2**20
    assert read_any(File("book.abc", (tune_of_it + b"\n\n").ljust(book, b"%"))).notes
    with pytest.raises(RequestError, match=f"larger than {SONG_MIB} MiB"):
        read_any(File("book.abc", (tune_of_it + b"\n\n").ljust(book + 1, b"%")))
    with pytest.raises(RequestError, match="most that is taken of one tune"):
        read_any(File("long.abc", b"X:1\nK:C\n" + b"CDEF GABc|\n" * 100_000))
