"""The tempo and the beats of a line, from where its notes begin.

A tempo is as likely as it puts notes on beats, halves, quarters and thirds of beats, and as people play it; the beats
are then followed note by note, because people hurry and drag.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

USUAL, SPREAD = 105.0, 0.35  # quarter notes a minute: the median of what people play, and octaves about it
SLOWEST, FASTEST = 50.0, 190.0
STEP = 0.006  # of a tempo, between two that are tried
PLACES = {0.0: 0.56, 1 / 2: 0.22, 1 / 4: 0.06, 3 / 4: 0.06, 1 / 3: 0.04, 2 / 3: 0.04}  # of a beat → how often
ASTRAY = 0.02  # the rest: notes that lie nowhere
BESIDE = 0.02  # seconds that notes lie beside the beat
PHASES = 40  # of a beat that are tried
TURNS, BENDS = 0.6, 0.25  # how far a beat moves to the note near it, and the tempo with it
NEAR = 0.15  # beats within which a note is on the beat
WEIGHT = 5.0  # how much a note's place counts beside what is usual
FIRST = 8  # notes that say where the beats of one who hurries begin, and at which pace beside the usual one
RATIOS = (1.0, 0.96, 1.04, 0.92, 1.08, 0.88, 1.12)
LEAST_NOTES, MOST_NOTES = 4, 64  # from which a tempo is heard; of a longer line those in its middle


def fit(onsets: np.ndarray, period: float) -> tuple[float, float]:
    """(nats, phase in seconds) of the best beat of this period for onsets in seconds."""
    phases = np.arange(PHASES) / PHASES * period
    chance = np.full((PHASES, len(onsets)), ASTRAY / period)
    for place, share in PLACES.items():
        off = (onsets[None] - phases[:, None] - place * period + period / 2) % period - period / 2
        chance += share * np.exp(-((off / BESIDE) ** 2) / 2) / (BESIDE * np.sqrt(2 * np.pi))
    nats = np.log(chance * period).sum(1)
    best = int(nats.argmax())
    return float(nats[best]), float(phases[best])


def tempo_of(onsets: Sequence[float]) -> float:
    """The likeliest tempo in quarter notes a minute of notes that begin at these seconds; the usual one for a few."""
    at = np.asarray(onsets, np.float64)
    if len(at) < LEAST_NOTES:
        return USUAL
    at = at[max(0, (len(at) - MOST_NOTES) // 2) :][:MOST_NOTES]
    tempi = np.exp(np.arange(np.log(SLOWEST), np.log(FASTEST), STEP))
    usual = -((np.log2(tempi / USUAL) / SPREAD) ** 2) / 2
    scores = [WEIGHT * fit(at, 60 / tempo)[0] / len(at) for tempo in tempi] + usual
    return float(tempi[int(np.argmax(scores))])


def beats_of(onsets: Sequence[float], tempo: float, end: float, *, steady: bool = False) -> np.ndarray:
    """Where the beats of a line lie, in seconds up to the first at or after `end`, ascending; where `steady`, as a
    click plays them."""
    at, period, phase = np.asarray(onsets, np.float64), 60 / tempo, 0.0
    if len(at):
        first = at if steady else at[:FIRST]
        tried = [period] if steady else [period * ratio for ratio in RATIOS]
        period = max(tried, key=lambda each: fit(first, each)[0])
        phase = fit(first, period)[1]
    if len(at) and phase > at[0] + NEAR * period:
        phase -= period
    beats = [phase]
    while beats[-1] < end:
        expected = beats[-1] + period
        off = at - expected
        near = off[np.abs(off) < NEAR * period]
        if len(near) and not steady:
            own = float(near[np.abs(near).argmin()])
            expected += TURNS * own
            period = min(max(period + BENDS * own, 0.85 * 60 / tempo), 1.15 * 60 / tempo)
        beats.append(expected)
    return np.array(beats)
