"""Variation's training, from a songs.npz made here to a checkpoint that plays."""

import numpy as np
import pytest
import torch

from engine import variation
from engine.core.pianoroll import TRACKS, fold
from engine.core.song import Note, Song, Track
from tests.tiny_data import songs_file
from tests.variation.songs import vary
from training.core.cards import render
from training.core.data import songs_npz
from training.variation.collect import begin_afresh, collect
from training.variation.evaluate import evaluate, held_out
from training.variation.predictors import Latents
from training.variation.prepare import Bars, prepare, song_bars, unpack
from training.variation.vae import muon_of, train_vae, transposed

pytestmark = pytest.mark.training


def test_pitches_out_of_range_are_folded_by_octaves():
    assert (fold(np.array([24, 95, 12, 0, 96, 127])) == [0, 71, 0, 0, 60, 67]).all()


def test_a_bar_keeps_its_repeated_notes_and_what_is_held_over():
    track, pitch = np.array([1, 1, 0]), np.array([60, 60, 36])
    onset, dur = np.array([72, 90, 0]), np.array([12, 48, 48])
    bars = unpack(song_bars(track, onset, dur, pitch))
    piano = bars[1]
    assert piano[:, 0].sum() == 2 and piano[0, 0, 12, 36] and piano[0, 0, 15, 36]
    assert piano[0, 1, :, 36].tolist() == [0] * 12 + [1, 1, 0, 1]
    assert piano[0, 1, 12:14, 36].all()
    assert bars[0].sum() == 2  # a drum is one step long
    assert song_bars(track, onset, dur, pitch).shape == (5, 1, 288)


@pytest.mark.parametrize("shape", [(40, 24), (24, 40)])
def test_muon_steps_as_jordan_et_al_wrote_it(shape):
    """Against their iteration in float32; torch's is in bfloat16, whose three digits are the tolerance."""
    rng = torch.Generator().manual_seed(0)
    matrix = torch.nn.Parameter(torch.randn(shape, generator=rng))
    optimizer = muon_of([matrix], lr=0.02)
    momentum, scale = torch.zeros(shape), 0.02 * max(1, shape[0] / shape[1]) ** 0.5
    for _ in range(4):
        before, matrix.grad = matrix.detach().clone(), torch.randn(shape, generator=rng)
        optimizer.step()
        step = (before - matrix.detach()) / scale
        momentum = 0.95 * momentum + 0.05 * matrix.grad
        x = 0.05 * matrix.grad + 0.95 * momentum
        x = x / x.norm()
        for _ in range(5):
            x = 3.4445 * x - 4.7750 * x @ x.T @ x + 2.0315 * x @ x.T @ x @ x.T @ x
        assert torch.cosine_similarity(step.flatten(), x.flatten(), dim=0) > 0.999
        assert step.norm() == pytest.approx(x.norm().item(), rel=0.02)
        values = torch.linalg.svdvals(step)
        assert values.min() > 0.6 and values.max() < 1.3


def test_a_transposed_bar_keeps_its_shape_and_all_its_notes():
    rng = np.random.default_rng(0)
    bars = (rng.random((200, 2, 16, 72)) < 0.005).astype(np.uint8)
    bars[:, 0, 3, [0, 70]] = 1  # the whole range: one semitone up is all the room there is
    bars[100:] = 0
    bars[100:, 0, 5, [30, 34, 37]] = 1
    moved = transposed(bars, rng)
    assert (moved.sum(3) == bars.sum(3)).all()
    shifts = moved[100:, 0, 5].argmax(1) - 30
    assert (
        set(shifts) == set(range(-6, 7))
        and (moved[100:, 0, 5].nonzero()[1].reshape(-1, 3) - shifts[:, None] == [30, 34, 37]).all()
    )
    assert set(moved[:100, 0, 3].argmax(1)) == {0, 1}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("variation")
    songs_file(folder / "songs.npz")
    prepare(songs_npz(folder / "songs.npz"), folder / "prepared")
    for track in TRACKS:
        train_vae(folder / "prepared", folder / "runs", track, 8, steps=2, minutes=1, batch=8)
    collect(folder / "prepared", folder / "runs", 8, songs=8, steps=2, folder=folder / "k8")
    return folder


def test_different_bars_are_kept_once_and_found_again(trained):
    bars = Bars.open(trained / "prepared")
    assert len(bars.index) == bars.offsets[-1] == 48 and bars.split.tolist() == [0, 0, 0, 0, 1, 2] * 2
    grid = held_out(bars, 1)[0]
    with np.load(trained / "songs.npz") as songs:
        song = 5 if (grid.rolls == held_out(bars, 2)[0].rolls).all() else 11
        part = slice(songs["offsets"][song], songs["offsets"][song + 1])
        again = unpack(song_bars(*(songs[name][part] for name in ("track", "onset", "dur", "pitch"))))
    assert (grid.rolls == again.astype(bool)).all()


def test_a_step_of_training_saved_and_loaded_makes_music(trained):
    model = variation.load(trained / "k8", "cpu")
    song = Song((Track("p", 0).with_notes(Note(n, 1, 60 + n) for n in range(16)),))
    assert vary(model, song, noise=1.0, seed=1) == vary(model, song, noise=1.0, seed=1)


def test_a_bar_to_be_predicted_sees_only_its_own_song(trained):
    model = variation.load(trained / "k8", "cpu")
    latents = Latents.of(Bars.open(trained / "prepared"), model.bank, "train", 8)
    first = np.flatnonzero(latents.place == 1)[1:2]
    data = latents.batch("bass", first)
    assert data["there"].sum() == 1 and not data["past"][0, :-1].any() and data["past"][0, -1].any()


def test_predictors_go_on_from_those_of_the_same_latents_only(trained, tmp_path):
    bank = variation.load(trained / "k8", "cpu").bank
    begin_afresh(tmp_path, bank)
    (tmp_path / "next" / "bass").mkdir(parents=True)
    begin_afresh(tmp_path, bank)
    assert (tmp_path / "next" / "bass").exists()
    next(bank["bass"].parameters()).add_(0.01)
    begin_afresh(tmp_path, bank)
    assert not (tmp_path / "next").exists()


def test_evaluation_measures_everything_that_the_card_shows(trained):
    model = variation.load(trained / "k8", "cpu")
    found = evaluate(model, Bars.open(trained / "prepared"), 2, trained / "runs")
    assert set(found["prediction"]["bass"]) == {"network", "network_pointing", "plain", "copy", "mean"}
    config = {"model": {"latent": 8}, "metrics": found, "data": {"name": "x", "songs": 8, "licence": "y"}, "seed": 0,
              "steps": {"vae": {}, "next": 2}}  # fmt: skip
    card = render("variation", config)
    assert "active units" in card and f"{found['reconstruction']['bass']['note_f1']:.3f}" in card
