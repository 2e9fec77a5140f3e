"""The planner: what is read from songs' bars, that it learns, is kept, and draws plans by its laws."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine import RequestError, planner
from engine.core import checkpoint
from engine.core.pianoroll import TRACKS
from engine.planner.model import TRIES, place_of
from engine.planner.network import BACK, LEVELS, RELATIONS, Config, Generator, Plans
from engine.player import vocabulary as v
from training.__main__ import main
from training.planner import calibrate, gan, measures, prepare
from training.planner.evaluate import shuffled
from training.player.prepare import LISTED

TINY = Config(("one", "two"), style=4, bar=2, player=2, width=12, player_width=8)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    network = Generator(TINY)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(std=0.6)
        network.out.bias[0] -= 2  # who rests always has no form
        network.levels.bias[0] -= 4
    return planner.Model(network.eval())


def draw(model, bars=16, seed=1, **asked):
    return planner.draw(model, {"one": 1.0}, bars, seed, **asked)


def rows(plan):
    return plan.form.tolist(), plan.busy.tolist(), plan.register.tolist()


def test_the_same_seed_draws_the_same_plan_and_another_another(model):
    assert rows(draw(model)) == rows(draw(model)) != rows(draw(model, seed=2))


def test_a_longer_plan_begins_as_the_shorter_one_its_end_aside(model):
    for seed in range(5):
        short, long = draw(model, 24, seed), draw(model, 48, seed)
        assert short.form[:16].tolist() == long.form[:16].tolist() and short.busy.tolist() == long.busy.tolist()
        assert draw(model, 24, seed, ends=False).form.tolist() == long.form[:24].tolist()


def test_a_bar_comes_again_only_where_its_player_played(model):
    for seed in range(5):
        form = draw(model, 40, seed).form
        assert set(np.unique(form)) <= {planner.REST, planner.NEW, *BACK} and (form > 0).any()
        for bar, player in np.argwhere(form > 0):
            assert form[bar, player] <= bar and form[bar - form[bar, player], player] != planner.REST


def test_a_player_with_a_seed_of_its_own_draws_otherwise_and_without_reach_nothing_does(model):
    own = draw(model, seeds={"strings": 9})
    assert own.form[:, 4].tolist() != draw(model).form[:, 4].tolist()
    assert rows(draw(model, seed=1, reach=0.0, ends=False))[1] == rows(draw(model, seed=2, reach=0.0, ends=False))[1]


def test_a_height_is_drawn_of_those_who_play_and_of_nobody_else():
    network = planner.load().network
    genre, place = torch.eye(8)[torch.arange(400) % 8], torch.zeros(400, 8, 3, dtype=torch.int64)
    plans = measures.drawn(network, genre, place, seed=5)
    plays = plans.busy[..., 0] < 0.5
    assert 0 < (~plays).sum() and torch.allclose(plans.register.sum(-1), plays.float(), atol=1e-5)
    piano = plans.register[:, TRACKS.index("piano")][plays[:, TRACKS.index("piano")]].argmax(-1) + 1
    assert (piano >= 3).float().mean() > 0.9, "a piano in the octave of the bass"


def test_a_plan_is_drawn_anew_until_there_is_enough(model):
    resting = replace(model, network=Generator(TINY))
    with torch.no_grad():
        resting.network.levels.bias[0] += 20  # everyone rests
    assert (draw(resting).form == planner.REST).all(), f"after {TRIES} tries it is what it is"
    assert ((draw(model).form[:8] != planner.REST).mean(0) > 0).sum() >= 2


def test_what_bars_hold_says_which_are_the_same():
    events = [v.event(0, 4), v.PITCH + 60], [v.event(0, 4), v.PITCH + 62, v.event(4, 4), v.PITCH + 66], []
    bars = [0, 1, 0, 2, 1, 0]
    lanes = [token for which in bars for token in [events[which], *[[]] * (LISTED - 1)]]
    offsets = np.cumsum([0, *map(len, lanes)])
    arrays = prepare.bars_of(np.array([t for lane in lanes for t in lane], np.uint16), offsets)
    same = arrays["same"][:, 0]
    assert same[0] == same[2] == same[5] != 0 and same[1] == same[4] not in (0, same[0]) and same[3] == 0
    assert arrays["onsets"][:, 0].tolist() == [1, 2, 1, 0, 2, 1] and arrays["pitch"][1, 0] == 64
    relations = gan.relations_of(arrays["same"][None])[0, :, 0]
    assert relations.tolist() == [1, 1, 2 + BACK.index(2), 0, 1, 1]  # of three and five bars before there is no name
    busy, register = gan.levels_of(arrays["onsets"][None], arrays["pitch"][None])
    assert busy[0].tolist() == [1, 0, 0, 0, 0] and register[0, 0] == 3


def test_in_the_last_bar_of_a_piece_somebody_plays():
    shipped = planner.load()
    last = [planner.draw(shipped, {genre: 1.0}, 32, seed).form[-1] != planner.REST
            for genre in shipped.network.config.genres for seed in range(6)]  # fmt: skip
    assert np.any(last, 1).mean() >= 0.95, "pieces end in an empty bar"


def test_after_calibration_bars_come_again_as_often_as_in_songs(tmp_path):
    rng = np.random.default_rng(1)
    count, bars = 12, 40
    same = np.zeros((count, bars, len(TRACKS)), np.uint64)
    for bar in range(bars):  # every other bar is the one before it, the others are new
        same[:, bar] = same[:, bar - 1] if bar % 2 else 1 + rng.integers(1 << 40, size=(count, len(TRACKS)))
    same = same.reshape(count * bars, len(TRACKS))
    np.savez(tmp_path / "bars.npz", same=same, onsets=np.full(same.shape, 3, np.uint8),
             pitch=np.full(same.shape, 60, np.float32))  # fmt: skip
    np.savez(tmp_path / "songs.npz", first=np.arange(count + 1) * bars, genre=np.arange(count) % 2,
             meter=np.zeros(count, int), split=np.zeros(count, int))  # fmt: skip
    songs = gan.Songs(tmp_path, "train")
    network = Generator(TINY).eval()
    with torch.no_grad():
        network.levels.bias[0] -= 20  # everyone plays

    def returning():
        _, genre, place = songs.draw(400, np.random.default_rng(5))
        return measures.drawn(network, genre, place, 9).relations[..., 2:].sum(-1).mean()

    before = returning()
    calibrate.calibrate(network, songs)
    assert before > 0.6 and abs(returning() - 0.5) < 0.05


def test_what_comes_again_without_a_name_is_aimed_at_too():
    bars = np.array([1, 2, 3, 1, 0, 2])[:, None].repeat(len(TRACKS), 1)[None].astype(np.uint64)
    assert calibrate.again(bars)[0, :, 0].tolist() == [False, False, False, True, False, True]
    relations = np.eye(RELATIONS)[gan.relations_of(bars)]
    named = (gan.relations_of(bars) > 1).mean()
    assert named == 1 / 6, "of four bars before there is a name, of three there is none"
    aim = calibrate.aimed(relations, bars)
    assert np.allclose(aim.sum(1), 1) and np.allclose(aim[:, 2:].sum(1), 2 / 6) and np.allclose(aim[:, 0], 1 / 6)


def test_place_counts_from_both_ends():
    assert place_of(np.arange(3) + 15, 3 - np.arange(3)).tolist() == [[15, 3, 7], [16, 2, 0], [16, 1, 1]]
    assert place_of(np.array([0]), np.array([40])).tolist() == [[0, 0, 0]]


def test_shares_apart_are_nothing_of_the_same_and_two_of_what_is_never_so():
    relations = torch.zeros(2, 8, 5, RELATIONS)
    relations[..., 1] = 1
    levels = torch.eye(LEVELS)[torch.ones(2, 5, dtype=torch.long)]
    one = Plans(relations, levels, levels)
    other = Plans(relations.roll(1, -1), levels, levels)
    genre = torch.eye(2)
    assert set(measures.apart(*[measures.shares(one, genre)] * 2).values()) == {0.0}
    far = measures.apart(measures.shares(one, genre), measures.shares(other, genre))
    assert far["by genre"] == far["together"] == 2.0 and far["levels"] == far["vary"] == 0.0
    assert torch.equal(shuffled(one, 0).relations, relations)


@pytest.mark.training
def test_it_trains_resumes_ships_and_is_measured(tmp_path):
    rng = np.random.default_rng(0)
    prepared, run, folder = tmp_path / "prepared", tmp_path / "run", tmp_path / "checkpoint"
    prepared.mkdir()
    songs, bars = 12, 40
    same = rng.integers(0, 4, (songs * bars, len(TRACKS))).astype(np.uint64)
    np.savez(prepared / "bars.npz", same=same, onsets=(same > 0) * np.uint8(3), pitch=(same > 0) * np.float32(60))
    np.savez(prepared / "songs.npz", first=np.arange(songs + 1) * bars, genre=np.arange(songs) % 2,
             meter=np.zeros(songs, int), split=np.arange(songs) // 2 % 3)  # fmt: skip
    (prepared / "facts.json").write_text(json.dumps({"genres": ["one", "two"]}))
    places = ["--prepared", str(prepared), "--checkpoint", str(folder)]
    train = ["train", "planner", *places, "--run", str(run), "--batch", "2", "--held-out", "8", "--threads", "1"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gan, "LIKELY", 1)
        main([*train, "--steps", "3", "--evaluate-every", "1"])
    metrics = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert any("gap" in row for row in metrics) and any("nats" in row for row in metrics)
    loaded = planner.load(folder)
    assert planner.draw(loaded, {"two": 1.0}, 8, 1).form.shape == (8, 5)
    main(["evaluate", "planner", *places, "--plans", "16"])
    assert "songs, their bars in any order" in (folder / "README.md").read_text()
    assert set(checkpoint.read_config(folder)["metrics"]["apart"]) == {
        "drawn", "other songs", "songs, their bars in any order"}  # fmt: skip


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    checkpoint.save(tmp_path, system="planner", weights=Generator(TINY).state_dict(), model={"width": 3})
    with pytest.raises(RequestError, match="does not describe a planner"):
        planner.load(tmp_path)
