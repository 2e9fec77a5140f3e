"""Harmony: the key, the chord of each half bar, and how chords are voiced and follow each other."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np

from engine.core.chords import TEMPLATES, recognise
from engine.core.pianoroll import STEPS
from training.core.critic.phrase import BASS, GUITAR, PIANO, STRINGS, Phrase
from training.core.critic.registry import feature, mean, share, spread
from training.core.metrics import tonal_distance

HALF = STEPS // 2
SCALE = np.isin(np.arange(12), (0, 2, 4, 5, 7, 9, 11))
VOICED = {"piano": PIANO, "guitar": GUITAR, "strings": STRINGS}


@lru_cache(maxsize=8)
def chords_of(phrase: Phrase) -> np.ndarray:
    """The chord of each half bar, int [2 bars], -1 for none; worked out once for all the features that ask."""
    sounding = phrase.chroma[1:].sum(0).reshape(-1, HALF, 12).sum(1)
    return recognise(sounding, phrase.chroma[BASS].reshape(-1, HALF, 12).sum(1))


def _changes(phrase: Phrase) -> np.ndarray:
    """Semitones (0..11) from each root to the next other one."""
    roots = chords_of(phrase)
    roots = roots[roots >= 0] % 12
    steps = np.diff(roots) % 12
    return steps[steps != 0]


def tonic(phrase: Phrase) -> int:
    """The tonic (0..11) of the major scale in which most of the phrase sounds."""
    chroma = phrase.chroma[1:].sum((0, 1))
    inside = [chroma[np.roll(SCALE, k)].sum() + 0.2 * chroma[k] + 0.1 * chroma[(k + 7) % 12] for k in range(12)]
    return int(np.argmax(inside))


@feature("harmony")
def in_key(phrase: Phrase) -> float:
    """Share of the sounding time inside the phrase's own major scale."""
    chroma = phrase.chroma[1:].sum((0, 1))
    return float(chroma[np.roll(SCALE, tonic(phrase))].sum() / chroma.sum()) if chroma.any() else float("nan")


@feature("harmony")
def chord_tones(phrase: Phrase) -> float:
    """Share of the sounding time of pitched tracks that belongs to the chord of the half bar."""
    chords = chords_of(phrase)
    chroma = phrase.chroma[1:].sum(0).reshape(-1, HALF, 12).sum(1)
    known = chords >= 0
    inside = (chroma * TEMPLATES[chords])[known].sum()
    return float(inside / chroma[known].sum()) if chroma[known].any() else float("nan")


@feature("harmony")
def chord_changes_within_bars(phrase: Phrase) -> float:
    """Share of bars whose second half has another chord than the first."""
    chords = chords_of(phrase).reshape(-1, 2)
    return share((chords[:, 0] != chords[:, 1])[(chords >= 0).all(1)])


@feature("harmony")
def chord_changes_at_bars(phrase: Phrase) -> float:
    """Share of bar lines at which the root changes."""
    chords = chords_of(phrase)[::2]
    both = (chords[1:] >= 0) & (chords[:-1] >= 0)
    return share((chords[1:] % 12 != chords[:-1] % 12)[both])


@feature("harmony")
def roots_by_fourths(phrase: Phrase) -> float:
    """Share of root changes that go a fourth or a fifth."""
    return share(np.isin(_changes(phrase), (5, 7)))


@feature("harmony")
def roots_by_thirds(phrase: Phrase) -> float:
    """Share of root changes that go a third or a sixth."""
    return share(np.isin(_changes(phrase), (3, 4, 8, 9)))


@feature("harmony")
def roots_by_steps(phrase: Phrase) -> float:
    """Share of root changes that go a second or a seventh."""
    return share(np.isin(_changes(phrase), (1, 2, 10, 11)))


@feature("harmony")
def different_chords(phrase: Phrase) -> float:
    """Different chords a bar."""
    chords = chords_of(phrase)
    return len(set(chords[chords >= 0].tolist())) / phrase.bars


@feature("harmony")
def minor_chords(phrase: Phrase) -> float:
    """Share of half bars with a minor or diminished chord."""
    chords = chords_of(phrase)
    return share(np.isin(chords[chords >= 0] // 12, (1, 3, 5)))


@feature("harmony")
def sevenths_and_fourths(phrase: Phrase) -> float:
    """Share of half bars with a chord that is no plain triad."""
    chords = chords_of(phrase)
    return share(np.isin(chords[chords >= 0] // 12, (2, 3, 4, 6)))


@feature("harmony")
def pitch_classes_a_bar(phrase: Phrase) -> float:
    """Pitch classes that sound in a bar, over bars that have any."""
    used = (phrase.chroma[1:].sum(0).reshape(phrase.bars, STEPS, 12).sum(1) > 0).sum(1)
    return mean(used[used > 0])


@feature("harmony")
def tracks_apart(phrase: Phrase) -> float:
    """Tonal distance of the pitched tracks, beat by beat (Harte et al. 2006)."""
    return tonal_distance(phrase.held[1:], 4)


@feature("harmony", VOICED)
def voices(phrase: Phrase, track: int) -> float:
    """Notes that begin together, mean."""
    return mean([chord.stop - chord.start for chord in phrase.lines[track].chords])


@feature("harmony", VOICED)
def voices_vary(phrase: Phrase, track: int) -> float:
    """Standard deviation of how many notes begin together."""
    return spread([chord.stop - chord.start for chord in phrase.lines[track].chords])


@feature("harmony", VOICED)
def as_many_voices_as_before(phrase: Phrase, track: int) -> float:
    """Share of chords (two notes or more) with as many notes as the chord before."""
    sizes = [n for chord in phrase.lines[track].chords if (n := chord.stop - chord.start) > 1]
    return share(a == b for a, b in pairwise(sizes))


@feature("harmony", VOICED)
def chords_end_together(phrase: Phrase, track: int) -> float:
    """Share of chords (two notes or more) whose notes all stop at one step."""
    line = phrase.lines[track]
    return share(len(set(line.end[c].tolist())) == 1 for c in line.chords if c.stop - c.start > 1)


@feature("harmony", VOICED)
def chord_span(phrase: Phrase, track: int) -> float:
    """Semitones from the lowest to the highest note of a chord, mean."""
    line = phrase.lines[track]
    return mean([line.pitch[c][-1] - line.pitch[c][0] for c in line.chords if c.stop - c.start > 1])


@feature("harmony", VOICED)
def seconds_within_chords(phrase: Phrase, track: int) -> float:
    """Share of chords with two notes a semitone or a tone apart."""
    line = phrase.lines[track]
    return share(bool((np.diff(line.pitch[c]) <= 2).any()) for c in line.chords if c.stop - c.start > 1)


@feature("harmony", VOICED)
def same_chord_again(phrase: Phrase, track: int) -> float:
    """Share of chords (two notes or more) that are the chord before, note for note."""
    line = phrase.lines[track]
    sets = [tuple(line.pitch[c]) for c in line.chords if c.stop - c.start > 1]
    return share(a == b for a, b in pairwise(sets))
