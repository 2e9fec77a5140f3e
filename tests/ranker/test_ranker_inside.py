"""Inside the ranker: what a bar does to the score is the network's own, and the map of styles is where it says."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine import band, ranker
from engine.band.played import brief_of
from engine.core import checkpoint
from engine.player import Bar, phrases
from engine.ranker.inside import Region, Styles, by_bar, phrases_of
from engine.ranker.network import Config, Ranker
from engine.ranker.rolls import roll
from training.ranker import styles

DRUMS, PIANO, GUITAR, BASS, STRINGS = range(5)
LOW = Bar(lanes={BASS: [(0, 4, 36), (8, 4, 43)], DRUMS: [(0, 1, 36)]})
HIGH = Bar(lanes={PIANO: [(0, 2, 84), (4, 2, 88), (7, 1, 91)]})


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(1)
    return ranker.Model(Ranker(Config(("one", "two"), width=12)).eval())


def test_a_bar_counts_by_what_the_score_loses_with_the_others_in_its_place(model):
    bars = [LOW, HIGH, LOW.with_lane(PIANO, [(0, 4, 60)])]
    genre = {"two": 1.0}

    def score(*numbers):
        return model.scores([[bars[n] for n in numbers]], genre)[0]

    whole = score(0, 1, 2)
    expected = [whole - (score(1, 1, 2) + score(2, 1, 2)) / 2, whole - (score(0, 0, 2) + score(0, 2, 2)) / 2,
                whole - (score(0, 1, 0) + score(0, 1, 1)) / 2]  # fmt: skip
    np.testing.assert_allclose(by_bar(model, bars, genre), expected, atol=1e-5)
    assert by_bar(model, [LOW, HIGH], genre).shape == (2,)
    np.testing.assert_allclose(by_bar(model, [LOW] * 4, genre), 0, atol=1e-6)


def test_what_is_heard_is_what_the_score_is_made_of(model):
    heard = model.heard([[LOW, HIGH]])
    steps = model.network.hear(torch.from_numpy(roll([LOW, HIGH]))[None], torch.full((1, 2), 0.5))
    np.testing.assert_allclose(heard, steps.mean(-1).detach().numpy(), atol=1e-6)
    assert not np.allclose(heard, model.heard([[LOW, LOW]]))


def test_a_piece_is_cut_into_eights_and_silence_is_left_out():
    assert [len(phrase) for phrase in phrases_of([LOW] * 12)] == [8, 4]
    assert phrases_of([Bar()] * 8 + [HIGH]) == [[HIGH]]


def test_styles_that_differ_lie_apart_and_a_direction_is_named_by_what_differs():
    rng, judge = np.random.default_rng(3), ranker.load()

    def phrase(genre):
        pitch, drums = 40 + 30 * (genre == 1), [(step, 1, 36) for step in range(0, 16, 2)] if genre == 2 else []
        return [Bar(lanes={PIANO: [(int(step), 2, pitch + int(rng.integers(5)))], DRUMS: drums})
                for step in rng.integers(0, 8, 8) * 2], genre  # fmt: skip

    sides = [[phrase(n % 3) for n in range(count)] for count in (90, 45)]
    facts = styles.measure(judge, ("low", "high", "drummed"), *sides)
    assert facts["right"] > 0.9 and set(facts["regions"]) == {"low", "high", "drummed"}
    assert set(facts["names"]) <= set(styles.TRAITS) and len(facts["names"]) == 2
    assert min(facts["names"].values()) > 0.6 and "higher" in facts["names"]


def test_half_of_what_a_region_is_made_of_lies_in_it():
    points = np.random.default_rng(0).normal(size=(400, 2)) @ [[2, 1], [0, 0.5]] + [3, -1]
    found = styles._region(points)
    region = Region(np.array(found["centre"]), np.array(found["axes"]))
    inside = np.linalg.norm((points - region.centre) @ np.linalg.inv(region.axes).T, axis=1) <= 1
    assert inside.mean() == pytest.approx(0.5, abs=0.01)
    outline = region.outline()
    np.testing.assert_allclose(np.linalg.norm((outline - region.centre) @ np.linalg.inv(region.axes).T, axis=1), 1)


class Counting:
    """A judge whose score is how many bars are LOW."""

    def scores(self, candidates, genre):
        return np.array([sum(bar == LOW for bar in bars) for bars in candidates], float)


def test_a_bar_from_elsewhere_is_found_and_songs_of_styles_that_nobody_plays_are_left_out():
    songs = [([LOW] * 8, 0), ([LOW] * 8, 1)] * 3
    assert styles.blamed(Counting(), ("one", "two"), songs, [([HIGH] * 8, 1)], seed=0) == 1.0
    assert styles.blamed(Counting(), ("one", "two"), songs, [], seed=0) == 0.0
    measured = checkpoint.read_config(ranker.model.PATH)["metrics"]["found"]
    assert measured > 2 / 8, "the shipped judge finds it more often than chance does"


def test_the_shipped_map_is_of_the_shipped_weights_and_its_phrases_lie_where_band_plays_them():
    model = band.load()
    known = Styles.of(model.ranker)
    assert known.weights == band.writers(model) and set(known.regions) == set(model.genres)
    assert known.right > 2 / len(known.regions)
    some = [known.phrases[n] for n in (0, 17)]
    briefs = [brief_of(model, band.Request(genre={one.genre: 1.0}, seed=one.seed)) for one in some]
    places = known.place(model.ranker, phrases(model, briefs))
    np.testing.assert_allclose(places, [one.place for one in some], atol=2e-3)


def test_another_hand_writes_the_same_notes_and_another_judge_or_other_rates_may_not():
    model = band.load()
    other = replace(model.ranker, facts=model.ranker.facts | {"sha256": "0" * 64})
    assert band.writers(replace(model, hand=None)) == band.writers(model) != band.writers(replace(model, ranker=other))
    assert band.writers(replace(model, rates=model.rates | {"kit": 0.0})) != band.writers(model)


def test_weights_that_were_not_measured_have_no_map(model):
    assert Styles.of(model) is None
