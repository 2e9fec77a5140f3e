"""The bass: one voice that marks the beat, keeps its rhythm and carries the roots."""

from __future__ import annotations

import numpy as np

from engine.core.pianoroll import STEPS
from training.core.critic.harmony import chords_of
from training.core.critic.phrase import BASS, DRUMS, Phrase
from training.core.critic.registry import feature, mean, overlaps, share

KICKS = (35, 36)


@feature("bass")
def bass_on_one(phrase: Phrase) -> float:
    """Share of the bars with bass in which it strikes the first beat."""
    rhythm = phrase.rhythm[BASS]
    return share(rhythm[rhythm.any(1), 0])


@feature("bass")
def bass_on_three(phrase: Phrase) -> float:
    """Share of the bars with bass in which it strikes the third beat."""
    rhythm = phrase.rhythm[BASS]
    return share(rhythm[rhythm.any(1), STEPS // 2])


@feature("bass")
def bass_rhythm_kept(phrase: Phrase) -> float:
    """Onset steps that neighbouring bars of bass share."""
    return overlaps((a.any(1), b.any(1)) for a, b in phrase.neighbours(BASS))


@feature("bass")
def bass_between_eighths(phrase: Phrase) -> float:
    """Share of bass notes on odd sixteenths."""
    return share(phrase.lines[BASS].moments % 2 == 1)


@feature("bass")
def bass_with_kick(phrase: Phrase) -> float:
    """Share of bass onsets at which the bass drum plays too; nan without a bass drum."""
    kick = phrase.onsets[DRUMS][:, KICKS].any(1)
    return share(kick[phrase.lines[BASS].moments]) if kick.any() else float("nan")


@feature("bass")
def bass_plays_the_root(phrase: Phrase) -> float:
    """Share of half bars that begin with a bass note in which it is the root of the chord."""
    line, chords = phrase.lines[BASS], chords_of(phrase)
    first = {int(step): int(low) for step, low in zip(line.moments, line.low) if step % (STEPS // 2) == 0}
    return share(chords[step // 8] % 12 == low % 12 for step, low in first.items() if chords[step // 8] >= 0)


@feature("bass")
def bass_voices(phrase: Phrase) -> float:
    """Share of the bass's sounding steps with two notes or more."""
    voices = phrase.held[BASS].sum(1)
    return share(voices[voices > 0] > 1)


@feature("bass")
def bass_most_voices(phrase: Phrase) -> float:
    """The most bass notes that sound at once."""
    voices = phrase.held[BASS].sum(1)
    return float(voices.max()) if voices.any() else float("nan")


@feature("bass")
def bass_repeats_its_note(phrase: Phrase) -> float:
    """Share of bass notes with the pitch of the one before."""
    return share(np.diff(phrase.lines[BASS].low) == 0)


@feature("bass")
def bass_octaves(phrase: Phrase) -> float:
    """Share of bass intervals that are an octave."""
    return share(np.abs(np.diff(phrase.lines[BASS].low)) == 12)


@feature("bass")
def bass_fourths_and_fifths(phrase: Phrase) -> float:
    """Share of bass intervals that are a fourth or a fifth."""
    return share(np.isin(np.abs(np.diff(phrase.lines[BASS].low)), (5, 7)))


@feature("bass")
def bass_steps(phrase: Phrase) -> float:
    """Share of bass intervals of a semitone or a tone."""
    return share(np.isin(np.abs(np.diff(phrase.lines[BASS].low)), (1, 2)))


@feature("bass")
def bass_leaps(phrase: Phrase) -> float:
    """Share of bass intervals over a fifth that are no octave."""
    found = np.abs(np.diff(phrase.lines[BASS].low))
    return share((found > 7) & (found != 12))


@feature("bass")
def bass_pitches_a_bar(phrase: Phrase) -> float:
    """Different pitches in a bar of bass."""
    counts = [phrase.bar(BASS, b).any(0).sum() for b in range(phrase.bars)]
    return mean([n for n in counts if n])


@feature("bass")
def bass_legato(phrase: Phrase) -> float:
    """Share of bass notes that last until the next begins."""
    line = phrase.lines[BASS]
    ends = np.array([line.end[c].max() for c in line.chords], int)
    return share(ends[:-1] >= line.moments[1:])


@feature("bass")
def bass_overlaps(phrase: Phrase) -> float:
    """Share of bass notes that go on while the next begins."""
    line = phrase.lines[BASS]
    ends = np.array([line.end[c].max() for c in line.chords], int)
    return share(ends[:-1] > line.moments[1:])


@feature("bass")
def bass_bar_again(phrase: Phrase) -> float:
    """Share of bars of bass that are the bar before, note for note."""
    return share(np.array_equal(a, b) for a, b in phrase.neighbours(BASS))


@feature("bass")
def bass_figure_moved(phrase: Phrase) -> float:
    """Share of bars of bass with the rhythm of the bar before and its notes moved by one interval."""
    found = []
    for a, b in phrase.neighbours(BASS):
        (s, p), (t, q) = np.nonzero(a), np.nonzero(b)
        found.append(len(s) == len(t) and bool((s == t).all()) and len(set((q - p).tolist())) == 1 and q[0] != p[0])
    return share(found)


@feature("bass")
def bass_range(phrase: Phrase) -> float:
    """Semitones from the lowest to the highest bass note."""
    pitch = phrase.lines[BASS].pitch
    return float(np.ptp(pitch)) if len(pitch) else float("nan")
