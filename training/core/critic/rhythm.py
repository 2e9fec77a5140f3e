"""Rhythm and texture: when each track plays, how long, and whether it keeps to what it began."""

from __future__ import annotations

import numpy as np

from engine.core.pianoroll import TRACKS
from training.core.critic.phrase import BASS, DRUMS, GUITAR, PIANO, STRINGS, Phrase
from training.core.critic.registry import feature, mean, overlap, overlaps, share, spread

ALL = {name: number for number, name in enumerate(TRACKS)}
PITCHED = {name: number for name, number in ALL.items() if number != DRUMS}
CHORDAL = {"piano": PIANO, "guitar": GUITAR, "strings": STRINGS}
BOTH = {f"{a} and {b}": (ALL[a], ALL[b]) for a, b in (("piano", "guitar"), ("piano", "bass"), ("guitar", "bass"),
        ("drums", "bass"), ("strings", "piano"), ("drums", "guitar"))}  # fmt: skip


@feature("rhythm", CHORDAL)
def rhythm_kept(phrase: Phrase, track: int) -> float:
    """Onset steps that neighbouring bars share."""
    return overlaps((a.any(1), b.any(1)) for a, b in phrase.neighbours(track))


@feature("rhythm", PITCHED)
def rhythm_of_the_bar_before(phrase: Phrase, track: int) -> float:
    """Share of bars with exactly the rhythm of the bar before."""
    return share(np.array_equal(a.any(1), b.any(1)) for a, b in phrase.neighbours(track))


@feature("rhythm", CHORDAL)
def bar_again(phrase: Phrase, track: int) -> float:
    """Share of bars that are the bar before, note for note."""
    return share(np.array_equal(a, b) for a, b in phrase.neighbours(track))


@feature("rhythm", PITCHED)
def bar_of_two_before(phrase: Phrase, track: int) -> float:
    """Share of bars that are the bar before the last, note for note."""
    return share(np.array_equal(a, b) for a, b in phrase.neighbours(track, 2))


@feature("rhythm", CHORDAL)
def between_eighths(phrase: Phrase, track: int) -> float:
    """Share of onset steps on odd sixteenths."""
    return share(phrase.lines[track].moments % 2 == 1)


@feature("rhythm", PITCHED)
def on_the_beat(phrase: Phrase, track: int) -> float:
    """Share of onset steps on a beat."""
    return share(phrase.lines[track].moments % 4 == 0)


@feature("rhythm", CHORDAL)
def on_one(phrase: Phrase, track: int) -> float:
    """Share of bars with notes that begin with one."""
    rhythm = phrase.rhythm[track]
    return share(rhythm[rhythm.any(1), 0])


@feature("rhythm", PITCHED)
def note_length(phrase: Phrase, track: int) -> float:
    """Sixteenths that a note lasts, mean of logarithms to base 2."""
    line = phrase.lines[track]
    return mean(np.log2(line.end - line.step))


@feature("rhythm", PITCHED)
def note_lengths_vary(phrase: Phrase, track: int) -> float:
    """Standard deviation of the logarithms of note lengths."""
    line = phrase.lines[track]
    return spread(np.log2(line.end - line.step))


@feature("rhythm", PITCHED)
def shortest_notes(phrase: Phrase, track: int) -> float:
    """Share of notes of a single sixteenth."""
    line = phrase.lines[track]
    return share(line.end - line.step == 1)


@feature("rhythm", PITCHED)
def odd_lengths(phrase: Phrase, track: int) -> float:
    """Share of notes longer than a sixteenth that last an odd number of them."""
    length = phrase.lines[track].end - phrase.lines[track].step
    return share(length[length > 1] % 2 == 1)


@feature("rhythm", ALL)
def notes_a_bar(phrase: Phrase, track: int) -> float:
    """Notes in a bar that has any."""
    counts = phrase.onsets[track].reshape(phrase.bars, -1).sum(1)
    return mean(counts[counts > 0])


@feature("rhythm", ALL)
def notes_a_bar_vary(phrase: Phrase, track: int) -> float:
    """Standard deviation of the notes in a bar, of their mean, over bars that have any."""
    counts = phrase.onsets[track].reshape(phrase.bars, -1).sum(1)
    counts = counts[counts > 0]
    return spread(counts / counts.mean()) if len(counts) else float("nan")


@feature("rhythm", ALL)
def silent_bars(phrase: Phrase, track: int) -> float:
    """Share of bars in which the track is silent; nan where it never plays."""
    return share(~phrase.sounding[track]) if phrase.sounding[track].any() else float("nan")


@feature("rhythm", ALL)
def enters_or_leaves(phrase: Phrase, track: int) -> float:
    """Bar lines at which the track begins or stops playing, of all; nan where it never plays."""
    sounds = phrase.sounding[track]
    return share(sounds[1:] != sounds[:-1]) if sounds.any() else float("nan")


@feature("rhythm")
def tracks_that_play(phrase: Phrase) -> float:
    """Tracks that sound in a bar, mean."""
    return mean(phrase.sounding.sum(0))


@feature("rhythm")
def different_rhythms(phrase: Phrase) -> float:
    """Different rhythms of a bar, of all bars with notes of pitched tracks."""
    bars = [row.tobytes() for track in phrase.rhythm[1:] for row in track if row.any()]
    return len(set(bars)) / len(bars) if bars else float("nan")


@feature("rhythm")
def busy_steps(phrase: Phrase) -> float:
    """Share of steps at which any track plays."""
    return share(phrase.rhythm.any(0).ravel())


def _together(phrase: Phrase, tracks: tuple[int, int]) -> float:
    a, b = (phrase.rhythm[t] for t in tracks)
    both = a.any(1) & b.any(1)
    return overlap(a[both], b[both])


@feature("rhythm", {name: number for number, name in enumerate(BOTH)})
def play_together(phrase: Phrase, pair: int) -> float:
    """Onset steps that two tracks share, in the bars in which both play."""
    return _together(phrase, list(BOTH.values())[pair])


@feature("rhythm")
def bass_keeps_its_density(phrase: Phrase) -> float:
    """Difference in bass onsets from bar to bar, mean."""
    counts = phrase.rhythm[BASS].sum(1)
    return mean(np.abs(np.diff(counts[counts > 0])))
