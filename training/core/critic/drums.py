"""Drums: the beat, how regularly it is kept, and how it is broken."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from engine.core.pianoroll import STEPS
from training.core.critic.phrase import DRUMS, Phrase
from training.core.critic.registry import feature, mean, overlaps, share

KINDS = {
    "kick": (35, 36),
    "snare": (37, 38, 39, 40),
    "hat": (42, 44, 46),
    "ride": (51, 53, 59),
    "crash": (49, 52, 55, 57),
    "toms": (41, 43, 45, 47, 48, 50),
}
KIND = {name: number for number, name in enumerate(KINDS)}


def _hits(phrase: Phrase, kind: int) -> np.ndarray:
    """bool [bars, 16]: where drums of a kind are struck."""
    return phrase.onsets[DRUMS][:, list(KINDS.values())[kind]].any(1).reshape(phrase.bars, STEPS)


@feature("drums")
def drum_bar_again(phrase: Phrase) -> float:
    """Share of bars of drums that are the bar before."""
    return share(np.array_equal(a, b) for a, b in phrase.neighbours(DRUMS))


@feature("drums")
def drum_bar_of_two_before(phrase: Phrase) -> float:
    """Share of bars of drums that are the bar before the last."""
    return share(np.array_equal(a, b) for a, b in phrase.neighbours(DRUMS, 2))


@feature("drums")
def drums_kept(phrase: Phrase) -> float:
    """Hits that neighbouring bars share."""
    return overlaps(phrase.neighbours(DRUMS))


@feature("drums")
def half_bar_again(phrase: Phrase) -> float:
    """Hits that the two halves of a bar share."""
    bars = [phrase.bar(DRUMS, b) for b in range(phrase.bars)]
    return overlaps((bar[: STEPS // 2], bar[STEPS // 2 :]) for bar in bars if bar.any())


@feature("drums")
def kinds_of_drums(phrase: Phrase) -> float:
    """Different drums in the phrase."""
    struck = phrase.onsets[DRUMS].any(0).sum()
    return float(struck) if struck else float("nan")


@feature("drums")
def drums_struck_once(phrase: Phrase) -> float:
    """Share of the different drums that are struck no more than once."""
    counts = phrase.onsets[DRUMS].sum(0)
    return share(counts[counts > 0] == 1)


@feature("drums")
def crash_on_one(phrase: Phrase) -> float:
    """Share of crash cymbals that fall on the first beat."""
    hits = _hits(phrase, KIND["crash"])
    return float(hits[:, 0].sum() / hits.sum()) if hits.any() else float("nan")


@feature("drums")
def backbeat(phrase: Phrase) -> float:
    """Share of second and fourth beats with a snare, over bars with drums."""
    bars = phrase.rhythm[DRUMS].any(1)
    return share(_hits(phrase, KIND["snare"])[bars][:, (4, 12)].ravel())


@feature("drums")
def snare_elsewhere(phrase: Phrase) -> float:
    """Share of snare hits on neither the second nor the fourth beat."""
    hits = _hits(phrase, KIND["snare"])
    return 1 - float(hits[:, (4, 12)].sum() / hits.sum()) if hits.any() else float("nan")


@feature("drums")
def kick_on_one(phrase: Phrase) -> float:
    """Share of bars with drums in which the bass drum strikes the first beat."""
    bars = phrase.rhythm[DRUMS].any(1)
    return share(_hits(phrase, KIND["kick"])[bars, 0])


@feature("drums")
def kick_and_snare_at_once(phrase: Phrase) -> float:
    """Share of snare hits at which the bass drum strikes too."""
    kick, snare = _hits(phrase, KIND["kick"]), _hits(phrase, KIND["snare"])
    return float((kick & snare).sum() / snare.sum()) if snare.any() else float("nan")


@feature("drums", KIND)
def hits_a_bar(phrase: Phrase, kind: int) -> float:
    """Hits of a kind in a bar of drums."""
    bars = phrase.rhythm[DRUMS].any(1)
    return mean(_hits(phrase, kind)[bars].sum(1))


@feature("drums", {name: KIND[name] for name in ("hat", "ride", "kick", "snare")})
def even_pulse(phrase: Phrase, kind: int) -> float:
    """Share of gaps between hits of a kind that are the commonest one."""
    gaps = np.diff(np.flatnonzero(_hits(phrase, kind).ravel()))
    return float(np.bincount(gaps).max() / len(gaps)) if len(gaps) else float("nan")


@feature("drums", {name: KIND[name] for name in ("hat", "kick", "snare")})
def drum_rhythm_kept(phrase: Phrase, kind: int) -> float:
    """Hits of a kind that neighbouring bars share."""
    hits = _hits(phrase, kind)
    return overlaps(pairwise(hits))


@feature("drums")
def drums_at_once(phrase: Phrase) -> float:
    """Drums struck together, mean."""
    return mean([chord.stop - chord.start for chord in phrase.lines[DRUMS].chords])


@feature("drums")
def drums_between_eighths(phrase: Phrase) -> float:
    """Share of drum onset steps on odd sixteenths."""
    return share(phrase.lines[DRUMS].moments % 2 == 1)


@feature("drums")
def fills(phrase: Phrase) -> float:
    """How much less each fourth bar shares with the bar before than the others do."""
    bars = [phrase.bar(DRUMS, b) for b in range(phrase.bars)]
    fourth = overlaps((bars[b - 1], bars[b]) for b in range(3, phrase.bars, 4))
    other = overlaps((bars[b - 1], bars[b]) for b in range(1, phrase.bars) if b % 4 in (1, 2))
    return other - fourth
