"""Songs are laid on bars and come back from them; what is heard otherwise, or cannot be kept, is said."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import RequestError
from engine.core.song import Note, Song, Track
from engine.player import vocabulary
from engine.player.bars import bars_of, lay, read_song
from engine.player.song import song_of
from tests.tiny_player import DRUMS, PIANO

notes = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 63), st.integers(1, 64), st.integers(0, 127)),
                 min_size=1, max_size=40, unique_by=lambda n: (n[0], n[1], n[3]))  # fmt: skip


@settings(deadline=None)
@given(notes)
def test_notes_on_sixteenths_are_laid_on_bars_and_come_back(rows):
    lane, step, length, pitch = np.array(sorted(rows, key=lambda row: row[1])).T
    length = np.where(lane == DRUMS, 1, length)
    on_bars = lay(lane, step * 6, length * 6, pitch, (4, 4))
    bars = bars_of(replace(on_bars, grid=np.zeros_like(on_bars.grid)))
    if (on_bars.grid == vocabulary.STRAIGHT).all():
        found = sorted(
            (k, n * 16 + s, d, p) for n, bar in enumerate(bars) for k, x in bar.lanes.items() for s, d, p in x
        )
        assert found == sorted(zip(lane.tolist(), step.tolist(), length.tolist(), pitch.tolist()))
        assert not on_bars.away.any()


def a_song(*notes, name="piano", meter=(4, 4)):
    return Song((Track(name).with_notes(Note(*note) for note in notes),), meter=meter)


def test_a_song_is_read_as_bars_and_comes_back_from_them():
    song = a_song((0, 1, 60), (1.5, 0.5, 62), (6, 3, 64))
    bars, remarks = read_song(song)
    assert remarks == () and [bar.lanes for bar in bars] == [
        {PIANO: [(0, 4, 60), (6, 2, 62)]},
        {PIANO: [(8, 12, 64)]},
        {},
    ]
    again = song_of(bars).tracks[PIANO].notes
    assert [(n.onset, n.duration, n.pitch) for n in again] == [(0, 1, 60), (1.5, 0.5, 62), (6, 3, 64)]
    assert read_song(song, shift=2)[0][0].lanes == {PIANO: [(0, 4, 62), (6, 2, 64)]}


@pytest.mark.parametrize(("song", "words"), [
    (a_song((0.1, 1, 60), (1, 1, 62)), "1 of 2 notes lie beside the grid"),
    (a_song((0, 20, 60)), "longer than four bars"),
])  # fmt: skip
def test_what_is_heard_otherwise_than_it_is_played_is_said(song, words):
    bars, (remark,) = read_song(song)
    assert words in remark and bars[0].lanes[PIANO]


@pytest.mark.parametrize(("song", "words"), [
    (a_song(), "no notes"),
    (a_song((0, 1, 60), name="kazoo"), "'kazoo' is none of the player's lanes"),
    (a_song((0, 1, 60), meter=(7, 8)), "not 7/8"),
    (a_song((512, 1, 60)), "129 bars; the player keeps at most 128"),
])  # fmt: skip
def test_a_song_that_cannot_be_kept_is_refused(song, words):
    with pytest.raises(RequestError, match=words):
        read_song(song)
