"""The report: a table a system from the committed figures, what is missing is said; measured in small from data."""

import json
import re

import pytest

from engine import CHECKPOINTS
from engine.core import checkpoint
from engine.systems import PLAYED_BY, SYSTEMS
from training import report
from training.__main__ import main
from training.melody.prepare import music21_files
from training.report_rows import figures_of, playing, summary, trombone


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """What the report would run, and a root of its own to write to."""
    made = []

    def launch(name, command, words):
        made.append((name, command, words))
        return 90.0, name != "trombone"

    monkeypatch.setattr(report, "launch", launch)
    monkeypatch.setattr(report, "ROOT", tmp_path)
    monkeypatch.setattr(report.checkpoint, "update", lambda folder, **facts: made.append((folder.name, facts)))
    return made


def test_every_system_has_its_table_the_seeds_result_and_its_cards_figures():
    text = report.gather(report.tables(list(report.SYSTEMS), CHECKPOINTS), CHECKPOINTS)
    parts = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert list(parts) == [name.capitalize() for name in report.SYSTEMS] and parts.keys() >= {
        *map(str.capitalize, SYSTEMS.keys() - PLAYED_BY)
    }
    for part in parts.values():
        head, _, *rows = part.partition("<details>")[0].strip().partition("\n\n")[0].splitlines()
        assert head == "|  | ours | real, held out | beside it | aim |" and len(rows) >= 5
        assert all(len(row.split("|")) == 7 and row.split("|")[2].strip() for row in rows)
        assert "\nThe seed project: " in part and re.search(r"<details>.*\| .*</details>", part, re.DOTALL)
    test = json.loads((CHECKPOINTS / "melody" / "config.json").read_text())["metrics"]["test"]
    assert f"| {test['shipped']['accuracy']:.1%} |" in parts["Melody"] and "54%" in parts["Melody"]
    for picture in re.findall(r"\]\((\S+\.png)\)", text):
        assert (CHECKPOINTS.parent / picture).is_file()


def test_an_aim_that_was_missed_is_said():
    found = checkpoint.read_config(CHECKPOINTS / "trombone")["metrics"]
    better = {**found, "generated": {**found["generated"], "within_25_cents": 0.96}}
    worse = {**found, "generated": {**found["generated"], "within_25_cents": 0.94}}
    assert trombone({"trombone": better})[0][-1] == "95%: reached"
    assert trombone({"trombone": worse})[0][-1] == "95%: **missed**"


def test_the_part_that_is_played_least_like_songs_is_named():
    parts = [("bass on one", 0.8, 0.9), ("rhythm kept, guitar", 0.5, 0.45), ("line leaps, piano", 0.25, 0.2),
             ("drum bar again", 0.2, 0.4)]  # fmt: skip
    assert playing(parts)[1::3] == ("20.0 % (line leaps, piano)", "within 15 %: **missed**")
    assert playing(parts[:2])[1::3] == ("12.5 % (bass on one)", "within 15 %: reached")


def test_weights_that_were_never_measured_are_said_to_be():
    configs = {"k8": {"metrics": {}}, "k64": {"steps": 1}}
    said = summary(figures_of("variation", configs))
    assert said.startswith("Not all of its weights are measured yet.\n\nThe seed project: ")


def test_without_data_it_says_in_one_sentence_what_to_do_and_writes_nothing(calls, tmp_path, capsys):
    assert main(["report", "--data", str(tmp_path / "none"), "--prepared", str(tmp_path / "none")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and str(tmp_path / "none") in said and "--data" in said
    assert not calls and not (tmp_path / "EVALUATION.md").exists()


def test_what_is_missing_is_prepared_once_and_what_fails_or_has_no_data_keeps_its_figures(calls, tmp_path, capsys):
    data, prepared = tmp_path / "data", tmp_path / "prepared"
    (data / "audio").mkdir(parents=True)
    (prepared / "player").mkdir(parents=True)
    (prepared / "player" / "facts.json").touch()
    assert main(["report", "--data", str(data), "--prepared", str(prepared)]) == 1
    runs = [call[:2] for call in calls if len(call) == 3]
    assert runs == [("player", "evaluate"), ("trombone", "prepare"), ("translation", "prepare"),
                    ("translation", "evaluate")]  # fmt: skip
    said = capsys.readouterr().err
    assert all(f"{name} keeps its last figures" in said for name in ("band", "variation", "melody"))
    assert "trombone failed" in said
    stamped = [call for call in calls if len(call) == 2]
    assert stamped[0][0] == "player" and "trombone" not in dict(stamped)
    told = dict(stamped)["player"]["measured"]
    assert told["minutes"] == 1.5 and told["command"] == "python -m training evaluate player"
    assert str(tmp_path) not in json.dumps(told)
    text, data = ((tmp_path / f"EVALUATION.{ending}").read_text() for ending in ("md", "json"))
    for name, system in json.loads(data).items():
        assert f"## {name.capitalize()}" in text and system["rows"]
        assert all(" | ".join(row.values()) in text for row in system["rows"])


@pytest.mark.training
def test_a_small_evaluation_prepares_measures_and_leaves_the_weights_alone(tmp_path, capfd):
    """Melody, from the first tunes of a collection that comes with music21."""
    tunes = music21_files()[0].read_text("utf-8", errors="replace").split("\nX:")[:40]
    (tmp_path / "abc").mkdir()
    (tmp_path / "abc" / "tunes.abc").write_text("\nX:".join(tunes))
    before = {path: path.read_bytes() for path in (CHECKPOINTS / "melody").iterdir()}
    places = ["--data", str(tmp_path), "--prepared", str(tmp_path / "p"), "--run", str(tmp_path / "r")]
    assert main(["report", "--quick", "--system", "melody", *places]) == 0
    said = capfd.readouterr().out
    table = said.partition("## Melody")[2]
    assert "| of 4 tunes whole, every bar full | 100.0% |" in table
    assert "`python -m training evaluate melody --tunes 4`, 20" in table
    assert (tmp_path / "p" / "melody" / "test.abc").exists()
    assert {path: path.read_bytes() for path in (CHECKPOINTS / "melody").iterdir()} == before
