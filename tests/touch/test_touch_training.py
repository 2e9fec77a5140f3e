"""The hand's training: parts of tracks, what is heard of the notes before, and a run that resumes."""

import json

import numpy as np
import pytest

from engine import touch
from engine.touch.network import Config
from training.core.data import SongNotes
from training.touch import train
from training.touch.prepare import BARS, balanced, parts_of, prepare, struck


def song(split="train", label="jazz"):
    """Twenty bars of two tracks: a piano whose second eighth is late and soft, and a drum."""
    onset, track, velocity = [], [], []
    for eighth in range(160):
        onset += [eighth * 12, eighth * 12 + eighth % 2]
        track += [0, 1]
        velocity += [100, 80 - 10 * (eighth % 2)]
    n = len(onset)
    return SongNotes(np.array(track), np.array(onset), np.full(n, 10), np.full(n, 60), np.array(velocity), label, split,
                     120.0)  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("touch")
    facts = prepare([(song(), (4, 4)), (song("val", "rock"), (4, 4)), (song("test"), (4, 4)), (song(), (5, 4))], folder)
    assert facts["parts"] == 12 and facts["manners"]["jazz"][0][:10] == "8113152363" and not facts["manners"]["rock"]
    return folder


def test_notes_lie_on_the_grid_and_say_how_far_beside_it_they_were_struck():
    rows = struck(song(), (4, 4), 1)
    assert rows[:4].tolist() == [[0, 10, 60, 80, 0], [12, 10, 60, 70, 1], [24, 10, 60, 80, 0], [36, 10, 60, 70, 1]]
    assert not len(struck(song(), (4, 4), 3))
    for part in parts_of(rows, 96, np.random.default_rng(0)):
        assert 0 <= part[0, 0] < 96 and part[-1, 0] < BARS * 96


def test_soft_hands_of_a_band_are_lifted_until_each_can_be_heard():
    for band in ([[5, 1], [0, 0], [9, 2]], [[3, 1], [0, 0], [0, 0]]):
        assert balanced(np.array(band)).tolist() == band
    assert balanced(np.array([[5, 1], [10, 2], [0, 0]])).tolist() == [[6, 1], [10, 2], [0, 0]]
    assert balanced(np.array([[2, 1]])).tolist() == [[3, 1]]


@pytest.mark.training
def test_a_tiny_hand_learns_resumes_to_the_step_and_ships(prepared, tmp_path):
    options = {"config": Config(("a",) * 8, 8, 12), "minutes": None, "batch": 2, "lr": 0.01, "seed": 0,
               "precision": "no", "evaluate_every": 20, "held_out": 2}  # fmt: skip
    whole = train.train(prepared, tmp_path / "whole", steps=40, **options)
    train.train(prepared, tmp_path / "parts", steps=40, **options | {"minutes": 0.001})
    parts = train.train(prepared, tmp_path / "parts", steps=40, **options)
    for name, weight in whole.plain("touch").state_dict().items():
        assert np.array_equal(weight, parts.plain("touch").state_dict()[name]), name
    log = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    scores = [row["score"] for row in log if "score" in row]
    assert scores[-1] < scores[0]
    train.export(prepared, tmp_path / "whole", tmp_path / "shipped", Config(("a",) * 8, 8, 12), 0)
    assert touch.load(tmp_path / "shipped").manners["jazz"][0][:10] == [8, 1, 1, 3, 1, 5, 2, 3, 6, 3]
