"""Melodies: the top line, brought into range, tongued or legato; and the command line that plays them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine import RequestError, trombone
from engine.__main__ import main, run
from engine.core.midi import write_midi
from engine.core.pitch import loudness_db, octaves_into
from engine.core.request import File
from engine.core.song import Note, Song, Track
from engine.trombone.conditions import HIGHEST, LOWEST
from engine.trombone.phrasing import (
    Line,
    Played,
    dynamic_of,
    melody,
    perform,
    read_song,
    scale,
    top_line,
    velocity_of,
)
from engine.trombone.pitch import RATE, measured_cents

ABC = b"X:1\nT:Two bars\nM:4/4\nL:1/4\nK:D\nD E F G | A2 d2 |]\n"


def song(*notes: tuple[float, float, int], tempo: float = 120.0) -> Song:
    return Song((Track("lead", 57).with_notes(Note(*n) for n in notes),), tempo=tempo)


def test_the_top_line_drops_chords_and_accompaniment_but_keeps_repeated_notes() -> None:
    line = top_line([Note(0, 2, 60), Note(0, 2, 67), Note(1, 0.5, 48), Note(2, 1, 67), Note(2.5, 1, 69)])
    assert [(n.onset, n.duration, n.pitch) for n in line] == [(0, 2, 67), (2, 0.5, 67), (2.5, 1, 69)]


def test_octaves_keep_pitch_classes() -> None:
    assert octaves_into(np.array([72, 74, 84]), LOWEST, HIGHEST) == -1
    assert octaves_into(np.array([28, 30, 35]), LOWEST, HIGHEST) == 1
    assert octaves_into(np.array([41, 60, 76]), LOWEST, HIGHEST) == 0
    line = melody(song((0, 1, 96), (1, 1, 37), (2, 1, 99)))
    assert [n.midi % 12 for n in line.notes] == [0, 1, 3] and all(40 <= n.midi <= 76 for n in line.notes)
    assert any("octave" in remark for remark in line.remarks)


def test_times_follow_the_tempo_and_velocities_the_dynamic() -> None:
    slow, fast = (melody(song((0, 1, 60), (1, 2, 62)), tempo=t) for t in (60, 120))
    assert [n.start for n in slow.notes] == [2 * n.start for n in fast.notes]
    assert [n.seconds for n in slow.notes] == [1, 2]
    assert all(dynamic_of(velocity_of(d)) == pytest.approx(d, abs=0.1) for d in (0, 1, 2.5, 4))
    assert {n.dynamic for n in melody(song((0, 1, 60)), dynamic=4.0).notes} == {4.0}


def test_drums_alone_and_far_too_many_notes_are_refused() -> None:
    with pytest.raises(RequestError, match="no notes"):
        melody(Song((Track("drums", 0, True, (Note(0, 1, 36),)),)))
    with pytest.raises(RequestError, match="at most"):
        melody(song(*((i * 0.1, 0.1, 60) for i in range(2500))))
    with pytest.raises(RequestError, match="seconds"):
        melody(song((0, 1, 60), (3000, 1, 60)))


def test_abc_and_midi_are_told_apart_and_anything_else_is_refused(tmp_path: Path) -> None:
    assert [n.pitch for n in read_song(File("tune", ABC)).tracks[0].notes] == [62, 64, 66, 67, 69, 74]
    assert read_song(File("x", write_midi(song((0, 1, 60))))).notes == 1
    for junk in (b"", b"RIFF....WAVE", b"MThd broken", b"X:1\nK:C\n%%%"):
        with pytest.raises(RequestError):
            read_song(File("junk", junk))


def test_a_scale_stops_at_the_top_of_the_range() -> None:
    assert [n.midi for n in scale(58, 0.4, 2).notes] == [58, 60, 62, 63, 65, 67, 69, 70]
    short = scale(72, 0.4, 2)
    assert [n.midi for n in short.notes] == [72, 74, 76] and short.remarks


@pytest.fixture(scope="module")
def model() -> trombone.Model:
    return trombone.load()


def test_legato_joins_what_tonguing_parts_and_both_are_in_tune(model: trombone.Model) -> None:
    line = Line(tuple(Played(0.6 * i, 0.6, m, 2.0) for i, m in enumerate((55, 58, 62))), 0, (), 100.0)
    tongued, legato = (perform(model, line, seed=1, legato=joined).samples for joined in (False, True))
    dips = []
    for sound in (tongued, legato):
        assert np.abs(sound).max() < 0.999
        level = loudness_db(sound, np.ones(480), 160)
        dips.append(level[40:140].max() - level[55:66].min())  # around the first join, at 0.6 s
        for note in line.notes:
            at = round((note.start + 0.12) * RATE)
            cents = measured_cents(sound[at : at + round(0.35 * RATE)], note.midi)
            assert cents is not None and abs(cents) < 30
    assert dips[1] < dips[0] - 3, "legato hardly falls between the notes"


def test_the_command_line_plays_a_note_and_measures_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "note.wav"
    words = ["trombone", "--note", "Bb3", "--seconds", "0.5", "--dynamic", "f", "--seed", "7", "--json", "--out"]
    assert run([*words, str(out), "--out", str(tmp_path / "note.mid")]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[0])
    assert abs(said["cents"]) < 25 and said["times_real_time"] > 0 and out.stat().st_size == 44 + 2 * 8000
    assert read_song(File("note.mid", (tmp_path / "note.mid").read_bytes())).tracks[0].notes[0].pitch == 58


def test_the_command_line_plays_a_tune(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tune.abc").write_bytes(ABC)
    out = tmp_path / "tune.wav"
    assert run(["trombone", "--input", str(tmp_path / "tune.abc"), "--tempo", "240", "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[0])
    assert said["notes"] == 6 and said["length"] == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize(
    "words",
    ["--note 20", "--note 58 --seconds 0", "--note 58 --seconds 3600", "--note 58 --dynamic fff", "--input no.mid"],
)
def test_the_command_line_refuses_in_one_line(
    words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["engine", "trombone", *words.split(), "--out", "x.wav"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1 and not (tmp_path / "x.wav").exists()
