"""The hand strikes what PyTorch says, hears only its own track, and never loses a note."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from engine import RequestError, touch
from engine.core import checkpoint
from engine.core.song import Note, Song, Track
from engine.touch import network as hand
from engine.touch.manner import SIZES, manner, tempo_class
from engine.touch.model import PATH, Model
from engine.touch.playing import Hand, touched
from engine.touch.strikes import features, sources
from training.touch.train import struck

BANDS = {"jazz": [[5, 3, 2, 4, 2] * 5, [7, 4, 5, 6, 3] + [0] * 20], "rock": [[9, 1, 1, 3, 1] * 5]}
BAR = 96


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    network = hand.Hand(hand.Config(("jazz", "rock"), width=12, hidden=16))
    torch.nn.init.normal_(network.past.weight, std=0.5)
    return Model(network.eval(), BANDS, {"drums": (0.6, np.arange(6.0))})


@pytest.fixture(scope="module")
def song():
    rng = np.random.default_rng(1)
    notes = [Note(step / 4, 0.25 + rng.integers(4) / 4, int(pitch)) for step in range(0, 64, 2)
             for pitch in rng.choice(np.arange(48, 72), rng.integers(1, 4), replace=False)]  # fmt: skip
    drums = [Note(step / 4, 0.25, (36, 38, 42)[step % 3]) for step in range(64)]
    return Song((Track("drums", 0, True).with_notes(drums), Track("piano").with_notes(notes)), 120.0)


def strike(model, song, **seeds):
    return touched(model, song, genre={"jazz": 1.0}, seeds={"drums": 1, "piano": 1} | seeds)


def test_the_sources_of_a_note_by_hand():
    """A beat of eighths on one drum, a chord a beat later, and a bar after the first note."""
    place = np.array([0, 12, 24, 24, 96, 108])
    pitch = np.array([36, 38, 36, 42, 36, 38])
    back = sources(place, pitch, BAR)
    assert back[:, 0].tolist() == [-1, 0, 1, 2, 3, 4]
    assert back[:, 1].tolist() == [-1, -1, 0, -1, 2, 1]
    assert back[:, 2].tolist() == [-1, -1, 0, 0, -1, -1]  # a beat before: the same pitch, or else what is there
    assert back[:, 3].tolist() == [-1, -1, -1, -1, 0, 1]
    assert back[:, 4].tolist() == [-1] * 6


def test_what_is_known_of_a_note_by_hand():
    """A chord of two on the second beat of the second bar, an eighth after a note."""
    known = features(np.array([108, 120, 120]), np.array([12, 24, 200]), np.array([60, 60, 64]), False, BAR)
    assert known[:, 0].tolist() == [6, 12, 12]
    assert known[:, 1].tolist() == [188, 188, 192]
    assert known[:, 3].tolist() == [1, 5, 0]  # the first; 12 ticks since the one before; within a chord none
    assert known[:, 4].tolist() == [0, 6, 7]
    assert features(np.array([0]), np.array([6]), np.array([36]), True, BAR)[0, 1] == 36


def test_a_velocity_is_as_likely_as_its_sources_and_its_own_chance_together():
    """Two sources with the same velocity, three without one; the others' chance is left out."""
    logits = torch.zeros(1, 1, hand.OUT)
    heard = torch.tensor([[[90, 90, 0, 0, 0, 0, 0, 0]]])
    velocity, offset = hand.nats(logits, heard, torch.tensor([[90]]), torch.tensor([[3]]))
    np.testing.assert_allclose(velocity.item(), -np.log(2 / 3 + 1 / 3 / 128), rtol=1e-5)
    np.testing.assert_allclose(offset.item(), np.log(7), rtol=1e-5)
    velocity, _ = hand.nats(logits, heard, torch.tensor([[91]]), torch.tensor([[3]]))
    np.testing.assert_allclose(velocity.item(), np.log(3 * 128), rtol=1e-5)


def test_the_loop_hears_and_says_what_pytorch_does(model, song):
    """The most likely offset of each note, once the loop's own strokes are heard by the network."""
    track = song.tracks[1]
    controls = [3, 1, 5, 2, 2, 4, 2]

    class Half:
        """Numbers that choose the median of every distribution."""

        @staticmethod
        def random(shape):
            return np.full(shape, 0.5)

    loop = Hand(model, "piano", BAR, 1)
    loop.random = Half()
    velocity, offset = loop.play(track, model.whole({"jazz": 1.0}, controls))
    place, length, pitch = (np.array(x) for x in zip(*[(round(n.onset * 24), round(n.duration * 24), n.pitch)
                                                       for n in track.notes]))  # fmt: skip
    heard = struck(velocity, offset, sources(place, pitch, BAR))
    known = features(place, length, pitch, False, BAR)
    with torch.no_grad():
        logits = model.network(*(torch.from_numpy(x)[None] for x in (known, heard)), torch.tensor([[0, *controls]]))
    beside = hand.split(logits)[2][0].softmax(-1).cumsum(-1)
    assert ((beside < 0.5).sum(-1).numpy() - hand.BESIDE).tolist() == offset.tolist()
    which, own, _ = (x[0] for x in hand.split(logits))
    absent = torch.from_numpy(np.append(heard[:, :5] == 0, np.zeros((len(heard), 1), bool), 1))
    source = (which.masked_fill(absent, -torch.inf).softmax(-1).cumsum(-1) < 0.5).sum(-1)
    fresh = (own.softmax(-1).cumsum(-1) < 0.5).sum(-1).clamp(1)
    expected = [heard[i, s] if s < 5 else int(fresh[i]) for i, s in enumerate(source.tolist())]
    assert expected == velocity.tolist()


def test_same_seed_same_strokes_and_a_track_of_another_seed_changes_no_other(model, song):
    first, second = strike(model, song), strike(model, song)
    assert first == second != strike(model, song, drums=2, piano=2)
    other = strike(model, song, piano=5)
    assert other.tracks[0] == first.tracks[0] and other.tracks[1] != first.tracks[1]
    assert touched(model, song, genre={}, seeds={"piano": 1}).tracks[0] == song.tracks[0]


def test_a_longer_song_begins_as_the_shorter_one(model, song):
    short = replace(song, tracks=tuple(t.with_notes(n for n in t.notes if n.onset < 8) for t in song.tracks))
    for whole, part in zip(strike(model, song).tracks, strike(model, short).tracks):
        begun = {(n.pitch, n.onset, n.velocity) for n in whole.notes}
        assert {(n.pitch, n.onset, n.velocity) for n in part.notes} <= begun


def test_a_track_struck_bar_by_bar_is_struck_as_it_is_all_at_once(model, song):
    """But for ends within reach of a bar line, which a bar that is already struck cannot know."""
    for track, whole in zip(song.tracks, strike(model, song).tracks):
        one = Hand(model, track.name, BAR, 1)
        parts = []
        for bar in range(4):
            before = one.copy()
            part = track.with_notes(n for n in track.notes if bar * 4 <= n.onset < bar * 4 + 4)
            parts += one.strike(part, {"jazz": 1.0}, 120.0).notes
            assert before.strike(part, {"jazz": 1.0}, 120.0).notes == tuple(parts[-len(part.notes) :])
        parts, notes = (sorted(each, key=lambda n: (n.pitch, n.onset)) for each in (parts, whole.notes))
        assert [(n.pitch, n.velocity) for n in parts] == [(n.pitch, n.velocity) for n in notes]
        assert all(abs(a.onset - b.onset) <= hand.BESIDE / 24 + 1e-6 for a, b in zip(parts, notes))


def test_every_note_is_struck_once_near_its_place_and_ends_before_it_is_struck_again(model, song):
    for before, after in zip(song.tracks, strike(model, song).tracks):
        assert sorted(n.pitch for n in before.notes) == sorted(n.pitch for n in after.notes)
        assert all(1 <= n.velocity <= 127 and n.onset >= 0 and n.duration > 0 for n in after.notes)
        places = {round(n.onset * 24) for n in before.notes}
        assert all(min(abs(n.onset * 24 - place) for place in places) <= hand.BESIDE + 1e-6 for n in after.notes)
        for pitch in {n.pitch for n in after.notes}:
            same = [n for n in after.notes if n.pitch == pitch]
            assert all(a.end <= b.onset + 1 / 24 + 1e-9 for a, b in pairwise(same))


def test_a_hand_has_the_manner_of_a_real_band_and_genres_it_does_not_know_none(model):
    assert manner(np.arange(3), np.array([80, 80, 80]), np.zeros(3)) == [6, 1, 1, 3, 1]
    assert manner(np.arange(20), np.arange(60, 80), np.array([0] * 19 + [2])) == [4, 4, 3, 1, 2]
    eighths = 12 * np.arange(8)
    assert manner(eighths, np.tile([90, 75], 4), np.zeros(8)) == [6, 2, 4, 6, 1]
    assert manner(eighths[::2], np.full(4, 90), np.zeros(4)) == [7, 1, 1, 3, 1]  # all on the beat: no accent
    assert all(n < size for n, size in zip(manner(np.arange(9), np.full(9, 127), np.ones(9)), SIZES))
    assert [tempo_class(t) for t in (20, 40, 80, 100_000)] == [0, 0, 3, 15]
    none = model.whole({}, [0] * 7)
    assert np.array_equal(model.whole({"polka": 1.0}, [0] * 7), none)
    assert not np.array_equal(model.whole({"rock": 1.0}, [0] * 7), none)


def test_the_shipped_hand_loads_and_a_damaged_one_is_refused(tmp_path):
    model = touch.load()
    assert set(model.manners) == set(model.network.config.genres) and all(map(len, model.manners.values()))
    checkpoint.save(tmp_path, system="touch", weights=model.network.state_dict(), model={"width": 3}, manners={})
    with pytest.raises(RequestError, match="does not describe a touch"):
        touch.load(tmp_path)
    assert PATH.name == "touch"
