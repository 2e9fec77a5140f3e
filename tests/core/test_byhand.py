"""Notes by hand: what is put into a song, what is held back, and that the rest stays as it was."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from engine import RequestError
from engine.core.byhand import PIANO, changed
from engine.core.midi import read_midi, write_midi
from engine.core.song import Note, Song
from tests.studio import tune

DRUMS, BASS, PIANO_TRACK = 0, 1, 2
NOTES = some.lists(
    some.tuples(some.integers(0, 60).map(lambda n: n / 4), some.integers(1, 16).map(lambda n: n / 4),
                some.integers(*PIANO), some.integers(1, 127)),
    min_size=1, max_size=30,
)  # fmt: skip


def rows(song: Song, track: int) -> list[tuple[float, float, int, int]]:
    return [(note.onset, note.duration, note.pitch, note.velocity) for note in song.tracks[track].notes]


@settings(deadline=None)
@given(NOTES)
def test_a_track_has_what_the_hand_drew_and_the_others_stay(notes: list[tuple[float, float, int, int]]) -> None:
    song = tune(3)
    after = changed(song, {PIANO_TRACK: notes})
    assert after.tracks[:2] == song.tracks[:2] and after.tempo == song.tempo
    assert {(n[0], n[2]) for n in rows(after, PIANO_TRACK)} == {(n[0], n[2]) for n in notes}
    for pitch in {n[2] for n in notes}:
        line = [n for n in rows(after, PIANO_TRACK) if n[2] == pitch]
        assert all(a[0] + a[1] <= b[0] for a, b in pairwise(line)), "one key is struck again when it was let go"
    assert rows(read_midi(write_midi(after)), PIANO_TRACK) == rows(after, PIANO_TRACK), "a file holds them"


def test_the_same_notes_are_the_same_song() -> None:
    song = tune(5)
    assert changed(song, {at: rows(song, at) for at in range(3)}) == song


@pytest.mark.parametrize(
    ("track", "note", "says"),
    [
        (PIANO_TRACK, (0.0, 1.0, 109, 90), "off the piano"),
        (PIANO_TRACK, (0.0, 1.0, 20, 90), "off the piano"),
        (DRUMS, (0.0, 1.0, 128, 90), "off the piano"),
        (BASS, (-0.25, 1.0, 40, 90), "before the song does"),
        (BASS, (0.0, 0.0, 40, 90), "a length"),
        (BASS, (0.0, 1.0, 40, 0), "a velocity"),
        (BASS, (float("nan"), 1.0, 40, 90), "an onset"),
        (BASS, (1e6, 1.0, 40, 90), "later than 30 minutes"),
        (3, (0.0, 1.0, 40, 90), "no such track"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(track: int, note: tuple[float, ...], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        changed(tune(3), {track: [note]})


def test_the_last_note_stays_and_a_key_off_the_piano_may_stay_where_it_was() -> None:
    with pytest.raises(RequestError, match="the last one stays"):
        changed(tune(3), {at: [] for at in range(3)})
    song = tune(3)
    low = Song((song.tracks[BASS].with_notes([Note(0, 1, 12)]),))
    assert rows(changed(low, {0: [(0.5, 1.0, 12, 80)]}), 0) == [(0.5, 1.0, 12, 80)]
