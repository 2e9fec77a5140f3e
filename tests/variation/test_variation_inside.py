"""Inside Variation: bars are as alike as in variations that are made, numbers do what the decoder makes of them."""

import numpy as np
import pytest
import torch

from engine.core.song import Note, Song, Track
from engine.variation import inside
from engine.variation.bars import read
from engine.variation.codec import decoded, encoded, to_notes
from tests.studio import app, settled
from tests.variation.songs import asked, vary
from tests.variation.test_variation import model, small, tune  # noqa: F401 - fixtures


@pytest.mark.parametrize("fields", [{}, {"bars": (2, 3)}, {"frozen_tracks": ("bass", "drums")}])
def test_bars_are_as_alike_as_the_variation_that_is_made(small, fields):  # noqa: F811
    song = tune()
    found = inside.likeness(small, song, asked(seed=3, **fields), (0.0, 0.7, 2.0))
    assert found.bars == (1, 2, 3, 4) and found.shares.shape == (3, 4)
    before = read(song).rolls[:, :, 0]
    for level, shares in zip(found.levels, found.shares):
        after = read(vary(small, song, seed=3, noise=level, **fields)).rolls[:, :, 0]
        both = (before & after).sum((0, 2, 3))
        expected = 2 * both / (before.sum((0, 2, 3)) + after.sum((0, 2, 3)))
        np.testing.assert_allclose(shares, expected, atol=0.03)
    if "bars" in fields:
        assert (found.shares[:, [0, 3]] == 1).all() and (found.shares[1:, 1:3] < 1).all()


def test_the_more_noise_the_less_alike_with_the_shipped_weights(model):  # noqa: F811
    means = np.nanmean(inside.likeness(model, tune(), asked(seed=1), (0.0, 0.7, 2.0)).shares, 1)
    assert means[0] > means[1] > means[2]


def test_cousins_lie_where_the_variations_of_their_seeds_are(small):  # noqa: F811
    song = tune()
    grid = read(song)
    drums = np.array([family == "drums" for family in grid.families])
    for cousin in inside.cousins(small, song, asked(noise=1.5), (2, 5)):
        after = read(vary(small, song, seed=cousin.seed, noise=1.5)).rolls[:, :, 0]
        before = grid.rolls[:, :, 0]
        pitch = [np.nonzero(each[~drums])[-1].mean() for each in (before, after)]
        assert cousin.higher == pytest.approx(pitch[1] - pitch[0], abs=0.2)
        assert cousin.busier == pytest.approx(after.sum() / before.sum() - 1, abs=0.05)
        assert cousin.alike == pytest.approx(2 * (before & after).sum() / (before.sum() + after.sum()), abs=0.05)
    [same] = inside.cousins(small, song, asked(frozen_tracks=tuple(set(grid.families))), (1,))
    assert (same.higher, same.busier, same.alike) == (0, 0, 1)


def test_the_page_shows_cousins_around_the_song():
    test = settled(app("pages/variation.py").run(), "variation")
    assert test.number_input(key="variation_seed").value == 7
    test.session_state["variation_inside"] = True
    test.run()
    assert len(test.get("plotly_chart")) == 3 and not test.exception
    [shown] = [chart for chart in test.get("plotly_chart") if "more notes" in str(chart.proto.spec)]
    assert "the song" in shown.proto.spec


def test_a_bar_without_notes_is_alike_to_nothing(small):  # noqa: F811
    song = Song((Track("bass", 33).with_notes([Note(8, 1, 40)]),))
    assert np.isnan(inside.likeness(small, song, asked(), (0.0,)).shares[0, :2]).all()


def test_each_number_changes_what_the_decoder_says_it_does(small):  # noqa: F811
    song = tune()
    effects = inside.numbers(small, song, 1, 2)
    assert sorted(effect.number for effect in effects) == list(range(8))
    assert [e.changed for e in effects] == sorted((e.changed for e in effects), reverse=True)
    grid = read(song)
    mu = encoded(small, grid.families[1], grid.rolls[1, 2:3])[0]
    plain = to_notes(small, grid.families[1], decoded(small, grid.families[1], mu))[0, 0]
    effect = effects[0]
    step = torch.zeros_like(mu)
    step[0, effect.number] = small.deviation[grid.families[1]][effect.number]
    up, down = (to_notes(small, grid.families[1], decoded(small, grid.families[1], mu + sign * step))[0, 0]
                for sign in (1, -1))  # fmt: skip
    assert effect.changed == ((up != plain).sum() + (down != plain).sum()) / 2
    assert effect.busier == int(up.sum()) - int(down.sum())
    if up.any() and down.any():
        assert effect.higher == pytest.approx(np.nonzero(up)[1].mean() - np.nonzero(down)[1].mean())
