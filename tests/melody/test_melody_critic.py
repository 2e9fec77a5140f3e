"""What a tune is like in numbers, and the critic that chooses by them."""

from dataclasses import replace

import numpy as np
import pytest

from engine.__main__ import parser
from engine.core.commandline import request_of
from engine.melody.abc.canonical import Tune
from engine.melody.composing import candidates
from engine.melody.critic import critic_of, plausible
from engine.melody.line import Line
from engine.melody.model import load
from engine.melody.request import CRITIC, LIKELIHOOD, Request
from engine.melody.traits import TRAITS, traits
from tests.melodies import SHIPPED
from training.melody.critic import fit
from training.melody.judge import CHOICES

A = "G2BG dGBG|A2cA eAcA|G2BG dGBd|cAFA G4:|"
TUNE = Tune(body=f"|:{A}\n|:g2bg d2gd|e2ge c2ec|G2BG dGBd|cAFA G4:|", key="G", meter="C|", unit="1/8", kind="reel")


def of(tune: Tune) -> dict[str, float]:
    return dict(zip(TRAITS, traits(tune).tolist(), strict=True))


def test_a_line_has_the_bars_and_sections_that_were_written():
    line = Line(TUNE)
    assert [len(bars) for bars in line.sections] == [4, 4] and line.tonic == 7
    assert [len(bar.pitch) for bar in line.whole] == [7, 7, 7, 5, 6, 6, 7, 5]


def test_traits_say_what_the_tune_does():
    found = of(TUNE)
    assert found["sections end alike, bars 2"] == 1 and found["sections begin alike, bar 1"] == 0
    assert found["last note is the tonic"] == 1 and found["foreign"] == 0 and found["second part higher"] > 3
    assert found["bars known"] == pytest.approx(2 / 8)
    assert found["notes at cadences, fourth"] < 1 < found["last note is long"]


def test_traits_of_rhythm_do_not_know_pitches_and_those_of_range_do():
    other = of(replace(TUNE, body=TUNE.body.replace("B", "e")))
    changed = {TRAITS[name][0] for name, value in of(TUNE).items()
               if not np.array_equal(value, other[name], equal_nan=True)}  # fmt: skip
    assert "rhythm" not in changed and {"contour", "range", "key"} <= changed


def test_the_critic_learns_to_tell_two_kinds_of_tunes_apart():
    rng = np.random.default_rng(0)
    real, made = rng.normal(size=(2, 200, len(TRAITS)))
    made[:, 3] += 3
    critic = critic_of({"critic": fit(real, made)})
    plain = replace(critic, mean=critic.mean * 0, spread=critic.spread * 0 + 1)
    assert critic.fc1.shape[1] == len(TRAITS) and np.abs(plain.fc1[:, 3]).sum() > np.abs(plain.fc1[:, 4]).sum()


def test_a_checkpoint_without_a_critic_or_with_one_of_other_traits_has_none():
    other = fit(*np.random.default_rng(0).normal(size=(2, 20, len(TRAITS) - 1)))
    assert critic_of({}) is None and critic_of({"critic": other}) is None


def test_the_critic_chooses_among_candidates_and_likelihood_does_where_it_is_asked_to():
    model = load(SHIPPED)
    asked = Request(kind="jig", key="G", form="8+8", chord_symbols=False, seed=4, candidates=3)
    by_critic = [each.tune for each in candidates(model, asked)]
    by_likelihood = candidates(model, replace(asked, chosen_by=LIKELIHOOD))
    assert asked.chosen_by == CRITIC and {t.body for t in by_critic} == {w.tune.body for w in by_likelihood}
    scores = plausible(model.critic, by_critic)
    assert scores[0] == max(scores) and by_likelihood[0].likelihood == max(w.likelihood for w in by_likelihood)


def test_a_recipe_from_before_the_critic_is_chosen_by_likelihood():
    old = Request(kind="jig", candidates=3).to_json()
    del old["chosen_by"]
    assert Request.from_json(old).chosen_by == LIKELIHOOD


def test_as_many_are_written_as_were_judged_and_one_where_it_is_named():
    assert Request().candidates == max(CHOICES)
    assert Request.from_options({"type": "jig"}, 1).candidates == 1, "a recipe from before there were candidates"
    words = (["melody", "--out", "a.abc", *more] for more in (["--attempt", "18"], []))
    asked = [request_of(Request, parser("melody").parse_args(each)) for each in words]
    assert [(each.attempt, each.candidates) for each in asked] == [(18, 1), (1, 4)]
