"""What Band plays, measured: rolls and copies worked out by hand, and a small evaluation from invented songs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine import CHECKPOINTS, band
from engine.core.key import key_shift
from tests import tiny_data
from training.__main__ import main
from training.band import critic, measures
from training.band.genres import GENRES, features
from training.core.critic import Phrase
from training.report_rows import figures_of


def phrase(*notes: tuple[int, int, int, int], bars: int = 2) -> Phrase:
    """Notes as (track, sixteenth, how many it lasts, pitch)."""
    track, step, length, pitch = np.array(notes).T
    return Phrase(bars, track, step * 6, length * 6, pitch, np.full(len(notes), 80))


@pytest.fixture(scope="module")
def phrases() -> list[Phrase]:
    rng = np.random.default_rng(0)
    return [each for song in tiny_data.songs() for each in critic.phrases_of(song, 8, 1, rng)]


def test_the_key_is_found_in_every_transposition() -> None:
    scale = np.zeros(12)
    scale[[0, 2, 4, 5, 7, 9, 11]] = [5, 2, 4, 2, 4, 2, 1]
    assert [(key_shift(np.roll(scale, k)) + k) % 12 for k in range(12)] == [0] * 12


def test_rolls_are_on_the_grid_in_c_and_a_drum_sounds_once() -> None:
    d_major = [(1, 4 * n, 4, pitch) for n, pitch in enumerate((62, 66, 69, 62, 67, 61, 69, 62))]
    rolls = measures.rolls_of([phrase((0, 0, 8, 36), *d_major)])
    assert rolls.shape == (1, 2, 5, 2, 16, 72)
    assert rolls[0, 0, 0].sum((1, 2)).tolist() == [1, 1] and rolls[0, 0, 0, 0, 0, 36 - 24]
    onset, held = rolls[0, :, 1, 0], rolls[0, :, 1, 1]
    assert set(np.flatnonzero(onset.any((0, 1))) + 24) == {60, 64, 67, 65, 59}
    assert onset.sum() == 8 and held.sum() == 32 and (held >= onset).all()


def test_two_bars_are_a_copy_in_whatever_key_and_with_the_same_drums() -> None:
    notes = [(1, n, 1, 60 + n % 5) for n in range(0, 32, 2)]
    known = set(measures.two_bars(phrase((0, 0, 1, 36), *notes)))
    assert len(known) == 1

    def copied(*changed: tuple[int, int, int, int]) -> float:
        return measures.copies([phrase(*changed)], known)

    assert copied((0, 0, 1, 36), *((t, s, 2, p + 5) for t, s, _, p in notes)) == 1
    assert copied((0, 0, 1, 38), *notes) == copied((0, 0, 1, 36), *notes[:-1]) == 0
    assert copied((0, 0, 1, 36), *((3, *note[1:]) for note in notes)) == 0
    assert np.isnan(copied(*notes[:4])), "too few to be called a copy"


def test_shuffled_tracks_fit_worse(phrases: list[Phrase]) -> None:
    rolls = measures.rolls_of(phrases)
    assert measures.harmony(rolls) < measures.harmony(measures.shuffled(rolls))


def test_features_see_every_track_and_not_the_order_of_phrases(phrases: list[Phrase]) -> None:
    rolls = measures.rolls_of(phrases[:6])
    table = features(rolls)
    assert np.isfinite(table).all() and np.array_equal(features(rolls[::-1])[::-1], table)
    for t in range(5):
        changed = rolls.copy()
        changed[:, :, t] = 0
        changed[:, 1, t, :, 5, 40] = 1
        assert (np.abs(features(changed) - table).max(1) > 0).all()


def test_variety_is_how_far_phrases_of_a_genre_lie_apart() -> None:
    table, genre = np.array([[0.0, 0.0], [3.0, 4.0], [9.0, 9.0], [9.0, 9.0]]), np.array(["a", "a", "b", "b"])
    assert measures.variety(table, genre, np.ones(2)) == pytest.approx((5 + 0) / 2 / 2**0.5)
    assert measures.variety(table, genre, np.full(2, 5.0)) == pytest.approx(1 / 2 / 2**0.5)


def test_form_is_told_of_pieces_and_of_endings() -> None:
    bar = [(3, 0, 4, 36), (3, 8, 4, 43)]
    again = phrase(*((t, s + 16 * b, n, p) for b in range(32) for t, s, n, p in bar), bars=32)
    figures = measures.form([again], (*measures.FORM, *measures.ENDINGS))
    assert figures["bars that return"] == pytest.approx(31 / 32) and figures["alike, 16 bars apart"] == 1
    assert figures["notes in the last bar"] == 1


@pytest.mark.training
def test_a_small_evaluation_prints_all_of_it_and_writes_the_card(tmp_path: Path, monkeypatch, capsys) -> None:
    tiny_data.as_npz(tiny_data.songs(bars=40), tmp_path / "songs.npz")
    config = json.loads((CHECKPOINTS / "band" / "config.json").read_text())
    folder = tmp_path / "band"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config | {"metrics": {}, "sha256": ""}))
    monkeypatch.setattr("training.band.steered.measure", lambda *_: dict(config["metrics"]["steered"]))
    monkeypatch.setattr("training.band.jams.measure", lambda *_: dict(config["metrics"]["jam"]))
    monkeypatch.setattr("training.band.ablation.measure", lambda *_: {"the player alone": {"right": 0.8, "area": 0.9,
                                                                                          "phrases": 8}})  # fmt: skip
    monkeypatch.setattr("training.band.steered.told", lambda *_: {"played freely": 0.9, "over given chords": 0.9,
                                                                 "phrases": 8})  # fmt: skip
    words = ["evaluate", "band", "--data", str(tmp_path), "--checkpoint", str(folder)]
    main([*words, "--judged", "16", "--known", "32", "--pieces", "2", "--anew", "8"])
    said = capsys.readouterr().out
    assert said.index("| with touch |") < said.index("| tonal distance between the tracks (TD) |")
    written = json.loads((folder / "config.json").read_text())
    assert written["sha256"] == band.load().sha256 and (folder / "README.md").read_text() in said
    rows = {row["measure"]: row for row in figures_of("band", {"band": written})["rows"]}
    assert {f"{genre} is heard as {genre}" for genre in GENRES} <= rows.keys()
    assert {"32 bars: bars that return", "told with touch", "bars in the longest loop of a jam",
            "empty bars, the worst track's gap"} <= rows.keys()
    assert all(row["ours"] for row in rows.values())
