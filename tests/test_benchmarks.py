"""The cost table: its rows are read whatever a part compares with, a part that fails is named, a plain way agrees."""

import pytest

import benchmarks.__main__ as bench
from benchmarks import table
from benchmarks import variation as plain_variation
from engine import ROOT
from engine.variation import load, variations
from engine.variation.request import PATH
from tests.variation.songs import vary


def test_rows_are_read_back_as_printed_and_one_of_three_cells_compares_with_nothing(capsys):
    table.head()
    table.row("4 bars", "5 ms", "bar by bar: 9 ms", "50 ms")
    table.row("loading", "9 ms")
    print("| what | measured | limit |\n|---|---|---|\n| memory | 600 MB | 1200 MB |\nsome other words")
    assert table.rows(capsys.readouterr().out) == [
        ("4 bars", "5 ms", "bar by bar: 9 ms", "50 ms"),
        ("loading", "9 ms", "", ""),
        ("memory", "600 MB", "", "1200 MB"),
    ]


def test_every_part_is_a_benchmark_and_every_benchmark_a_part():
    files = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    assert files == {*bench.PARTS, "__main__", "table", "abc_corpus", "memory"}


def test_a_part_that_fails_is_named_and_the_others_stand(monkeypatch, capsys):
    measured = {"band": ([("4 bars", "5 ms", "", "")], ""), "cold": ([], "no weights")}
    monkeypatch.setattr(bench, "measure", measured.__getitem__)
    assert bench.main(["band", "cold"]) == 1
    said = capsys.readouterr()
    assert "| band | 4 bars | 5 ms |  |  |" in said.out and "cold: no weights" in said.err


def test_the_plain_way_plays_the_same_notes(monkeypatch):
    model, song = load(PATH / "k8", "cpu"), plain_variation.band(4)
    together = vary(model, song, noise=0.7, seed=1)
    monkeypatch.setattr(variations, "encoded", plain_variation.encoded)
    monkeypatch.setattr(variations, "decoded", plain_variation.decoded)
    assert vary(model, song, noise=0.7, seed=1) == together != song


def test_help_names_the_parts_and_nothing_else(capsys):
    for words, status in ((["--help"], 0), (["kazoo"], 2)):
        with pytest.raises(SystemExit) as left:
            bench.main(words)
        said = "".join(capsys.readouterr())
        assert left.value.code == status and "[]" not in said and all(part in said for part in bench.PARTS)
