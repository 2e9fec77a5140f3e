"""The ranker: what it sees of bars, that it learns to tell two sides apart, is kept, and is asked by the player."""

import json

import numpy as np
import pytest
import torch

from engine import RequestError, ranker
from engine.core import checkpoint
from engine.player import Bar
from engine.player import vocabulary as v
from engine.ranker.network import Config, Ranker
from engine.ranker.rolls import (
    AGAIN,
    BACK,
    BEGINS,
    CHANNELS,
    COUNT,
    DRUM_GROUPS,
    HIGHEST,
    LOWEST,
    OCTAVE,
    PITCHED,
    PRESENT,
    SOUNDS,
    STEPS,
    channels_of,
    roll,
)
from training.__main__ import main
from training.ranker import prepare
from training.ranker.train import Rolls, told

DRUMS, PIANO, GUITAR, BASS, STRINGS = range(5)
TINY = Config(("one", "two"), width=12)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(1)
    return ranker.Model(Ranker(TINY).eval())


def test_a_roll_by_hand():
    bar = Bar(0, (0, 0), {DRUMS: [(0, 1, 36), (4, 1, 38), (4, 1, 42), (9, 1, 27)],
                          PIANO: [(2, 4, 60), (2, 4, 67)], v.LEAD: [(0, 4, 80)]})  # fmt: skip
    seen = roll([bar, Bar(0, (-1, -1), {BASS: [(12, 8, 36)]})] * 4)
    assert seen.shape == (STEPS, CHANNELS)
    assert np.argwhere(seen[:16, :DRUM_GROUPS]).tolist() == [[0, 0], [4, 1], [4, 2], [9, DRUM_GROUPS - 1]]
    piano, bass = (seen[:, DRUM_GROUPS + (lane - 1) * PITCHED :][:, :PITCHED] for lane in (PIANO, BASS))
    assert np.flatnonzero(piano[2, BEGINS:SOUNDS]).tolist() == [0, 7]
    assert piano[:16, SOUNDS].tolist() == [0, 0, 1, 1, 1, 1, *[0] * 10]
    assert np.flatnonzero(piano[2, OCTAVE:COUNT]).tolist() == [4] and piano[2, COUNT] == pytest.approx(2 / 3)
    assert (piano[2, HIGHEST], piano[2, LOWEST]) == (67 / 64 - 0.5, 60 / 64 - 0.5)
    assert bass[16:40, SOUNDS].tolist() == [*[0] * 12, *[1] * 8, *[0] * 4], "a note rings into the next bar"
    assert seen[:16, PRESENT:].any(0).tolist() == [True, True, False, False, False]


def test_a_bar_that_comes_again_is_seen_as_one():
    one, two = Bar(lanes={PIANO: [(0, 4, 60)]}), Bar(lanes={PIANO: [(0, 4, 62)]})
    seen = roll([one, two, one, one, two, Bar(1, lanes={PIANO: [(0, 4, 62)]}), one, Bar()])
    again = seen[::16, AGAIN + PIANO * len(BACK) :][:, : len(BACK)]
    assert again.tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_triplets_lie_between_the_sixteenths_and_what_is_begun_is_seen_as_far_as_it_goes():
    bar = Bar(1, lanes={GUITAR: [(0, 8, 60), (8, 8, 64), (16, 16, 67)]})
    guitar = roll([bar])[:, DRUM_GROUPS + PITCHED :][:, :PITCHED]
    assert np.flatnonzero(guitar[:, BEGINS : BEGINS + 12].any(1)).tolist() == [0, 5, 10] and len(guitar) == 16
    bars = [bar, Bar(lanes={PIANO: [(4, 2, 60)]})] * 4
    before_the_last = roll(bars)[:48]
    before_the_last[-1, DRUM_GROUPS + PITCHED :][:PITCHED] = roll(bars[:3])[-1, DRUM_GROUPS + PITCHED :][:PITCHED]
    np.testing.assert_array_equal(roll(bars[:3]), before_the_last)


def test_every_channel_is_somebodys():
    channels = np.concatenate([channels_of(lane) for lane in range(5)])
    assert sorted(channels.tolist()) == list(range(CHANNELS))


def test_candidates_are_scored_each_for_itself_and_in_a_genre(model):
    one, two = [Bar(lanes={PIANO: [(0, 4, 60)]})] * 8, [Bar(lanes={BASS: [(0, 4, 40)]})] * 8
    both = model.scores([one, two], {"one": 1.0})
    np.testing.assert_allclose(both, [model.scores([bars], {"one": 1.0})[0] for bars in (one, two)], rtol=1e-5)
    mixed, other = model.scores([one], {"one": 1.0, "two": 1.0})[0], model.scores([one], {"two": 1.0})[0]
    assert len({both[0], mixed, other}) == 3
    assert model.scores([one], {"nobody's": 1.0})[0] == mixed, "of no genre that it knows: of all"


def test_what_tells_is_the_area_under_the_curve():
    assert told(np.array([2.0, 3.0]), np.array([1.0])) == 1.0 and told(np.array([0.0, 2.0]), np.array([1.0])) == 0.5


def test_what_is_nearly_empty_tells_nothing():
    piano, both = Bar(lanes={PIANO: [(0, 4, 60)]}), Bar(lanes={PIANO: [(0, 4, 60)], BASS: [(0, 4, 36)]})
    assert prepare.worth([both] * 6 + [Bar()] * 2)
    assert not prepare.worth([both] * 5 + [Bar()] * 3) and not prepare.worth([piano] * 8)
    assert not prepare.worth([piano.with_lane(v.LEAD, [(0, 4, 80)])] * 8), "a tune is not looked at"


@pytest.mark.training
def test_it_trains_and_ships(tmp_path):
    prepared, run, folder = tmp_path / "prepared", tmp_path / "run", tmp_path / "checkpoint"
    prepared.mkdir()
    rng = np.random.default_rng(0)
    sides = {"real": rng.random((48, STEPS, CHANNELS)) < 0.1, "made": rng.random((48, STEPS, CHANNELS)) < 0.2}
    for name, rolls in sides.items():
        np.save(prepared / f"{name}.npy", rolls.astype(np.float16))
    np.savez(prepared / "facts.npz", real=np.arange(48) % 2, made=np.arange(48) % 2, split=np.arange(48) % 4 // 3)
    (prepared / "facts.json").write_text(json.dumps({"genres": ["one", "two"]}))
    assert [len(rows) for rows in Rolls(prepared, "train").rows] == [36, 42]
    assert [len(rows) for rows in Rolls(prepared, "val").rows] == [12, 6]
    train = ["train", "ranker", "--prepared", str(prepared), "--checkpoint", str(folder), "--run", str(run), "--batch",
             "8", "--width", "12", "--threads", "1", "--evaluate-every", "200"]  # fmt: skip
    main([*train, "--steps", "200"])
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert max(row.get("told", 0) for row in rows) == 1.0, "twice as much in one of them as in the other"
    loaded = ranker.load(folder)
    assert loaded.scores([[Bar()] * 8], {"two": 1.0}).shape == (1,)


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    checkpoint.save(tmp_path, system="ranker", weights=Ranker(TINY).state_dict(), model={"width": 3})
    with pytest.raises(RequestError, match="does not describe a ranker"):
        ranker.load(tmp_path)


