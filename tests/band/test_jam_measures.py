"""Jams beside Band's pieces: what a loop is, and a small measurement of all of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from engine import band
from tests import tiny_data
from training.band import jams
from training.core.critic import Phrase


def phrase(*pitches: int) -> Phrase:
    """A note a bar of the piano, at another place for each pitch; 0 for none."""
    rows = [(1, 96 * bar + 6 * (pitch % 16), 6, pitch, 80) for bar, pitch in enumerate(pitches) if pitch]
    return Phrase(len(pitches), *np.array(rows, int).reshape(-1, 5).T)


@pytest.mark.parametrize(
    ("bars", "longest"),
    [((60, 61, 62, 63), 0), ((60, 60, 61, 62), 1), ((60, 61, 60, 61, 60), 3), ((60, 61, 62, 63, 61, 62), 2),
     ((60, 0, 0, 0, 61), 0)],
)  # fmt: skip
def test_a_loop_is_as_long_as_every_bar_is_the_one_so_many_bars_before(bars, longest) -> None:
    assert jams.loop(phrase(*bars)) == longest


@pytest.mark.training
def test_a_small_measurement_has_all_figures(tmp_path: Path, monkeypatch) -> None:
    tiny_data.as_npz(tiny_data.songs(bars=80), tmp_path / "songs.npz")
    monkeypatch.setattr(jams, "STYLES", ("rock",))
    monkeypatch.setattr(jams, "PIECE", 8)
    monkeypatch.setattr(jams, "compare", partial(jams.compare, iterations=3))
    figures = jams.measure(band.load(), tmp_path / "songs.npz", 0.6, 0)
    assert figures["minutes"] == 0.6 and figures["styles"] == ["rock"]
    assert all(0 <= figures[who][which] <= 1 for who in ("jam", "pieces") for which in ("score", "with touch"))
    assert figures["jam"]["windows"] >= 2 and 0 <= figures["loops"]["jams"] < 18 and figures["loops"]["songs"] >= 0
