"""Inside the player: the surprises are the network's own, and what is looked at is what was played."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from engine.core.chords import NONE
from engine.player import grammar, inside, playing
from engine.player import vocabulary as v
from engine.player.brief import Brief
from engine.player.playing import LATELY, perform
from tests.player.test_playing import Fewest
from tests.tiny_player import BASS, DRUMS, LEAD, PIANO, TUNE


def looked_at(model, **asked):
    brief = Brief(**asked)
    return inside.written(model, brief), list(islice(perform(model, brief), v.SECTION))


def rows(look, bars):
    """The notes of a look and of bars, as (bar, lane, row)."""
    return ({(note.bar, note.lane, note.row) for note in look.notes},
            {(look.bars.start + n, lane, row) for n, bar in enumerate(bars) for lane, each in bar.lanes.items()
             for row in each})  # fmt: skip


@pytest.mark.parametrize("asked", [
    {"seed": 3}, {"seed": 4, "genre": {"rock": 1.0, "jazz": 2.0}, "chords": {0: 5, 1: 31}, "temperature": 0.8},
    {"seed": 5, "given": {n: TUNE[n] for n in range(8)}, "genre": {"rock": 1.0}},
])  # fmt: skip
def test_what_is_looked_at_is_what_is_played(model, asked):
    look, bars = looked_at(model, bars=8, **asked)
    seen, played = rows(look, bars)
    assert seen == played and look.grids == tuple(bar.grid for bar in bars)
    planned = [chord for bar in bars for chord in bar.chords]
    assert [chord.number for chord in look.chords] == planned
    given = asked.get("chords", {})
    assert [chord.half for chord in look.chords if chord.probability is None] == sorted(given)
    assert all(note.bits is None for note in look.notes if note.lane == LEAD)
    for note in look.notes:
        new = look.origin.get((note.bar, note.lane), 0) in (0, *range(v.RHYTHM, len(v.RELATIONS)))
        assert (note.bits is not None) == (new and note.lane != LEAD) or note.lane == LEAD


@torch.no_grad()
def pytorch(model, brief, tokens):
    """-log2 of what PyTorch gives each token after those before it."""
    numbers, bits = np.zeros((len(tokens), grammar.NUMBERS), np.int64), np.zeros((len(tokens), grammar.BITS), np.uint8)
    grammar.walk(grammar.start(brief.meter, model.classes), tokens, numbers, bits)
    controls = torch.from_numpy(brief.controls())[None]
    controls[0, 0] = model.genres.index(next(iter(brief.genre)))
    inputs = [torch.from_numpy(array)[None] for array in (tokens, numbers, bits.astype(np.float32))]
    chances = model.network(*inputs, controls)[0, :-1].log_softmax(-1)
    return np.append(0, -chances.gather(1, inputs[0][0, 1:, None])[:, 0].numpy() / np.log(2))


@pytest.mark.parametrize("asked", [{"seed": 3}, {"seed": 5, "given": {n: TUNE[n] for n in range(4)}}])
def test_the_surprises_are_what_pytorch_gives_and_what_was_given_has_none(model, asked):
    brief = Brief(4, {"rock": 1.0}, temperature=0.9, **asked)
    look = inside.written(model, brief)
    expected = pytorch(model, brief, look.tokens)
    assert look.drawn.sum() > 20 and look.bits[~look.drawn].sum() == 0
    np.testing.assert_allclose(look.bits[look.drawn], expected[look.drawn], atol=1e-3)
    assert look.per_token == pytest.approx(expected[look.drawn].mean(), abs=1e-4)


def test_a_later_section_is_looked_at_after_those_before_it_and_what_is_given_has_no_surprise(model):
    brief = Brief(12, {"jazz": 1.0}, seed=2, lanes=(DRUMS, PIANO, BASS))
    look = inside.written(model, brief, first=8)
    seen, played = rows(look, list(perform(model, brief))[8:])
    assert look.bars == range(8, 12) and seen == played
    given = Brief(2, given={n: {lane: [(0, 4, 60)] if lane == PIANO else [] for lane in range(5)} for n in range(2)})
    look = inside.written(model, given)
    assert [note.bits for note in look.notes] == [None, None] and not len(look.tokens) and look.per_token == 0
    assert all(chord.number >= NONE for chord in look.chords)


@pytest.mark.parametrize("asked", [{}, {"chords": {0: 5, 17: 31}, "given": {n: TUNE[n] for n in range(8)}}])
def test_of_what_was_played_lately_only_what_was_taken_is_written_once_more(model, asked, monkeypatch):
    brief = Brief(16, {"rock": 1.0}, seed=3, **asked)
    ranked = replace(model, ranker=Fewest())
    fresh = {first: inside.written(replace(ranked), brief, first) for first in (0, 8)}
    bars = list(perform(ranked, brief))
    monkeypatch.setattr(playing, "candidates_of", None)
    for first, look in fresh.items():
        again = inside.written(ranked, brief, first)
        assert rows(again, bars[first : first + 8])[0] == rows(again, bars[first : first + 8])[1]
        assert (again.notes, again.chords, again.origin, again.scores) == (
            look.notes, look.chords, look.origin, look.scores)  # fmt: skip
        np.testing.assert_array_equal(again.bits, look.bits)
    monkeypatch.undo()
    for seed in range(LATELY):
        list(perform(ranked, Brief(1, {"rock": 1.0}, seed=seed)))
    assert len(ranked.lately) == LATELY and repr(brief) not in ranked.lately
