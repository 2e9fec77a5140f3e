"""Inside Melody: surprises are the network's own, what is forbidden is the grammar's, and one can go on from any."""

from dataclasses import replace

import numpy as np
import pytest

from engine import RequestError
from engine.melody import inside
from engine.melody.composing import compose
from engine.melody.model import load
from engine.melody.request import Request
from engine.melody.scoring import score
from tests.melodies import SHIPPED, TUNES

REQUESTS = [
    Request(seed=7),
    Request(seed=3, key="D", meter="6/8", start="A|dfa fdf|", attempt=2),
    Request(seed=5, chord_symbols=True, form="AABB", meter="4/4"),
]


@pytest.fixture(scope="module")
def model():
    return load(SHIPPED)


@pytest.fixture(scope="module", params=range(len(REQUESTS)), ids=["free", "begun", "chords"])
def looked_at(request, model):
    asked = REQUESTS[request.param]
    written = compose(model, asked)
    return asked, written, inside.written(model, asked, written)


def test_the_surprises_of_a_written_tune_sum_to_its_bits(looked_at):
    _, written, reading = looked_at
    drawn = [each for each in reading.characters if not each.typed]
    assert reading.text == written.tune.body and reading.characters[-1].char == ""
    assert len(reading.characters) - len(drawn) == written.typed
    assert reading.bits == pytest.approx(-written.likelihood, abs=1e-9)
    assert np.mean([each.forbidden for each in drawn]) == pytest.approx(written.masked, abs=1e-9)


def test_the_surprises_of_a_tune_of_people_sum_to_what_scoring_counts(model):
    for tune in TUNES:
        reading = inside.brought(model, tune)
        figures = score(model, [tune])
        total = sum(each.bits for each in reading.characters[:-1])
        assert total == pytest.approx(figures["bits_per_char"] * figures["chars"], abs=0.02)
        first = [each.alternatives[0].char == each.char for each in reading.characters[:-1]]
        assert np.mean(first) == pytest.approx(figures["accuracy"], abs=1e-4)


def test_each_character_stands_among_its_alternatives_with_its_own_probability(looked_at):
    _, _, reading = looked_at
    for each in reading.characters:
        chances = [other.probability for other in each.alternatives]
        assert chances == sorted(chances, reverse=True) and sum(chances) <= 1 + 1e-9
        for other in each.alternatives:
            if other.char == each.char:
                assert other.allowed and -np.log2(other.probability) == pytest.approx(each.bits)


def test_one_goes_on_with_an_alternative_and_what_came_before_stays(model, looked_at):
    asked, written, reading = looked_at
    places = [
        (at, other.char)
        for at, each in enumerate(reading.characters)
        for other in each.alternatives[1:]
        if not each.typed and other.allowed and other.char.isalpha() and other.char != each.char
        and written.tune.body.count('"', 0, at) % 2 == 0  # within a chord symbol nothing goes on
    ]  # fmt: skip
    for at, char in places[:: len(places) // 5]:  # some of them notes that only a length behind them makes fit
        wanted = inside.going_on(model, asked, written, at, char)
        other = compose(model, wanted)
        assert other.tune.body.startswith(written.tune.body[:at] + char)
        assert (other.tune.key, other.tune.meter, other.form) == (written.tune.key, written.tune.meter, written.form)


def test_within_a_chord_symbol_and_at_the_end_nothing_goes_on(model):
    asked = REQUESTS[2]
    written = compose(model, asked)
    within = written.tune.body.index('"') + 1
    with pytest.raises(RequestError, match="quotation"):
        inside.going_on(model, asked, written, within, "A")
    with pytest.raises(RequestError, match="end of the tune"):
        inside.going_on(model, asked, written, len(written.tune.body), "")


def test_a_tune_of_other_weights_is_not_explained_as_if_these_had_written_it(model):
    asked = REQUESTS[0]
    written = compose(model, asked)
    with pytest.raises(RequestError, match="other weights"):
        inside.written(model, asked, replace(written, form=(*written.form, 8)))
    with pytest.raises(RequestError, match="grammar"):
        inside.written(model, asked, replace(written, tune=replace(written.tune, body=written.tune.body + "G")))


def test_the_unit_that_tracks_the_bar_is_the_unit_whose_means_at_its_moments_differ_most(looked_at):
    """By hand: with one unit that is the moment itself and others that are noise, that unit is found, all of it."""
    _, _, reading = looked_at
    random = np.random.default_rng(1)
    units = random.normal(size=(len(reading.characters), 9)).astype(np.float32)
    units[:, 4] = [np.sqrt(each.moment) for each in reading.characters]
    units[:, 6] = [each.part for each in reading.characters]
    by_name = {each.tracks: each for each in inside.tracking_units(replace(reading, units=units))}
    assert by_name["the place in the bar"].unit == 4
    assert by_name["the place in the bar"].share == pytest.approx(1)
    if "the part of the tune" in by_name:
        assert by_name["the part of the tune"].unit == 6


def test_of_a_tune_over_given_chords_the_network_wrote_the_notes_alone(model):
    asked = Request(seed=5, chords="Dm7 | G7 | C | C", key="C", meter="4/4")
    with pytest.raises(RequestError, match="given chords were set above"):
        inside.written(model, asked, compose(model, asked))
