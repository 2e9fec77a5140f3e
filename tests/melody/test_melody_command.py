"""Melody on the command line: every format, files in, refusals, what can be asked for."""

import json

import pytest

from engine import RequestError
from engine.__main__ import listing, run
from engine.core.midi import read_midi
from engine.melody.abc.canonical import read_tunes
from tests.melodies import TUNES


def test_the_command_line_writes_every_format(tmp_path, capsys):
    outs = [tmp_path / f"tune.{ending}" for ending in ("abc", "mid", "musicxml", "svg", "npz")]
    arguments = ["melody", "--key", "D", "--meter", "6/8", "--seed", "7", "--type", "jig", "--bars", "16", "--json"]
    assert run(arguments + [part for out in outs for part in ("--out", str(out))]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["settings"]["key"] == "D" and report["bars"] == 16
    tune = read_tunes(outs[0])[0]
    assert (tune.key, tune.meter, tune.kind) == ("D", "6/8", "jig")
    assert outs[1].read_bytes()[:4] == b"MThd" and b"<score-partwise" in outs[2].read_bytes()
    assert outs[3].read_bytes().startswith(b"<svg")
    again = tmp_path / "again.abc"
    run([*arguments[:-1], "--out", str(again)])
    assert again.read_bytes() == outs[0].read_bytes()


def test_a_tune_of_a_file_is_played_and_engraved_and_a_faulty_one_is_refused(tmp_path, capsys):
    path, out = tmp_path / "mine.abc", tmp_path / "mine.mid"
    path.write_text("X:1\nT:Mine\nM:3/4\nL:1/4\nK:D\nABc|d3|]\n")
    assert run(["melody", "--input", str(path), "--out", str(out), "--transpose=-2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Mine"
    assert [note.pitch for note in read_midi(out).tracks[0].notes] == [67, 69, 71, 72]
    path.write_text("X:1\nM:4/5\nK:D\nABc|d3|]\n")
    with pytest.raises(RequestError, match="line 2, column 3"):
        run(["melody", "--input", str(path), "--out", str(tmp_path / "never.mid")])
    assert not (tmp_path / "never.mid").exists()


def test_a_tune_of_a_book_is_had_by_its_number_and_without_one_it_is_said_that_there_are_more(tmp_path, capsys):
    path, out = tmp_path / "book.abc", tmp_path / "two.mid"
    path.write_text("X:1\nT:One\nL:1/4\nK:C\nC4|]\n\nX:2\nT:Two\nL:1/4\nK:C\nD4|]\n")
    assert run(["melody", "--input", str(path), "--tune-number", "2", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Two"
    assert [note.pitch for note in read_midi(out).tracks[0].notes] == [62]
    assert run(["melody", "--input", str(path), "--out", str(out)]) == 0
    assert "2 tunes" in capsys.readouterr().err
    with pytest.raises(RequestError, match="no tune 3"):
        run(["melody", "--input", str(path), "--tune-number", "3", "--out", str(tmp_path / "never.mid")])


def test_count_makes_numbered_tunes_and_forms_are_read(tmp_path):
    run(["melody", "--count", "3", "--form", "AAB", "--no-chord-symbols", "--out", str(tmp_path / "t.abc")])
    bodies = {path.read_text() for path in tmp_path.glob("t-*.abc")}
    assert len(bodies) == 3


def test_score_answers_in_json_and_makes_nothing(tmp_path, capsys):
    path = tmp_path / "tunes.abc"
    path.write_text("\n\n".join(f"X:{i}\nT:No. {i}\n{t.header}{t.body}" for i, t in enumerate(TUNES)))
    assert run(["melody", "--score", str(path)]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["chars"] == sum(len(t.body) for t in TUNES)
    assert set(figures) == {"bits_per_char", "accuracy", "chars", "tunes"}


@pytest.mark.parametrize(
    "wrong",
    [
        ["--key", "H"], ["--meter", "4/5"], ["--start", "a b @"], ["--form", "XYZ"], ["--form", "BA"],
        ["--bars", "999"],
        ["--candidates", "0"], ["--program", "128"], ["--tempo", "1"], ["--transpose", "99"], ["--type", "tango"],
        ["--score", "nothing.abc"],
    ],
)  # fmt: skip
def test_the_command_line_refuses_and_writes_nothing(tmp_path, wrong):
    with pytest.raises(RequestError):
        run(["melody", "--out", str(tmp_path / "x.abc"), *wrong])
    assert list(tmp_path.iterdir()) == []


def test_list_says_what_can_be_asked_for():
    options = listing()["systems"]["melody"]["options"]
    assert {"jig", "reel", "hornpipe"} <= set(options["type"])
    assert options["unit"] == ["1/4", "1/8", "1/16"] and options["bars"] == (1, 64)
