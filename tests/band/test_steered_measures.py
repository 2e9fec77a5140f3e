"""How the band follows what it is given, measured: worked out by hand."""

import numpy as np
import pytest

from engine.core.song import Note, Song, Track
from engine.player.bars import Bar
from training.band import steered

PIANO, BASS = 1, 3
C, G = 0, 7


def test_the_bass_is_on_the_root_where_it_sounds_in_the_first_beat_of_a_chord_that_is_new():
    """Right on C, silent when G comes, which is asked of nobody; wrong on the C that comes back."""
    bars = [Bar(lanes={BASS: [(0, 8, 36)]}), Bar(lanes={BASS: [(4, 4, 43)], PIANO: [(0, 4, 43)]}),
            Bar(lanes={BASS: [(0, 4, 40), (4, 4, 36)]})]  # fmt: skip
    assert steered.bass_on_root(bars, [C, C, G, G, C, C]) == pytest.approx(1 / 2)
    assert np.isnan(steered.bass_on_root([Bar()], [C, C]))


def test_clashes_are_beats_in_which_the_band_is_a_semitone_or_a_minor_ninth_away_for_half_a_beat():
    tune = [Note(n, 1.0, 72) for n in range(8)]

    def clashes(*notes):
        band = Song((Track("piano").with_notes([Note(0, 8, 48), *notes]),))
        return steered._tune_beside(tune, band, np.zeros(4, int), band)[1]

    assert clashes() == clashes(Note(1, 0.25, 73)) == clashes(Note(1, 1, 61), Note(1, 1, 84)) == 0
    assert clashes(Note(1, 0.5, 73)) == clashes(Note(1, 1, 71), Note(1, 1, 59)) == pytest.approx(1 / 8)
    assert clashes(Note(1.5, 1.0, 85)) == pytest.approx(2 / 8)


def test_chords_agree_where_root_and_family_do():
    song = Song((Track("piano").with_notes([Note(at, 2, pitch) for at, chord in ((0, (48, 64, 67)), (2, (43, 59, 62)))
                                            for pitch in chord]),))  # fmt: skip
    seventh = 2 * 12 + G
    for written, share in (([C, G], 1), ([C, C], 0.5), ([C, seventh], 0.5), ([C, -1], 1), ([4 * 12 + C, G], 1)):
        assert steered._tune_beside([Note(0, 4, 72)], song, np.array(written), song)[2] == pytest.approx(share), written


@pytest.mark.parametrize("root, quality, name", [(0, "maj", "C"), (9, "min7", "Am"), (7, "7", "G7"), (255, "", "N.C.")])
def test_chords_of_pop909_are_named_by_family(root, quality, name):
    assert steered._pop_chord(root, quality) == name
