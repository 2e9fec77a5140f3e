"""The player's network: what it played before is all it hears, and it plays the same whatever is played beside it."""

import numpy as np
import pytest
import torch

from benchmarks.player import Cache, Piece, play, step
from engine.core.pianoroll import TRACKS
from engine.player import grammar, vocabulary
from engine.player.bars import Bar
from engine.player.network import CONTROLS, Config, Player
from engine.player.song import lanes_by_bar, song_of

COMBOS = [(36, 42), *[(35, 60 + n % 60) for n in range(vocabulary.COMBOS - 1)]]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Player(Config(("jazz", "rock"), width=32, layers=2, heads=2, hidden=48)).eval()


def piece(seed, bars=3, meter=(4, 4), genre=0, lanes=(0, 1, 2, 3, 4)):
    return Piece(np.eye(1, CONTROLS, 0, dtype=np.int64)[0] * genre, np.random.default_rng(seed), meter, bars, lanes)


def heard(tokens, meter=(4, 4)):
    numbers, bits = np.zeros((len(tokens), grammar.NUMBERS), np.int64), np.zeros((len(tokens), grammar.BITS), np.uint8)
    grammar.walk(grammar.start(meter), np.array(tokens), numbers, bits)
    return torch.tensor(tokens)[None], torch.from_numpy(numbers)[None], torch.from_numpy(bits).float()[None]


def test_a_step_with_what_was_kept_equals_the_whole(network):
    one = piece(1, bars=2)
    play(network, [one])
    inputs, controls = heard(one.tokens), torch.from_numpy(one.controls)[None]
    with torch.inference_mode():
        whole = network(*inputs, controls)[0]
        cache = Cache(len(network.blocks))
        steps = [
            step(network, cache, (*(x[:, i : i + 1] for x in inputs), controls))[0] for i in range(len(one.tokens))
        ]
    torch.testing.assert_close(torch.stack(steps), whole, atol=1e-4, rtol=1e-4)


def test_no_token_hears_what_comes_after_it(network):
    one = piece(2, bars=2)
    play(network, [one])
    inputs, controls = heard(one.tokens), torch.from_numpy(one.controls)[None]
    with torch.inference_mode():
        short = network(*(x[:, :20] for x in inputs), controls)
        torch.testing.assert_close(short[0], network(*inputs, controls)[0, :20], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("meter", sorted(vocabulary.METERS))
def test_what_it_plays_keeps_the_grammar_and_has_its_bars(network, meter):
    one = piece(3, meter=meter)
    play(network, [one])
    assert grammar.first_fault(grammar.start(meter), np.array(one.tokens)) == -1
    assert len(lanes_by_bar(one.tokens, COMBOS)) == 3
    assert [token - vocabulary.GO for token in one.tokens if vocabulary.GO <= token < vocabulary.TRACK] == [0, 1, 2]
    song = song_of([Bar(grid, lanes=lanes) for grid, lanes in lanes_by_bar(one.tokens, COMBOS)], meter)
    assert [track.name for track in song.tracks][:5] == list(TRACKS) and song.meter == meter
    assert max(note.end for track in song.tracks for note in track.notes) <= 3 * vocabulary.METERS[meter] / 24


def test_a_piece_is_the_same_alone_and_among_others_and_begins_as_a_longer_one(network):
    alone, among, longer = piece(5), piece(5), piece(5, bars=5)
    play(network, [alone])
    play(network, [piece(6, bars=1), among, piece(7, genre=1), longer])
    assert among.tokens == alone.tokens == longer.tokens[: len(alone.tokens)]
    assert longer.tokens[len(alone.tokens)] == vocabulary.GO + 3


def test_a_players_controls_are_heard_from_where_it_begins_to_play(network):
    tokens = [vocabulary.PLAN, vocabulary.bar(0), vocabulary.chord(0), vocabulary.chord(0), vocabulary.GO,
              vocabulary.track(1, 0), vocabulary.event(0, 4), vocabulary.PITCH + 60,
              vocabulary.track(3, 0)]  # fmt: skip
    controls = torch.zeros(1, CONTROLS, dtype=torch.long)
    busy_bass = controls.clone()
    busy_bass[0, 2 + 3] = 7
    with torch.inference_mode():
        one, other = (network(*heard(tokens), c)[0] for c in (controls, busy_bass))
    assert torch.equal(one[:-1], other[:-1]) and not torch.equal(one[-1], other[-1])


def test_only_the_lanes_that_may_play_are_written(network):
    one, tune = piece(9, bars=6, lanes=(vocabulary.DRUMS, 3)), piece(9, bars=6, lanes=(vocabulary.LEAD,))
    play(network, [one, tune])
    for made, lanes in ((one, {vocabulary.DRUMS, 3}), (tune, {vocabulary.LEAD})):
        written = {lane for _, bar in lanes_by_bar(made.tokens, COMBOS) for lane in bar}
        assert written and written <= lanes


def test_the_likeliest_is_what_temperature_nothing_plays(network):
    one, other = piece(1), piece(2)
    play(network, [one, other], temperature=0)
    assert one.tokens == other.tokens


def test_a_longer_piece_is_planned_section_by_section(network):
    one = piece(4, bars=vocabulary.SECTION + 1)
    play(network, [one])
    assert one.tokens.count(vocabulary.PLAN) == 2 and len(lanes_by_bar(one.tokens, COMBOS)) == 9


def test_a_bar_that_comes_again_is_filled_in():
    plan = [vocabulary.PLAN, *[vocabulary.bar(0), vocabulary.chord(0), vocabulary.chord(-1)] * 2]
    piano = [vocabulary.track(1, 0), vocabulary.event(4, 8), vocabulary.PITCH + 60]
    drums = [vocabulary.track(0, 0), vocabulary.event(0, 1), vocabulary.COMBO]
    tokens = [*plan, vocabulary.GO, *piano, *drums, vocabulary.GO + 1, vocabulary.track(1, 1)]
    song = song_of([Bar(grid, lanes=lanes) for grid, lanes in lanes_by_bar(tokens, COMBOS)], shift=-2)
    assert [(n.onset, n.duration, n.pitch) for n in song.tracks[1].notes] == [(1, 2, 58), (5, 2, 58)]
    assert [(n.onset, n.pitch) for n in song.tracks[0].notes] == [(0, 36), (0, 42)]
