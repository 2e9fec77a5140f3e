"""What a variation may lean to: it does what it is named for and little else, and what is held stays."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from engine import ROOT, RequestError, variation
from engine.core.commandline import check_effects
from engine.core.midi import write_midi
from engine.core.reading import song_of
from engine.core.request import File
from engine.variation import inside, leaning
from engine.variation.bars import read
from engine.variation.codec import decoded, encoded
from engine.variation.request import PATH, Request
from tests.variation.songs import asked, vary
from tests.variation.test_variation import SHIPPED, model, notes, small, tune  # noqa: F401 - fixtures

EXAMPLES = sorted((ROOT / "assets" / "examples").glob("*.mid"))


def test_who_leans_neither_way_is_where_it_was(small):  # noqa: F811
    song = tune()
    for noise in (0.0, 0.7):
        assert vary(small, song, seed=3, noise=noise, higher=0, busier=0) == vary(small, song, seed=3, noise=noise)
    assert inside.leans(small, song, asked(noise=1.3, seed=3))["higher"][2] == inside.places(
        small, song, [asked(noise=0, seed=5)])[0]  # fmt: skip


def test_a_step_one_way_leaves_the_other_as_it_is(small):  # noqa: F811
    grid = read(tune())
    ways = leaning.directions(small, grid)
    assert not ways["drums"][0].any() and set(ways) == {"drums", "piano", "bass"}
    mu = encoded(small, "piano", grid.rolls[1])[0]
    along = 1e-3 * torch.cat([torch.zeros(1, 8), ways["piano"]])
    pitch, count = [], []
    spread = np.random.default_rng(0).standard_normal((1 + leaning.COUSINS, len(mu), 8)).astype(np.float32)
    spread[0] = 0
    for step in along:
        z = mu + torch.from_numpy(spread) @ small.spread["piano"].T + step
        chance = torch.sigmoid(decoded(small, "piano", z.reshape(-1, 8))[:, 0]).double()
        pitch.append(float(((chance * torch.arange(72)).sum((1, 2)) / chance.sum((1, 2))).mean()))
        count.append(float(chance.sum((1, 2)).log().mean()))
    rise, more = np.array(pitch[1:]) - pitch[0], np.array(count[1:]) - count[0]
    assert rise[0] > 0 and more[1] > 0
    assert abs(rise[1]) < 0.1 * rise[0] and abs(more[0]) < 0.1 * more[1]


@pytest.mark.parametrize("latent", SHIPPED)
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_notes_lie_the_higher_and_are_the_more_the_more_it_leans(path, latent):
    song = song_of(file := File(path.name, path.read_bytes()))
    model = variation.load(PATH / f"k{latent}", "cpu")  # noqa: F811
    found = inside.leans(model, song, Request(input=file, latent=latent))
    rises, shares = [place.higher for place in found["higher"]], [place.busier for place in found["busier"]]
    assert all(low < high for low, high in (*pairwise(rises), *pairwise(shares)))
    assert rises[-1] - rises[0] > 6 and shares[0] + 0.3 < shares[2] < shares[-1] - 0.3
    noisy = inside.places(model, song, [Request(input=file, latent=latent, noise=1.0, seed=3, **lean) for lean in (
        {"higher": -0.8}, {"higher": 0.8}, {"busier": -0.8}, {"busier": 0.8})])  # fmt: skip
    assert noisy[0].higher + 4 < noisy[1].higher and noisy[2].busier + 0.4 < noisy[3].busier, "beside noise too"


def test_what_is_held_stays_and_the_drums_are_never_higher(model):  # noqa: F811
    song = tune()
    leant = {"seed": 3, "noise": 0.7, "higher": 1.0, "busier": 0.8}
    held = vary(model, song, frozen_tracks=("bass",), **leant)
    assert notes(held, "bass") == notes(song, "bass") and notes(held, "piano") != notes(song, "piano")
    part, bar = vary(model, song, bars=(2, 3), **leant), song.beats_per_bar
    for track in song.tracks:
        outside = [[n for n in each if not bar <= n.onset < 3 * bar] for each in (track.notes, notes(part, track.name))]
        assert outside[0] == outside[1]
    assert notes(vary(model, song, seed=3, higher=1.0), "drums") == notes(vary(model, song, seed=3), "drums")
    rhythm = vary(model, song, seed=3, preserve="rhythm", higher=1.0)
    assert sorted(n.onset for n in notes(rhythm, "piano")) == sorted(n.onset for n in notes(song, "piano"))


def test_the_same_lean_makes_the_same_bytes_and_bad_ones_are_refused(model):  # noqa: F811
    song = tune()
    assert len({write_midi(vary(model, song, seed=3, higher=0.35, busier=-0.2)) for _ in range(2)}) == 1
    refused = (({"higher": 1.5}, "How much higher"), ({"busier": float("nan")}, "How much busier"),
               ({"preserve": "rhythm", "busier": 0.2}, "--busier changes nothing where the rhythm is kept"),
               ({"preserve": "pitches", "higher": 0.2}, "--higher changes nothing where the pitches are"))  # fmt: skip
    for fields, said in refused:
        with pytest.raises(RequestError, match=said):
            asked(**fields)
    with pytest.raises(RequestError, match="--higher changes nothing beside --continue"):
        check_effects(Request, {"higher": 0.5, "continue_bars": 4})
