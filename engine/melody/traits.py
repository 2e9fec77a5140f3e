"""What a tune is like, in numbers that a fiddler could name: contour, cadence, motifs and their return, form, range,
rhythm and key.

    traits(tune) -> float32 [len(TRAITS)], nan where a tune has nothing to measure

By them a critic chooses among candidates (critic.py), and the judge of `python -m training evaluate melody` tells made
tunes from real ones. A tune is heard as written, repeats not played (line.py).
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from engine.melody.abc.canonical import Tune
from engine.melody.line import NEAR, Bar, Line

Trait = Callable[[Line], float]
TRAITS: dict[str, tuple[str, Trait]] = {}
"""name → (family, function), in the order of the columns."""
MOTIF = 4  # intervals


def _of(function: Callable[..., float], number: int, line: Line) -> float:
    return function(line, number)


def trait(family: str, **variants: int) -> Callable[[Callable[..., float]], Callable[..., float]]:
    """Register a function of a line, or, with variants, of a line and a number, once for each."""

    def register(function: Callable[..., float]) -> Callable[..., float]:
        name = function.__name__.replace("_", " ")
        for variant, number in variants.items():
            TRAITS[f"{name}, {variant.replace('_', ' ')}"] = family, partial(_of, function, number)
        if not variants:
            TRAITS[name] = family, function
        return function

    return register


def traits(tune: Tune) -> np.ndarray:
    """See the head of this file."""
    line = Line(tune)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # means of nothing
        return np.array([function(line) for _, function in TRAITS.values()], np.float32)


def _share(found: Iterable[bool] | np.ndarray) -> float:
    values = np.array(list(found), float)
    return float(values.mean()) if len(values) else float("nan")


def _same(pairs: Iterable[tuple[bytes, bytes]]) -> float:
    return _share(a == b for a, b in pairs)


# Contour


@trait("contour", none=0, step=1, third=2, fourth=3, leap=4)
def intervals(line: Line, size: int) -> float:
    """Share of the moves that are of this size: no, a second, a third, a fourth or fifth, more."""
    return _share(np.digitize(np.abs(line.moves), (1, 3, 5, 8)) == size)


@trait("contour")
def turns(line: Line) -> float:
    """Share of moves that go the other way than the move before."""
    moves = np.sign(line.moves[line.moves != 0])
    return _share(moves[1:] != moves[:-1])


@trait("contour")
def leaps_answered(line: Line) -> float:
    """Share of leaps over a fourth after which the line turns back."""
    leaps = np.flatnonzero(np.abs(line.moves[:-1]) > 5)
    return _share(np.sign(line.moves[leaps]) == -np.sign(line.moves[leaps + 1]))


@trait("contour")
def arpeggios(line: Line) -> float:
    """Share of pairs of moves that are thirds or fourths in one direction."""
    wide = (np.abs(line.moves) > 2) & (np.abs(line.moves) < 6)
    return _share(wide[1:] & wide[:-1] & (np.sign(line.moves[1:]) == np.sign(line.moves[:-1])))


@trait("contour")
def longest_run(line: Line) -> float:
    """Notes of the longest way up or down by seconds, of all."""
    best = now = 0
    for before, move in zip([0, *line.moves], line.moves):
        now = now + 1 if 0 < abs(move) <= 2 and (now == 0 or np.sign(move) == np.sign(before)) else 0
        best = max(best, now)
    return float(best)


@trait("contour")
def kinds_of_move(line: Line) -> float:
    """Entropy of pairs of moves, in bits."""
    return _entropy(Counter(zip(line.moves[:-1].tolist(), line.moves[1:].tolist())))


def _entropy(counts: Counter[tuple[int, int]]) -> float:
    share = np.array(list(counts.values()), float)
    share /= share.sum()
    return float(-(share * np.log2(share)).sum())


@trait("contour")
def across_the_bar(line: Line) -> float:
    """Mean size of the move from a bar to the next, of that of all moves."""
    over = [abs(int(b.pitch[0]) - int(a.pitch[-1])) for a, b in zip(line.whole, line.whole[1:])]
    return float(np.mean(over) / max(np.abs(line.moves).mean(), NEAR))


@trait("contour", beats_1=1, beats_2=2)
def arch(line: Line, half: int) -> float:
    """By how much the middle bars of sections lie above the first (1) or the last two (2), semitones."""
    found = []
    for bars in line.sections:
        if len(bars) >= 8:
            ends = bars[:2] if half == 1 else bars[-2:]
            found.append(_height(bars[2:-2]) - _height(ends))
    return float(np.mean(found)) if found else float("nan")


def _height(bars: Sequence[Bar]) -> float:
    return float(np.mean(np.concatenate([bar.pitch for bar in bars])))


# Range


@trait("range")
def span(line: Line) -> float:
    """Semitones from the lowest to the highest note."""
    return float(np.ptp(line.pitch))


@trait("range", lowest=0, quarter=25, middle=50, three_quarters=75, highest=100)
def height(line: Line, percent: int) -> float:
    """Semitones above the tonic's lowest place in the staff at which this percentile of the notes lies."""
    return float(np.percentile(line.pitch, percent) - 60 - line.tonic)


@trait("range")
def second_part_higher(line: Line) -> float:
    """Semitones by which the second section lies above the first."""
    return _height(line.sections[1]) - _height(line.sections[0]) if len(line.sections) > 1 else float("nan")


@trait("range")
def height_of_bars_varies(line: Line) -> float:
    """Standard deviation of the bars' mean pitches."""
    return float(np.std([bar.pitch.mean() for bar in line.whole]))


# Key


@trait("key")
def foreign(line: Line) -> float:
    """Share of notes outside the key."""
    return _share(int(pitch) % 12 not in line.scale for pitch in line.pitch)


@trait("key", tonic=0, second=2, minor_third=3, third=4, fourth=5, fifth=7, sixth=9, minor_seventh=10, seventh=11)
def time_on(line: Line, degree: int) -> float:
    """Share of the time on a degree."""
    return float(line.beats[line.degree == degree].sum() / line.beats.sum())


@trait("key", tonic=0, second=2, fourth=5, fifth=7)
def bars_begin_on(line: Line, degree: int) -> float:
    """Share of bars that begin on a degree."""
    return _share(first == degree for first in line.firsts)


@trait("key")
def bars_begin_in_the_triad(line: Line) -> float:
    """Share of bars that begin on a note of the tonic's triad."""
    return _share(first in (0, 3, 4, 7) for first in line.firsts)


@trait("key")
def chord_of_a_bar_again(line: Line) -> float:
    """Share of bars whose longest sounding pitch class is that of the bar before."""
    long = [np.bincount(bar.pitch % 12, bar.beats, 12).argmax() for bar in line.whole]
    return _share(a == b for a, b in pairwise(long))


# Cadence


@trait("cadence")
def last_note_is_the_tonic(line: Line) -> float:
    """Whether it is."""
    return float(line.degree[-1] == 0)


@trait("cadence")
def sections_end_on_the_tonic(line: Line) -> float:
    """Share of sections that do."""
    return _share(int(bars[-1].pitch[-1] - line.tonic) % 12 == 0 for bars in line.sections)


@trait("cadence", second=1, fourth=3)
def phrases_end_on_tonic_or_fifth(line: Line, which: int) -> float:
    """Share of the second or fourth bars of phrases whose last note is one of the two."""
    return _share(int(bar.pitch[-1] - line.tonic) % 12 in (0, 7) for bar in line.cadences(which))


@trait("cadence", second=1, fourth=3)
def notes_at_cadences(line: Line, which: int) -> float:
    """Notes of these bars of phrases, of the mean bar."""
    mean = np.mean([len(bar.pitch) for bar in line.whole])
    return float(np.mean([len(bar.pitch) for bar in line.cadences(which)]) / mean)


@trait("cadence")
def last_note_is_long(line: Line) -> float:
    """Length of the sections' last notes, of the mean note."""
    return float(np.mean([bars[-1].beats[-1] for bars in line.sections]) / line.beats.mean())


@trait("cadence")
def comes_home_by_step(line: Line) -> float:
    """Share of sections whose last two different notes are a second apart."""
    found = []
    for bars in line.sections:
        pitch = np.concatenate([bar.pitch for bar in bars])
        other = pitch[pitch != pitch[-1]]
        if len(other):
            found.append(abs(int(other[-1]) - int(pitch[-1])) <= 2)
    return _share(found)


# Rhythm


@trait("rhythm")
def notes_a_bar(line: Line) -> float:
    """Notes of a bar."""
    return float(np.mean([len(bar.pitch) for bar in line.whole]))


@trait("rhythm")
def notes_a_bar_vary(line: Line) -> float:
    """Their standard deviation, of their mean."""
    counts = [len(bar.pitch) for bar in line.whole]
    return float(np.std(counts) / np.mean(counts))


@trait("rhythm")
def kinds_of_rhythm(line: Line) -> float:
    """Different rhythms of bars, of all bars."""
    return len({bar.rhythm for bar in line.whole}) / max(len(line.whole), 1)


@trait("rhythm")
def commonest_rhythm(line: Line) -> float:
    """Share of bars with the commonest rhythm."""
    return Counter(bar.rhythm for bar in line.whole).most_common(1)[0][1] / len(line.whole)


@trait("rhythm", bar_1=1, bars_2=2, bars_4=4, bars_8=8)
def rhythm_again(line: Line, apart: int) -> float:
    """Share of bars with the rhythm of the bar so far before."""
    return _same((a.rhythm, b.rhythm) for a, b in zip(line.whole, line.whole[apart:]))


@trait("rhythm")
def lengths(line: Line) -> float:
    """Different lengths of notes."""
    return float(len(set(np.rint(line.beats * 48).tolist())))


@trait("rhythm")
def commonest_length(line: Line) -> float:
    """Share of notes of the commonest length."""
    return Counter(np.rint(line.beats * 48).tolist()).most_common(1)[0][1] / len(line.beats)


@trait("rhythm")
def long_notes(line: Line) -> float:
    """Share of the time in notes longer than a quarter."""
    return float(line.beats[line.beats > 1 + NEAR].sum() / line.beats.sum())


# Motifs


@trait("motif", bar_1=1, bars_2=2, bars_4=4, bars_8=8)
def bar_again(line: Line, apart: int) -> float:
    """Share of bars that are the bar so far before."""
    return _same((a.notes, b.notes) for a, b in zip(line.whole, line.whole[apart:]))


@trait("motif", bar_1=1, bars_2=2, bars_4=4)
def bar_moved(line: Line, apart: int) -> float:
    """Share of bars that are the bar so far before at another pitch."""
    return _share(a.shape == b.shape and a.notes != b.notes for a, b in zip(line.whole, line.whole[apart:]))


@trait("motif")
def bars_known(line: Line) -> float:
    """Share of bars that are any bar before."""
    return 1 - len({bar.notes for bar in line.whole}) / max(len(line.whole), 1)


@trait("motif")
def motif_returns(line: Line) -> float:
    """Share of runs of four moves that were there before, at any pitch."""
    runs = [tuple(line.moves[i : i + MOTIF].tolist()) for i in range(len(line.moves) - MOTIF + 1)]
    return 1 - len(set(runs)) / max(len(runs), 1)


@trait("motif")
def begins_as_the_bar_before(line: Line) -> float:
    """Share of bars whose first two notes are those of the bar before."""
    pairs = [(a.pitch[:2].tolist(), b.pitch[:2].tolist()) for a, b in zip(line.whole, line.whole[1:])]
    return _share(a == b for a, b in pairs)


# Form


@trait("form", first=0, second=1)
def answer(line: Line, which: int) -> float:
    """In the first or second section, of eight bars or more: the share of four bars that the next four repeat."""
    if len(line.sections) <= which or len(line.sections[which]) < 8:
        return float("nan")
    bars = line.sections[which]
    return _same((a.notes, b.notes) for a, b in zip(bars[:4], bars[4:8]))


@trait("form", bar_1=1, bars_2=2, bars_4=4)
def sections_end_alike(line: Line, bars: int) -> float:
    """Share of the last bars that sections have in common with the first section."""
    first, *others = line.sections
    return _same((a.notes, b.notes) for other in others for a, b in zip(first[-bars:], other[-bars:]))


@trait("form", bar_1=1, bars_2=2)
def sections_begin_alike(line: Line, bars: int) -> float:
    """Share of the first bars that sections have in common with the first section."""
    first, *others = line.sections
    return _same((a.notes, b.notes) for other in others for a, b in zip(first[:bars], other[:bars]))


@trait("form")
def sections_share_rhythm(line: Line) -> float:
    """Share of bars of later sections with the rhythm of the first section's."""
    first, *others = line.sections
    return _same((a.rhythm, b.rhythm) for other in others for a, b in zip(first, other))


@trait("form")
def second_part_known(line: Line) -> float:
    """Share of the bars of later sections that the first section has."""
    first, *others = line.sections
    known = {bar.notes for bar in first}
    return _share(bar.notes in known for other in others for bar in other)


@trait("form")
def bars_in_all(line: Line) -> float:
    """Bars as written."""
    return float(len(line.whole))
