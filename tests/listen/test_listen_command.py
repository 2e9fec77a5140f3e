"""`python -m engine listen`: what it writes and prints, and what it refuses with nothing written."""

import json

import numpy as np
import pytest
import soundfile

from engine import RequestError
from engine import __main__ as cli
from engine.core.audio import write_wav
from engine.core.midi import read_midi, write_midi
from engine.core.song import Note, Song, Track
from tests.listen.sounds import TUNE, line

CHORDS = ([57, 60, 64, 67], [53, 57, 60, 65])  # Am7, F
ABC = b'X:1\nT:Two\nM:4/4\nL:1/4\nK:G\n"G"G B "D7"A F|"G"G4|\n'


@pytest.fixture
def hum(tmp_path):
    path = tmp_path / "hum.wav"
    path.write_bytes(write_wav(line(TUNE, [0.5] * len(TUNE))))
    return path


def run(capsys, *words) -> dict:
    capsys.readouterr()
    assert cli.run(["listen", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_hum_becomes_a_file_of_its_own_seconds(hum, tmp_path, capsys):
    said = run(capsys, "--input", hum, "--out", tmp_path / "tune.mid", "--out", tmp_path / "tune.musicxml")
    song = read_midi(tmp_path / "tune.mid")
    at = song.clock()
    assert [note.pitch for note in song.tracks[0].notes] == TUNE == [note["pitch"] for note in said["notes"]]
    assert [at(note.onset) for note in song.tracks[0].notes] == pytest.approx(
        [note["onset"] for note in said["notes"]], abs=0.005
    )
    assert np.diff([note["onset"] for note in said["notes"]]) == pytest.approx(0.5, abs=0.05)
    assert said["key"] == "D major" and said["tempo"] == pytest.approx(120, rel=0.03)
    assert np.diff(said["beats"]) == pytest.approx(0.5, rel=0.1)
    assert said["abc"] == "D2 F2 A2 A2|G2 G2 F2 D2|"
    assert (tmp_path / "tune.musicxml").read_bytes().startswith(b"<?xml")


def test_a_click_gives_its_tempo(hum, tmp_path, capsys):
    assert run(capsys, "--input", hum, "--tempo", 60, "--out", tmp_path / "tune.mid")["tempo"] == 60
    song = read_midi(tmp_path / "tune.mid")
    assert song.tempo == pytest.approx(60)
    assert np.diff([note.onset for note in song.tracks[0].notes]).tolist() == [0.5] * (len(TUNE) - 1)


def test_the_chords_of_a_song_are_named_where_they_begin(tmp_path, capsys):
    notes = [Note(2.0 * i, 2, pitch) for i, chord in enumerate(CHORDS * 2) for pitch in chord]
    (tmp_path / "song.mid").write_bytes(write_midi(Song((Track("piano").with_notes(notes),))))
    (tmp_path / "tune.abc").write_bytes(ABC)
    assert run(capsys, "--input", tmp_path / "song.mid")["chords"] == [[0, "Am7"], [2, "F"], [4, "Am7"], [6, "F"]]
    (tmp_path / "bass.abc").write_bytes(b'X:1\nM:4/4\nL:1/4\nK:C\n"G7/B"G4|"F"F2"N.C."z2|]\n')
    assert run(capsys, "--input", tmp_path / "bass.abc")["chords"] == [[0, "G7"], [4, "F"], [6, "N.C."]]
    written = run(capsys, "--input", tmp_path / "tune.abc")
    assert written["chords"] == [[0, "G"], [2, "D7"], [4, "G"]] and written["key"] == "G major"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--input", "silent.wav", "--out", "t.mid"], "silent.wav is silent"),
        (["--input", "long.flac", "--out", "t.mid"], "long.flac is longer than 10 minutes"),
        (["--input", "hum.wav", "--out", "t.mid", "--tempo", "3"], "from 30 to 300, not 3"),
        (["--input", "hum.wav", "--out", "t.mid", "--tempo", "nan"], "from 30 to 300, not nan"),
        (["--input", "hum.wav", "--out", "t.mid", "--tune-number", "2"], "without a book"),
        (["--input", "hum.wav", "--out", "t.xyz"], "not a format"),
        (["--input", "hum.wav"], "Nothing would be kept"),
        (["--input", "tune.abc", "--tempo", "90", "--json"], "notes already"),
        (["--input", "text.txt", "--json"], "text.txt is not audio"),
    ],
)
def test_what_cannot_be_heard_is_one_sentence_and_nothing_is_written(words, why, hum, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    soundfile.write("silent.wav", np.zeros(32_000), 16_000)
    soundfile.write("long.flac", np.resize(np.sin(np.arange(80) / 5), 601 * 4_000), 4_000)
    (tmp_path / "tune.abc").write_bytes(ABC)
    (tmp_path / "text.txt").write_text("A letter, and no music.")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(RequestError, match=why):
        cli.run(["listen", *words])
    assert sorted(tmp_path.iterdir()) == before
