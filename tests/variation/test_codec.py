"""What a variation may be held to: chords that end together, no short note alone, what repeats still repeats."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.core.pianoroll import PITCHES, STEPS, note_ends
from engine.variation.codec import ends_together, for_all_alike, without_specks


def window(*notes):
    """Notes (step, row, length) as bool [2, 16, 72]."""
    roll = np.zeros((2, STEPS, PITCHES), bool)
    for step, row, length in notes:
        roll[0, step, row] = True
        roll[1, step : step + length, row] = True
    return roll


def notes(roll):
    ends = note_ends(*roll)
    return sorted((int(s), int(r), int(ends[s, r] - s)) for s, r in np.argwhere(roll[0]))


def held(varied, *song):
    [out] = ends_together(varied[None], np.stack(song))[:1]
    return notes(out)


CHORD, FRAYED = window((0, 40, 4), (0, 44, 4)), window((0, 40, 4), (0, 44, 7))


def test_a_frayed_chord_ends_at_its_median_where_the_songs_chords_end_together():
    frayed = window((0, 30, 2), (0, 34, 6), (0, 37, 8), (8, 30, 3))
    assert held(frayed, CHORD) == [(0, 30, 6), (0, 34, 6), (0, 37, 6), (8, 30, 3)]
    assert held(frayed, FRAYED) == notes(frayed)


def test_a_window_without_chords_follows_its_lane():
    line, frayed = window((0, 40, 4)), window((0, 30, 2), (0, 34, 6))
    varied = np.stack([frayed] * 3)
    followed = ends_together(varied, np.stack([line, CHORD, CHORD]))
    assert notes(followed[0]) == [(0, 30, 2), (0, 34, 2)]
    assert notes(ends_together(varied, np.stack([line, FRAYED, FRAYED]))[0]) == notes(frayed)
    assert held(frayed, line) == notes(frayed), "no chord says how they end"


def test_a_chord_ends_before_its_notes_begin_again_and_what_is_held_over_goes_on():
    again = window((0, 30, 2), (0, 34, 6), (0, 37, 8), (3, 30, 1))
    assert held(again, CHORD) == [(0, 30, 3), (0, 34, 6), (0, 37, 6), (3, 30, 1)]
    over = window((4, 30, 2), (4, 34, 4))
    over[1, :4, 50] = True
    [out] = ends_together(over[None], CHORD[None])
    assert out[1, :4, 50].all() and not out[1, 4:, 50].any()


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 8), st.integers(1, 16)), max_size=12), st.integers(0, 1))
def test_no_note_begins_elsewhere(drawn, song):
    varied = window(*[(step, row, min(length, STEPS - step)) for step, row, length in drawn])
    [out] = ends_together(varied[None], (CHORD, FRAYED)[song][None])
    assert (out[0] == varied[0]).all() and (out[1] | ~out[0]).all()


@pytest.mark.parametrize(
    ("varied", "stays"),
    [
        (window((0, 40, 4), (9, 60, 1)), False),
        (window((0, 40, 4), (9, 60, 2)), True),  # a note that lasts
        (window((0, 40, 4), (9, 60, 1), (9, 63, 1)), True),  # a chord
        (window((0, 40, 4), (9, 60, 1), (12, 62, 1)), True),  # of a figure
        (window((9, 60, 1)), True),  # all there is
    ],
)
def test_a_new_short_note_that_stands_alone_is_none(varied, stays):
    [out] = without_specks(varied[None], CHORD[None])
    assert bool(out[0, 9, 60]) == bool(out[1, 9, 60]) == stays
    assert without_specks(varied[None], varied[None]).tolist() == [varied.tolist()], "the song's own"


def test_windows_that_are_the_same_lose_the_same():
    lost = torch.tensor([[1.0, 2.0], [5.0, 5.0], [3.0, 4.0]]).view(3, 1, 2)
    alike = for_all_alike(lost, np.stack([CHORD, FRAYED, CHORD]))
    assert alike.view(3, 2).tolist() == [[2.0, 3.0], [5.0, 5.0], [2.0, 3.0]]
