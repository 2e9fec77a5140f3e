"""The library of takes: whole or absent, shared by many, found again, deleted with undo, carried in a zip."""

import io
import json
import multiprocessing
import os
import signal
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from engine import RequestError, variation
from engine.core.audio import Audio
from engine.core.midi import write_midi
from engine.core.request import File
from engine.core.result import Result
from engine.core.song import Note, Song, Track
from engine.takes import archive as takes_zip
from engine.takes import library as takes
from engine.takes.library import Library
from tests.studio import kept_as


def made(pitch=60):
    song = Song((Track("piano", 0, False, (Note(0, 1, pitch), Note(1, 0.5, pitch + 4))),), 90.0)
    return kept_as(7, "f" * 64, song=song, texts={"abc": b"X:1\nK:C\nCE|\n", "svg": lambda: b"<svg/>"})


@pytest.fixture
def library(tmp_path):
    return Library(tmp_path / "library")


def test_what_is_kept_is_found_again_by_another_library(library):
    sound = Audio(np.linspace(-0.5, 0.5, 800, dtype=np.float32), 16_000)
    parent = library.keep(made())
    asked = variation.Request(input=File("song.MID", b"MThd"), seed=3)
    take = library.keep(Result(request=asked, audio=sound), parents=[parent.id])
    again = Library(library.folder).get(take.id)
    assert again == take and again.recipe == take.recipe and again.files == ("input.mid", "sound.flac")
    assert np.abs(library.audio(again).samples - sound.samples).max() < 1e-4 and library.song(again) is None
    assert library.song(parent).tracks[0].notes == made().song.tracks[0].notes
    assert library.read(parent, "text.abc").startswith(b"X:1") and "text.svg" not in parent.files
    assert [t.id for t in library.lineage(again.parents)] == [parent.id]
    assert parent.name == "Jazz, seed 7"


def test_rename_star_tag_and_search(library):
    a, b = library.keep(made(), name="Night bus"), library.keep(made(62), name="100% morning_dew")
    library.rename(a.id, "  Late\nbus <b> ")
    library.star(a.id)
    library.tag(b.id, ["slow", "slow", " ", "for Ana"])
    assert library.get(a.id).name == "Late bus <b>" and library.get(b.id).tags == ("slow", "for Ana")
    names = lambda *args, **more: [take.name for take in library.takes(*args, **more)]  # noqa: E731
    assert names() == ["100% morning_dew", "Late bus <b>"]
    assert names("bus LATE") == ["Late bus <b>"] and names("ana") == ["100% morning_dew"] and names("band") == names()
    assert names("0%") == ["100% morning_dew"] and names("g_d") == ["100% morning_dew"] and names("x_x") == []
    assert names(starred=True) == ["Late bus <b>"]
    with pytest.raises(RequestError, match="needs a name"):
        library.rename(a.id, " \n ")


def test_delete_is_undone(library):
    take = library.keep(made())
    library.delete(take.id)
    assert library.takes() == [] and [t.id for t in library.takes(deleted=True)] == [take.id]
    library.restore(take.id)
    assert library.takes() == [take]


def test_what_was_deleted_long_ago_is_swept_with_its_files(library, monkeypatch):
    old, new = library.keep(made()), library.keep(made())
    library.delete(old.id)
    later = time.time() + 31 * 86_400
    monkeypatch.setattr(takes.time, "time", lambda: later)
    again = Library(library.folder)
    assert [path.name for path in again.files.iterdir()] == [new.id] and again.takes(deleted=True) == []


def test_a_full_disk_loses_nothing(library, monkeypatch):
    kept = library.keep(made())

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(takes.os, "fsync", full)
    with pytest.raises(RequestError, match="No space left on device"):
        library.keep(made())
    monkeypatch.undo()
    assert Library(library.folder).takes() == [kept] and [p.name for p in library.files.iterdir()] == [kept.id]


def test_a_row_that_is_not_taken_leaves_no_files(library, monkeypatch):
    connect = takes.sqlite3.connect

    def broken(*args, **more):
        database = connect(*args, **more)
        database.execute("pragma query_only = on")
        return database

    monkeypatch.setattr(takes.sqlite3, "connect", broken)
    with pytest.raises(RequestError, match="Nothing was lost"):
        library.keep(made())
    assert list(library.files.iterdir()) == []


def test_nothing_is_refused(library):
    silence = Audio(np.zeros(800, np.float32), 16_000)
    for nothing in (kept_as(), kept_as(song=Song((Track("piano", 0, False, ()),))), kept_as(audio=silence)):
        with pytest.raises(RequestError, match="nothing to keep"):
            library.keep(nothing)
    with pytest.raises(RequestError, match="no longer"):
        library.get("0" * 32)


def _keep_for_ever(folder):
    library = Library(folder)
    while True:
        library.keep(made())


@pytest.mark.process
def test_a_killed_process_leaves_only_whole_takes(tmp_path):
    writer = multiprocessing.get_context("spawn").Process(target=_keep_for_ever, args=(tmp_path,))
    writer.start()
    library = Library(tmp_path)
    deadline = time.time() + 60
    while len(library.takes()) < 20 and time.time() < deadline:
        time.sleep(0.02)
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    found = Library(tmp_path).takes()
    assert len(found) >= 20
    for take in found:
        assert library.song(take).notes == 2


def test_many_at_once_disturb_nothing(library):
    def one(n):
        take = Library(library.folder).keep(made(40 + n), name=f"take {n}")
        Library(library.folder).star(take.id, n % 2 == 0)
        return take.id

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(one, range(40)))
    assert len(set(ids)) == 40 and len(library.takes(starred=True)) == 20


def test_a_zip_carries_takes_to_another_library(library, tmp_path):
    parent = library.keep(made(), name="One")
    library.star(parent.id)
    library.tag(parent.id, ["a", "b"])
    child = library.keep(made(64), parents=[parent.id])
    content = takes_zip.export(library, library.takes())
    assert content == takes_zip.export(library, library.takes())
    other = Library(tmp_path / "other")
    assert len(takes_zip.unpack(other, content)) == 2 and takes_zip.unpack(other, content) == []
    assert other.takes() == library.takes() and other.takes()[1].tags == ("a", "b")
    assert [t.id for t in other.lineage(other.get(child.id).parents)] == [parent.id]
    assert other.read(parent, "song.mid") == library.read(parent, "song.mid")


def test_the_same_zip_brought_by_two_tabs_at_once_comes_in_once_and_whole(library, tmp_path):
    for n in range(12):
        library.keep(made(40 + n))
    content = takes_zip.export(library, library.takes())
    other = Library(tmp_path / "other")
    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(lambda _: takes_zip.unpack(Library(other.folder), content), range(4)))
    assert sum(map(len, added)) == 12 and other.takes() == library.takes()
    assert all(other.song(take).notes == 2 for take in other.takes()), "a take lost its files to the other tab"
    assert not [path for path in other.files.iterdir() if path.name.startswith(".")]


def test_a_deleted_take_comes_back_from_its_export(library):
    take = library.keep(made())
    content = takes_zip.export(library, [take])
    library.delete(take.id)
    assert takes_zip.unpack(library, content) == [take] and library.takes() == [take]


def test_a_folder_that_a_crash_left_does_not_keep_its_take_out(library, tmp_path):
    take = library.keep(made())
    content = takes_zip.export(library, [take])
    other = Library(tmp_path / "other")
    (other.files / take.id).mkdir()
    (other.files / take.id / "song.mid").write_bytes(b"half of")
    assert takes_zip.unpack(other, content) == [take] and other.song(take).notes == 2


def _zip(head, files=()):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("takes.json", head if isinstance(head, str) else json.dumps(head))
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


ENTRY = {
    **{"id": "a" * 32, "name": "x", "system": "band", "settings": {}, "seed": 1, "checkpoint": "", "parents": []},
    **{"made": "2026", "starred": False, "tags": [], "files": ["song.mid"]},
}
FILE, GOOD = "a" * 32 + "/song.mid", write_midi(made().song)
BAD_ZIPS = {
    "no zip": b"MThd",
    "empty": b"",
    "no head": _zip("{}"),
    "no json": _zip("{"),
    "newer": _zip({"format": 2, "takes": []}),
    "a path as id": _zip({"format": 1, "takes": [ENTRY | {"id": "../../x"}]}, [("../../x/song.mid", "x")]),
    "a path as file": _zip(
        {"format": 1, "takes": [ENTRY | {"files": ["../song.mid"]}]}, [("a" * 32 + "/../song.mid", "x")]
    ),
    "a file that is not there": _zip({"format": 1, "takes": [ENTRY]}),
    "a bomb": _zip({"format": 1, "takes": [ENTRY]}, [("a" * 32 + "/song.mid", bytes(600 * 2**20))]),
    "music that cannot be read": _zip({"format": 1, "takes": [ENTRY]}, [(FILE, b"MThd")]),
    "a seed beyond counting": _zip({"format": 1, "takes": [ENTRY | {"seed": 2**63}]}, [(FILE, GOOD)]),
    "half a character": _zip({"format": 1, "takes": [ENTRY | {"settings": {"key": "\ud800"}}]}, [(FILE, GOOD)]),
    "no number": _zip({"format": 1, "takes": [ENTRY | {"settings": {"noise": float("nan")}}]}, [(FILE, GOOD)]),
    "a novel": _zip({"format": 1, "takes": [ENTRY | {"settings": {"start": "A" * 99_999}}]}, [(FILE, GOOD)]),
}


@pytest.mark.parametrize("case", BAD_ZIPS)
def test_hostile_zips_are_refused_and_add_nothing(library, case):
    with pytest.raises(RequestError, match=r"^(“x” in )?upload\.zip .*\.$"):
        takes_zip.unpack(library, BAD_ZIPS[case], name="upload.zip")
    assert library.takes() == [] and list(library.files.iterdir()) == []
