"""Form: what returns, where things begin and end; most of it is heard in sixteen bars or more."""

from __future__ import annotations

import numpy as np

from training.core.critic.harmony import chords_of, tonic
from training.core.critic.phrase import Phrase
from training.core.critic.registry import feature, mean, overlaps, share

APART = {f"{n} bars apart": n for n in (2, 4, 8, 16)}
SECTION = 8  # bars


def _bars(phrase: Phrase) -> list[np.ndarray]:
    return [phrase.onsets[:, b * 16 : (b + 1) * 16] for b in range(phrase.bars)]


@feature("form")
def bars_that_return(phrase: Phrase) -> float:
    """Share of bars in which a pitched track plays an earlier bar again, note for note, mean over its bars."""
    found = []
    for t in range(1, 5):
        known: set[bytes] = set()
        for b in range(phrase.bars):
            bar = phrase.bar(t, b)
            if bar.any():
                found.append(bar.tobytes() in known)
                known.add(bar.tobytes())
    return share(found)


@feature("form")
def whole_bars_that_return(phrase: Phrase) -> float:
    """Share of bars that are an earlier bar again in every pitched track."""
    bars = [bar[1:].tobytes() for bar in _bars(phrase) if bar[1:].any()]
    return share(bar in bars[:b] for b, bar in enumerate(bars))


@feature("form", APART)
def alike(phrase: Phrase, apart: int) -> float:
    """Pitched onsets that bars so far apart share; nan in shorter phrases."""
    bars = _bars(phrase)
    return overlaps((a[1:], b[1:]) for a, b in zip(bars, bars[apart:]))


@feature("form", APART)
def rhythm_alike(phrase: Phrase, apart: int) -> float:
    """Onset steps of each track that bars so far apart share; nan in shorter phrases."""
    return overlaps((a, b) for track in phrase.rhythm for a, b in zip(track, track[apart:]))


@feature("form", APART)
def chord_returns(phrase: Phrase, apart: int) -> float:
    """Share of bars that begin with the root of the bar so far before; nan in shorter phrases."""
    chords = chords_of(phrase)[::2]
    both = (chords[apart:] >= 0) & (chords[:-apart] >= 0)
    return share((chords[apart:] % 12 == chords[:-apart] % 12)[both])


@feature("form")
def seam(phrase: Phrase) -> float:
    """Pitched onsets shared across the bar lines between fours of bars, less those across the others."""
    bars = [bar[1:] for bar in _bars(phrase)]
    across = overlaps((bars[b - 1], bars[b]) for b in range(4, phrase.bars, 4))
    return across - overlaps((bars[b - 1], bars[b]) for b in range(1, phrase.bars) if b % 4)


@feature("form")
def changes_at_sections(phrase: Phrase) -> float:
    """Tracks that enter or leave at the bar lines between sections of eight bars; nan in shorter phrases."""
    sounds = phrase.sounding
    return mean([float((sounds[:, b] != sounds[:, b - 1]).mean()) for b in range(SECTION, phrase.bars, SECTION)])


@feature("form")
def notes_in_the_first_bar(phrase: Phrase) -> float:
    """Onsets of the first bar, of the mean bar."""
    counts = np.array([bar.sum() for bar in _bars(phrase)])
    return float(counts[0] / counts.mean()) if counts.any() else float("nan")


@feature("form")
def notes_in_the_last_bar(phrase: Phrase) -> float:
    """Onsets of the last bar, of the mean bar."""
    counts = np.array([bar.sum() for bar in _bars(phrase)])
    return float(counts[-1] / counts.mean()) if counts.any() else float("nan")


@feature("form")
def density_varies(phrase: Phrase) -> float:
    """Standard deviation of the onsets of a bar, of their mean."""
    counts = np.array([bar.sum() for bar in _bars(phrase)])
    return float(counts.std() / counts.mean()) if counts.any() else float("nan")


@feature("form")
def begins_at_home(phrase: Phrase) -> float:
    """Whether the first chord stands on the tonic of the phrase's scale, or of its relative minor."""
    return _at_home(phrase, 0)


@feature("form")
def ends_at_home(phrase: Phrase) -> float:
    """Whether the last chord stands on the tonic of the phrase's scale, or of its relative minor."""
    return _at_home(phrase, -1)


def _at_home(phrase: Phrase, which: int) -> float:
    chords = chords_of(phrase)
    chords = chords[chords >= 0]
    return float((chords[which] - tonic(phrase)) % 12 in (0, 9)) if len(chords) else float("nan")
