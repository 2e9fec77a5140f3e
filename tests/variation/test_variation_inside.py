"""Inside Variation: bars are as alike as in variations that are made, numbers do what the decoder makes of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.core.song import Note, Song, Track
from engine.variation import inside, variations
from engine.variation.bars import read
from engine.variation.codec import decoded, encoded, to_notes
from tests.studio import app, settled
from tests.variation.songs import asked, vary
from tests.variation.test_variation import model, small, tune  # noqa: F401 - fixtures
from ui.plots import variation as figures


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
    requests = [asked(noise=1.5, seed=seed, busier=busier) for seed, busier in ((2, 0), (5, 0), (5, 1))]
    for request, place in zip(requests, inside.places(small, song, requests)):
        after = read(variations.vary(small, song, request)).rolls[:, :, 0]
        before = grid.rolls[:, :, 0]
        pairs = [(np.nonzero(old)[-1], np.nonzero(new)[-1]) for old, new, family in zip(before, after, grid.families)
                 if family != "drums" and old.any()]  # fmt: skip
        rise = sum(len(old) * (new.mean() - old.mean()) for old, new in pairs) / sum(len(old) for old, _ in pairs)
        assert place.higher == pytest.approx(rise, abs=0.2)
        assert place.busier == pytest.approx(after.sum() / before.sum() - 1, abs=0.05)
        assert place.alike == pytest.approx(2 * (before & after).sum() / (before.sum() + after.sum()), abs=0.05)
    [same] = inside.places(small, song, [asked(frozen_tracks=tuple(set(grid.families)), higher=1)])
    assert (same.higher, same.busier, same.alike) == (0, 0, 1)


def test_the_map_has_the_song_in_its_middle_and_what_is_heard_where_it_was_measured(model):  # noqa: F811
    song, request = tune(), asked(seed=9, higher=0.5)
    seeds, cousins = [0, 9], inside.places(model, song, [replace(request, seed=seed, higher=0) for seed in (0, 9)])
    leans = inside.leans(model, song, request)
    [here] = inside.places(model, song, [request])
    ground, table = figures.ground(seeds, cousins, leans, request, here)
    assert ground.chosen == 1 and ground.lean == (0.5, 0.0) and ground.free == (True, True)
    assert [lean for lean, _ in ground.ticks[0]] == list(inside.LEANS) and ground.ticks[0][2][1] == "0"
    rise = leans["higher"][3].higher - leans["higher"][2].higher
    there, _ = figures.ground(seeds, [replace(cousins[0], higher=rise, busier=0.0), cousins[1]], leans, request, here)
    assert (there.points[0].x, there.points[0].y) == pytest.approx((0.5, 0)), "as high as a lean of a half leads"
    assert table["what"][:3] == ["what is heard", "seed 0", "seed 9"] and len({*map(len, table.values())}) == 1
    kept = replace(request, preserve="pitches", higher=0.0)
    leans = inside.leans(model, song, kept)
    ground, _ = figures.ground(seeds, cousins, leans, kept, here)
    assert ground.free == (False, True)


def test_the_page_has_the_map_and_its_handle_moves_the_controls():
    test = settled(app("pages/variation.py").run(), "variation")
    assert test.number_input(key="variation_seed").value == 7
    test.session_state["variation_inside"] = True
    test.run()
    assert len(test.get("plotly_chart")) == 2 and not test.exception
    assert "The song and its cousins" in str([each.value for each in test.markdown])
    test.slider(key="variation_higher").set_value(0.5)
    test = settled(test.run(), "variation")
    [result] = test.session_state["_made variation"].value
    assert result.request.higher == 0.5 and not test.exception
    test.selectbox(key="variation_keep").set_value("pitches")
    test = settled(test.run(), "variation")
    [result] = test.session_state["_made variation"].value
    assert result.request.higher == 0 and "variation_higher" not in [slider.key for slider in test.slider]


def test_a_link_that_keeps_the_rhythm_and_leans_to_more_notes_keeps_the_rhythm():
    test = app("pages/variation.py")
    test.query_params["variation_keep"], test.query_params["variation_busier"] = "The rhythm", "0.5"
    test = settled(test.run(), "variation")
    assert not test.error and not test.exception
    [result] = test.session_state["_made variation"].value
    assert result.request.preserve == "rhythm" and result.request.busier == 0


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
