"""The player learns from songs: what is prepared is what was played, windows keep the grammar, a branch ships."""

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.core import checkpoint
from engine.player import grammar, vocabulary
from engine.player.desk import groove
from engine.player.lanes import decode
from engine.player.levels import busyness, register
from engine.player.playing import SCORE_ORDER
from tests.tiny_player import tiny_player
from training.core.data import SongNotes
from training.player import train
from training.player.grooves import grooves
from training.player.prepare import NO_LEAD, OWN_LEAD, lanes_of, lead_of, on_bars, prepare, with_meters
from training.player.windows import STRIDE, Windows

SIXTEENTH = 6
CHORDS = ((60, 64, 67), (57, 60, 64), (65, 69, 72), (67, 71, 74))


def song(bars=12, split="train", transposed=0, grid=SIXTEENTH):
    """Chords on the piano, a bass, drums, and a tune on the strings that moves every beat; all in C."""
    rows = []
    for bar in range(bars):
        at, chord = bar * 96, CHORDS[bar % 4]
        rows += [(1, at, 48, pitch) for pitch in chord] + [(3, at, 90, chord[0] - 24), (0, at, 6, 36), (0, at, 6, 42)]
        rows += [(4, at + beat * 24, 20, chord[beat % 3] + 12 + beat) for beat in range(4)]
        rows += [(2, at + 2 * grid, grid, chord[1])] if bar % 2 else []
    track, onset, duration, pitch = np.array(sorted(rows, key=lambda row: row[1])).T
    pitch = pitch + np.where(track > 0, transposed, 0)
    return SongNotes(track.astype(np.uint8), onset, duration, pitch.astype(np.uint8), np.full(len(track), 80, np.uint8),
                     "jazz", split, 120.0)  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("player")
    songs = [song(16, split, k) for split, k in (("train", 0), ("train", 3), ("val", -2), ("test", 5))]
    prepare([(one, (4, 4)) for one in songs], folder)
    return folder


def test_a_song_comes_back_note_for_note():
    one = song(grid=4)  # the guitar's bars hold a triplet
    laid = on_bars(one, (4, 4), 0)
    found = []
    for bar, (lists, _) in enumerate(lanes_of(laid, {})):
        unit = vocabulary.UNITS[laid.grid[bar]]
        for lane in range(5):
            found += [(lane, bar * 96 + step * unit, pitch) for step, _, pitch in decode(lists[lane], [])]
    assert sorted(found) == sorted(zip(one.track.tolist(), one.onset.tolist(), one.pitch.tolist()))


def test_a_note_played_early_belongs_to_the_next_bar_and_a_very_long_one_is_cut():
    early = SongNotes(*(np.array([x]) for x in (1, 94, 20 * 96, 60, 80)), "", "train", 120.0)
    laid = on_bars(early, (4, 4), 0)
    assert (laid.bar.tolist(), laid.step.tolist(), laid.length.tolist()) == ([1], [0], [vocabulary.MAX_LENGTH])


def test_songs_are_moved_to_one_key_and_their_chords_named(prepared):
    with np.load(prepared / "songs.npz") as songs:
        assert songs["shift"].tolist() == [0, -3, 2, -5] and songs["genre"].tolist() == [1] * 4
    bars = np.load(prepared / "bars.npy")
    assert bars[:4, 1].tolist() == [0, 12 + 9, 5, 7] and json.loads((prepared / "combos.json").read_text()) == [
        [36, 42]
    ]


def test_the_tune_has_the_lead_and_what_is_left_is_the_rest(prepared):
    laid = on_bars(song(), (4, 4), 0)
    assert lead_of(laid, 0, 8) == 4 and lead_of(laid, 200, 8) == NO_LEAD
    lists, lead = next(iter(lanes_of(laid, {})))
    assert lead == 4 and lists[5] == lists[4] and lists[6] == []


def test_a_tune_of_its_own_is_the_lead_and_leaves_its_band_whole(tmp_path):
    """A song of POP909: a melody, a bridge and a piano; a song whose bars have six beats is left out."""
    notes = {"track": [0, 2, 1, 2], "onset": [0, 0, 24, 96], "dur": [24, 90, 24, 90], "pitch": [72, 48, 67, 50]}
    np.savez(tmp_path / "pop909.npz", song=[20, 21], offsets=[0, 4, 4], vel=[80] * 4, meter=[4, 6], qpm=[90.0, 90.0],
             **notes)  # fmt: skip
    one = song()
    np.savez(tmp_path / "songs.npz", offsets=[0, len(one.onset)], track=one.track, onset=one.onset, dur=one.duration,
             pitch=one.pitch, vel=one.velocity, genre=["jazz"], split=["train"], qpm=[120.0])  # fmt: skip
    (_, meter), (pop, pop_meter) = with_meters(tmp_path)
    assert meter == pop_meter == (4, 4) and pop.split == "val" and pop.label == ""
    lists, lead = next(iter(lanes_of(on_bars(pop, (4, 4), 0), {})))
    assert lead == OWN_LEAD and [len(tokens) > 0 for tokens in lists] == [False, True, False, False, True, True, False]


def test_what_is_asked_is_what_follows_and_no_place_to_go_on(prepared):
    windows, rng = Windows(prepared, "train"), np.random.default_rng(1)
    for one in (windows.draw(rng) for _ in range(40)):
        asked = one.targets != vocabulary.PAD
        following = np.append(one.tokens[1:], vocabulary.PLAN)
        go_on = (following == vocabulary.PLAN) | ((following >= vocabulary.GO) & (following < vocabulary.TRACK))
        assert np.array_equal(one.targets[asked & ~go_on], following[asked & ~go_on])
        assert (one.targets[asked & go_on] == vocabulary.END).all()
        planned = (one.tokens >= vocabulary.CHORD) & (one.tokens < vocabulary.GO) & go_on
        assert planned.any() and not asked[planned].any()
        assert asked.mean() > 0.5


def test_given_lanes_are_written_first_in_full_and_bars_may_be_left_for_last(prepared):
    windows, rng = Windows(prepared, "train"), np.random.default_rng(2)
    visits = []
    for one in (windows.draw(rng) for _ in range(60)):
        gone = one.tokens[(one.tokens >= vocabulary.GO) & (one.tokens < vocabulary.TRACK)] - vocabulary.GO
        visits.append((len(gone) > len(set(gone.tolist())), bool((np.diff(gone) > 1).any())))
    assert {(False, False), (True, False), (False, True)} <= set(visits)


def test_windows_keep_the_grammar_whatever_their_order_and_say_what_returns(prepared):
    windows, rng = Windows(prepared, "train"), np.random.default_rng(0)
    drawn = [windows.draw(rng) for _ in range(40)]
    assert all(grammar.first_fault(grammar.start(), one.tokens) == -1 for one in drawn)
    relations = {int(token - vocabulary.TRACK) % len(vocabulary.RELATIONS) for one in drawn for token in one.tokens
                 if vocabulary.TRACK <= token < vocabulary.EVENT}  # fmt: skip
    assert relations >= {0, vocabulary.RELATIONS.index(1), vocabulary.RELATIONS.index(4)}
    lanes = {int(token - vocabulary.TRACK) // len(vocabulary.RELATIONS) for one in drawn for token in one.tokens
             if vocabulary.TRACK <= token < vocabulary.EVENT}  # fmt: skip
    assert vocabulary.LEAD in lanes
    assert {bool(one.controls[2]) for one in drawn} == {True, False}


def test_a_beginning_is_a_few_bars_in_the_scores_order(prepared):
    windows, rng = Windows(prepared, "train"), np.random.default_rng(0)
    for one in (windows.beginning(0, rng) for _ in range(20)):
        tracks = one.tokens[(one.tokens >= vocabulary.TRACK) & (one.tokens < vocabulary.EVENT)] - vocabulary.TRACK
        bars = np.split(tracks // len(vocabulary.RELATIONS), np.flatnonzero(tracks // len(vocabulary.RELATIONS) == 0))
        assert not len(bars[0]) and 1 <= len(bars[1:]) <= STRIDE
        assert all((np.diff([SCORE_ORDER.index(lane) for lane in bar]) > 0).all() for bar in bars)


def test_the_drums_of_a_genres_first_bars_are_raised_where_its_songs_have_them(prepared):
    rates = grooves(tiny_player(), Windows(prepared, "train"), beginnings=60)  # the songs are of the second genre
    assert rates[groove("rock", "kick", 0)] > 0 < rates[groove("rock", "hat", 0)]
    assert rates[groove("rock", "others", 0)] < 0
    assert all(name.startswith("groove, rock, ") and name.endswith(", 0") for name in rates)


def test_levels_rise_with_what_they_measure():
    assert [busyness(n, 2) for n in (1, 4, 40)] == [1, 3, 7]
    assert [register(p) for p in (20, 40, 64, 120)] == [1, 2, 4, 7]


@pytest.mark.training
def test_a_tiny_player_learns_resumes_to_the_step_and_ships_a_branch(prepared, tmp_path, monkeypatch):
    options = {"config": train.Config(("a",) * 8, 32, 1, 2, 48), "minutes": None, "batch": 2, "lr": 0.02, "seed": 0,
               "precision": "no", "evaluate_every": 10, "held_out": 2}  # fmt: skip
    whole = train.train(prepared, tmp_path / "whole", steps=20, **options)
    train.train(prepared, tmp_path / "parts", steps=12, **options)
    parts = train.train(prepared, tmp_path / "parts", steps=20, **options)
    for name, weight in whole.plain("player").state_dict().items():
        assert np.array_equal(weight, parts.plain("player").state_dict()[name]), name
    log = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    scores = [row["score"] for row in log if "score" in row]
    assert scores[-1] < scores[0]
    branch = train.branch(tmp_path / "whole")
    train.train(prepared, branch, steps=0, decay=6, **options)
    assert train.branch(tmp_path / "whole") == branch
    monkeypatch.setattr(train.cards, "kept", lambda folder: {})
    train.export(prepared, branch, tmp_path / "checkpoint", options["config"], 0)
    stored = checkpoint.load(tmp_path / "checkpoint", "player")
    again = train.train(prepared, tmp_path / "again", steps=0, start=tmp_path / "checkpoint", **options)
    begun = again.plain("player").state_dict()["head.weight"]
    assert np.array_equal(begun.numpy(), stored.weights["head.weight"])
    further = train.train(prepared, tmp_path / "further", steps=1, start=tmp_path / "checkpoint", **options)
    assert not np.array_equal(further.plain("player").state_dict()["head.weight"].numpy(), begun.numpy())
    assert stored.model["width"] == 32 and stored.model["combos"] == [[36, 42]] and stored.config["steps"] == 26


def test_a_song_of_another_split_is_never_drawn(prepared):
    assert Windows(prepared, "val").songs.tolist() == [2]
    assert replace(song(), split="val").split == "val"
