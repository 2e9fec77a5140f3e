"""The critic's features against bars worked out by hand, and its verdict against what is known to be alike or not."""

import numpy as np
import pytest

from training.core.critic import FEATURES, Phrase, Sample, compare, extract, families
from training.core.critic.phrase import BASS, DRUMS, GUITAR, PIANO, STRINGS

SIXTEENTH = 6


def phrase(*notes, bars=1):
    """Notes (track, step, steps, pitch[, velocity[, ticks off the grid]])."""
    whole = [(*note, *(80, 0)[len(note) - 4 :]) for note in notes]
    track, step, steps, pitch, velocity, off = np.array(whole, int).reshape(-1, 6).T
    return Phrase(bars, track, step * SIXTEENTH + off, steps * SIXTEENTH, pitch, velocity)


def chord(track, step, steps, *pitches):
    return [(track, step, steps, pitch) for pitch in pitches]


def tune(track, *pitches, step=2):
    return [(track, i * step, step, pitch) for i, pitch in enumerate(pitches)]


C, F, G = (48, 52, 55), (53, 57, 60), (55, 59, 62)
CADENCE = [n for bar, notes in enumerate((C, F, G, C)) for n in chord(PIANO, bar * 16, 16, *notes)]
BEAT = [(DRUMS, 16 * b + s, 1, p) for b in range(4) for s, p in ((0, 36), (4, 38), (8, 36), (12, 38))]
HATS = [(DRUMS, s, 1, 42) for s in range(0, 64, 2)]
TWICE = [(BASS, 16 * b + s, 4, 36 + 5 * b) for b in range(2) for s in (0, 8)]

WORKED = [  # feature, phrase, its value by hand
    ("in key", phrase(*chord(PIANO, 0, 16, 60, 64, 67)), 1.0),
    ("in key", phrase(*tune(PIANO, 60, 62, 64, 65, 67, 69, 71, 61)), 7 / 8),
    ("chord tones", phrase(*chord(PIANO, 0, 16, *C), (GUITAR, 0, 8, 62)), 6 / 7),
    ("chord changes within bars", phrase(*chord(PIANO, 0, 8, *C), *chord(PIANO, 8, 8, *G)), 1.0),
    ("chord changes at bars", phrase(*CADENCE, bars=4), 1.0),
    ("roots by fourths", phrase(*CADENCE, bars=4), 2 / 3),
    ("roots by thirds", phrase(*CADENCE, bars=4), 0.0),
    ("roots by steps", phrase(*CADENCE, bars=4), 1 / 3),
    ("different chords", phrase(*CADENCE, bars=4), 3 / 4),
    ("minor chords", phrase(*chord(PIANO, 0, 8, 48, 51, 55), *chord(PIANO, 8, 8, *C)), 0.5),
    ("sevenths and fourths", phrase(*chord(PIANO, 0, 8, 43, 47, 50, 53), *chord(PIANO, 8, 8, *C)), 0.5),
    ("pitch classes a bar", phrase(*chord(PIANO, 0, 16, 48, 52, 60)), 2.0),
    ("tracks apart", phrase((PIANO, 0, 16, 60), (GUITAR, 0, 16, 48)), 0.0),
    ("voices, piano", phrase(*chord(PIANO, 0, 4, *C), (PIANO, 8, 4, 60)), 2.0),
    ("voices vary, piano", phrase(*chord(PIANO, 0, 4, *C), (PIANO, 8, 4, 60)), 1.0),
    ("as many voices as before, piano", phrase(*CADENCE, bars=4), 1.0),
    ("chords end together, guitar", phrase(*chord(GUITAR, 0, 4, 50, 54), (GUITAR, 8, 4, 50), (GUITAR, 8, 6, 57)), 0.5),
    ("chord span, piano", phrase(*chord(PIANO, 0, 4, *C)), 7.0),
    ("seconds within chords, piano", phrase(*chord(PIANO, 0, 4, *C), *chord(PIANO, 8, 4, 60, 62)), 0.5),
    ("same chord again, piano", phrase(*chord(PIANO, 0, 4, *C), *chord(PIANO, 8, 4, *C)), 1.0),
    ("bass on one", phrase((BASS, 0, 4, 36), (BASS, 18, 4, 36), bars=2), 0.5),
    ("bass on three", phrase((BASS, 8, 4, 36)), 1.0),
    ("bass rhythm kept", phrase(*TWICE, (BASS, 4, 2, 40), bars=2), 2 / 3),
    ("bass between eighths", phrase((BASS, 0, 1, 36), (BASS, 3, 1, 36)), 0.5),
    ("bass with kick", phrase((BASS, 0, 1, 36), (BASS, 3, 1, 36), (DRUMS, 0, 1, 36)), 0.5),
    ("bass plays the root", phrase(*CADENCE, (BASS, 0, 4, 36), (BASS, 16, 4, 36), bars=4), 0.5),
    ("bass voices", phrase((BASS, 0, 4, 36), (BASS, 2, 2, 40)), 0.5),
    ("bass most voices", phrase((BASS, 0, 4, 36), (BASS, 2, 2, 40)), 2.0),
    ("bass repeats its note", phrase(*tune(BASS, 36, 36, 40)), 0.5),
    ("bass octaves", phrase(*tune(BASS, 36, 48, 50)), 0.5),
    ("bass fourths and fifths", phrase(*tune(BASS, 36, 43, 38)), 1.0),
    ("bass steps", phrase(*tune(BASS, 36, 38, 45)), 0.5),
    ("bass leaps", phrase(*tune(BASS, 36, 45, 33)), 0.5),
    ("bass pitches a bar", phrase(*tune(BASS, 36, 38, 36)), 2.0),
    ("bass legato", phrase((BASS, 0, 4, 36), (BASS, 4, 2, 38), (BASS, 8, 2, 40)), 0.5),
    ("bass overlaps", phrase((BASS, 0, 6, 36), (BASS, 4, 4, 38), (BASS, 8, 2, 40)), 0.5),
    ("bass bar again", phrase((BASS, 0, 4, 36), (BASS, 16, 4, 36), bars=2), 1.0),
    ("bass figure moved", phrase(*TWICE, bars=2), 1.0),
    ("bass range", phrase(*tune(BASS, 36, 48)), 12.0),
    ("line repeats, piano", phrase(*tune(PIANO, 60, 60, 64)), 0.5),
    ("line steps, strings", phrase(*tune(STRINGS, 60, 62, 70)), 0.5),
    ("line leaps, strings", phrase(*tune(STRINGS, 60, 62, 70)), 0.5),
    ("line turns, piano", phrase(*tune(PIANO, 60, 62, 60, 62, 64)), 2 / 3),
    ("leap is answered, piano", phrase(*tune(PIANO, 60, 69, 67, 60, 58)), 0.5),
    ("line range, piano", phrase(*tune(PIANO, 60, 69)), 9.0),
    ("line height, guitar", phrase(*tune(GUITAR, 60, 70)), 65.0),
    ("motif returns, piano", phrase(*tune(PIANO, *(60, 62, 64, 65, 67), *(60, 62, 64, 65, 67), step=1)), 1 / 6),
    ("motif moved, piano", phrase(*tune(PIANO, *(60, 62, 64, 65, 67), *(62, 64, 66, 67, 69), step=1)), 1 / 6),
    ("rhythm kept, piano", phrase((PIANO, 0, 1, 60), (PIANO, 4, 1, 60), (PIANO, 16, 1, 65), bars=2), 0.5),
    ("rhythm of the bar before, piano", phrase((PIANO, 0, 1, 60), (PIANO, 16, 1, 65), bars=2), 1.0),
    ("bar again, piano", phrase((PIANO, 0, 1, 60), (PIANO, 16, 1, 65), bars=2), 0.0),
    ("bar of two before, piano", phrase((PIANO, 0, 1, 60), (PIANO, 32, 1, 60), bars=3), 1.0),
    ("between eighths, guitar", phrase((GUITAR, 1, 1, 60), (GUITAR, 2, 1, 60)), 0.5),
    ("on the beat, guitar", phrase((GUITAR, 4, 1, 60), (GUITAR, 2, 1, 60)), 0.5),
    ("on one, guitar", phrase((GUITAR, 0, 1, 60), (GUITAR, 20, 1, 60), bars=2), 0.5),
    ("note length, piano", phrase((PIANO, 0, 2, 60), (PIANO, 4, 8, 60)), 2.0),
    ("note lengths vary, piano", phrase((PIANO, 0, 2, 60), (PIANO, 4, 8, 60)), 1.0),
    ("shortest notes, piano", phrase((PIANO, 0, 1, 60), (PIANO, 4, 8, 60)), 0.5),
    ("odd lengths, piano", phrase((PIANO, 0, 1, 60), (PIANO, 4, 3, 60), (PIANO, 8, 2, 60)), 0.5),
    ("notes a bar, drums", phrase(*BEAT, bars=4), 4.0),
    ("notes a bar vary, piano", phrase((PIANO, 0, 1, 60), *tune(PIANO, 60, 62, 64), bars=2), float("nan")),
    ("silent bars, bass", phrase((BASS, 0, 1, 36), bars=4), 0.75),
    ("enters or leaves, bass", phrase((BASS, 0, 1, 36), bars=4), 1 / 3),
    ("tracks that play", phrase(*CADENCE, *BEAT, bars=4), 2.0),
    ("different rhythms", phrase(*CADENCE, bars=4), 0.25),
    ("busy steps", phrase(*BEAT, bars=4), 0.25),
    ("play together, piano and bass", phrase((PIANO, 0, 1, 60), (BASS, 0, 1, 36), (BASS, 8, 1, 36)), 0.5),
    ("bass keeps its density", phrase((BASS, 0, 1, 36), (BASS, 16, 1, 36), (BASS, 24, 1, 36), bars=2), 1.0),
    ("drum bar again", phrase(*BEAT, (DRUMS, 63, 1, 41), bars=4), 2 / 3),
    ("drum bar of two before", phrase(*BEAT, (DRUMS, 63, 1, 41), bars=4), 0.5),
    ("drums kept", phrase(*BEAT, bars=4), 1.0),
    ("half bar again", phrase(*BEAT, (DRUMS, 0, 1, 49), bars=1), 2 / 3),
    ("kinds of drums", phrase(*BEAT, bars=4), 2.0),
    ("drums struck once", phrase(*BEAT, (DRUMS, 63, 1, 41), bars=4), 1 / 3),
    ("crash on one", phrase((DRUMS, 0, 1, 49), (DRUMS, 8, 1, 57)), 0.5),
    ("backbeat", phrase((DRUMS, 0, 1, 36), (DRUMS, 4, 1, 38)), 0.5),
    ("snare elsewhere", phrase((DRUMS, 3, 1, 38), (DRUMS, 4, 1, 38)), 0.5),
    ("kick on one", phrase((DRUMS, 0, 1, 36), (DRUMS, 20, 1, 38), bars=2), 0.5),
    ("kick and snare at once", phrase((DRUMS, 4, 1, 36), (DRUMS, 4, 1, 38), (DRUMS, 12, 1, 38)), 0.5),
    ("hits a bar, hat", phrase(*HATS, bars=4), 8.0),
    ("even pulse, hat", phrase(*HATS, bars=4), 1.0),
    ("drum rhythm kept, snare", phrase(*BEAT, bars=4), 1.0),
    ("drums at once", phrase((DRUMS, 0, 1, 36), (DRUMS, 0, 1, 42), (DRUMS, 2, 1, 42)), 1.5),
    ("drums between eighths", phrase((DRUMS, 1, 1, 36), (DRUMS, 2, 1, 42)), 0.5),
    ("fills", phrase(*BEAT, *[(DRUMS, 48 + s, 1, 41) for s in (0, 4, 8, 12)], bars=4), 0.5),
    ("semitones between tracks", phrase((PIANO, 0, 4, 60), (GUITAR, 0, 2, 61), (GUITAR, 2, 2, 64)), 0.5),
    ("semitones within a track", phrase((PIANO, 0, 4, 60), (PIANO, 0, 2, 61)), 0.5),
    ("onsets that clash", phrase((PIANO, 0, 4, 60), (GUITAR, 2, 2, 61)), 0.5),
    ("crowded middle", phrase((PIANO, 0, 8, 60), (GUITAR, 0, 8, 64), (STRINGS, 0, 8, 67)), 0.5),
    ("unisons", phrase((PIANO, 0, 8, 60), (GUITAR, 0, 8, 60), (STRINGS, 0, 8, 67), (STRINGS, 4, 8, 69)), 0.5),
    ("pitches at once", phrase((PIANO, 0, 8, 60), (GUITAR, 0, 4, 64)), 1.5),
    ("bass is not lowest", phrase((BASS, 0, 4, 48), (PIANO, 0, 2, 40)), 0.5),
    ("height, strings", phrase(*tune(STRINGS, 60, 70)), 65.0),
    ("heights vary, strings", phrase(*tune(STRINGS, 60, 70)), 5.0),
    ("voices at once, piano", phrase((PIANO, 0, 4, 60), (PIANO, 2, 2, 64)), 1.5),
    ("silence between notes, piano", phrase((PIANO, 0, 4, 60)), 0.75),
    ("bars that return", phrase((PIANO, 0, 1, 60), (PIANO, 16, 1, 60), *tune(BASS, 36, 38, step=16), bars=2), 0.25),
    ("whole bars that return", phrase((PIANO, 0, 1, 60), (PIANO, 16, 1, 60), bars=2), 0.5),
    ("alike, 2 bars apart", phrase(*CADENCE, (PIANO, 32, 16, 48), bars=4), 1 / 5),
    ("rhythm alike, 2 bars apart", phrase(*CADENCE, bars=4), 1.0),
    ("chord returns, 2 bars apart", phrase(*CADENCE, bars=4), 0.0),
    ("alike, 16 bars apart", phrase(*CADENCE, bars=4), float("nan")),
    ("seam", phrase((PIANO, 0, 1, 60), (PIANO, 16, 1, 60), (PIANO, 48, 1, 60), (PIANO, 64, 1, 60), bars=5), 2 / 3),
    ("changes at sections", phrase((PIANO, 0, 1, 60), (BASS, 128, 4, 36), bars=9), 0.2),
    ("notes in the first bar", phrase((PIANO, 0, 1, 60), (PIANO, 16, 1, 60), (PIANO, 20, 1, 60), bars=2), 2 / 3),
    ("notes in the last bar", phrase((PIANO, 0, 1, 60), (PIANO, 16, 1, 60), (PIANO, 20, 1, 60), bars=2), 4 / 3),
    ("density varies", phrase((PIANO, 0, 1, 60), (PIANO, 16, 1, 60), bars=2), 0.0),
    ("begins at home", phrase(*CADENCE, bars=4), 1.0),
    ("ends at home", phrase(*CADENCE[:-3], bars=4), 0.0),
    ("struck as before, bass", phrase((BASS, 0, 1, 36, 80), (BASS, 4, 1, 36, 80), (BASS, 8, 1, 36, 70)), 0.5),
    ("velocity, bass", phrase((BASS, 0, 1, 36, 80), (BASS, 4, 1, 36, 70)), 75.0),
    ("velocities vary, bass", phrase((BASS, 0, 1, 36, 80), (BASS, 4, 1, 36, 70)), 5.0),
    ("different velocities, bass", phrase((BASS, 0, 1, 36, 80), (BASS, 4, 1, 36, 80)), 0.5),
    ("accent, bass", phrase((BASS, 0, 1, 36, 90), (BASS, 2, 1, 36, 70)), 20.0),
    ("off the grid, bass", phrase((BASS, 0, 1, 36, 80, 2), (BASS, 4, 1, 36)), 0.5),
    ("late, bass", phrase((BASS, 0, 1, 36, 80, 2), (BASS, 4, 1, 36)), 1.0),
    ("same touch in the next bar, bass", phrase((BASS, 0, 1, 36, 90), (BASS, 16, 1, 36, 70), bars=2), 20.0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "bars", "value"), WORKED, ids=[f"{name}-{i}" for i, (name, *_) in enumerate(WORKED)])
def test_a_feature_worked_by_hand(name, bars, value):
    assert FEATURES[name][1](bars) == pytest.approx(value, nan_ok=True, abs=1e-9)


def test_every_feature_is_worked_by_hand():
    def function(name):
        return name.partition(",")[0]

    assert {function(name) for name in FEATURES} == {function(name) for name, *_ in WORKED}


def test_the_families_are_those_that_musicians_name():
    assert set(families()) == {"harmony", "bass", "line", "rhythm", "drums", "clashes", "form", "touch"}


def test_a_phrase_without_a_note_has_nothing_but_silence():
    values = dict(zip(FEATURES, extract([phrase(bars=8)])[0].tolist()))
    assert {name for name, v in values.items() if not np.isnan(v)} <= {"tracks that play", "busy steps",
                                                                       "crowded middle", "different chords",
                                                                       "changes at sections"}  # fmt: skip


def test_a_note_played_early_belongs_to_its_beat_and_a_long_one_ends_with_the_phrase():
    whole = Phrase(2, *np.array([(PIANO, 94, 200, 60, 80)]).T)
    line = whole.cut(1, 1).lines[PIANO]
    assert (line.step.tolist(), line.end.tolist(), line.offset.tolist()) == ([0], [16], [-2])


def sample(rng, songs, shift=0.0):
    features = rng.normal(size=(len(songs), len(FEATURES))).astype(np.float32)
    features[:, 3] += shift
    return Sample(features, np.array(songs), np.array(["jazz", "rock"] * (len(songs) // 2)))


def test_the_verdict_finds_what_is_different_and_nothing_between_songs():
    rng = np.random.default_rng(0)
    real, made, test_real, test_made = (sample(rng, range(240), shift) for shift in (0, 4, 0, 4))
    verdict = compare(real, made, test_real, test_made, iterations=30)
    family = list(FEATURES.values())[3][0]
    assert verdict.score > 0.9 and verdict.by_family[family] > 0.9 and min(verdict.by_genre.values()) > 0.9
    assert abs(verdict.control - 0.5) < 0.1
    assert all(abs(value - 0.5) < 0.2 for name, value in verdict.by_family.items() if name != family)
    assert verdict.tells[0][0] == list(FEATURES)[3] and verdict.tells[0][3] > 0.95
    assert f"| score | {verdict.score:.3f} |" in verdict.table()
    at = list(FEATURES).index("bass on one")
    means = [side.features[:, at].mean() for side in (test_real, test_made)]
    np.testing.assert_allclose(verdict.parts[0][1:], means, rtol=1e-5)
    assert f"| bass on one | {means[0]:.3f} | {means[1]:.3f} |" in verdict.table()
