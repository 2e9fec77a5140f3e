"""What each part of Band adds: folds that share no song, the player without a plan, and a small measurement."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import band
from tests import tiny_data
from training.band import ablation, critic
from training.core.critic import FEATURES, Sample
from training.core.critic.judge import told_by_folds


def sample(features: np.ndarray, song: np.ndarray) -> Sample:
    return Sample(features.astype(np.float32), song, np.full(len(song), "rock"))


def test_songs_that_differ_from_each_other_alone_are_not_told() -> None:
    rng = np.random.default_rng(0)
    songs = np.repeat(np.arange(20), 6)
    alike = [sample(rng.standard_normal((20, len(FEATURES)))[songs], songs) for _ in range(2)]
    right, area = told_by_folds(*alike)
    assert abs(right - 0.5) < 0.25 and abs(area - 0.5) < 0.3, "a song in two folds would tell itself"
    apart = sample(alike[1].features + 8, songs)
    assert told_by_folds(alike[0], apart) == (1.0, 1.0)


def test_the_player_alone_plays_each_seed_again() -> None:
    play = critic.band(band.load(), ablation.alone)
    one, two = (list(play(["jazz", "rock"], 4, (5, 6))) for _ in range(2))
    assert one == two and one[0] != one[1] and all(song.notes for song in one)


@pytest.mark.training
def test_a_small_measurement_has_a_row_for_each_part(tmp_path: Path, capsys, monkeypatch) -> None:
    tiny_data.as_npz(tiny_data.songs(bars=80), tmp_path / "songs.npz")
    rows = {name: parts for name, parts in ablation.PARTS.items() if parts[0] == parts[1]}
    monkeypatch.setattr(ablation, "PARTS", rows)
    figures = ablation.measure(band.load(), tmp_path / "songs.npz", 16, 0)
    said = capsys.readouterr().out
    assert figures.keys() == rows.keys() and all(f"| {name} |" in said for name in rows)
    assert all(0 <= row[which] <= 1 for row in figures.values() for which in ("right", "area"))
