"""From what the ear says of each frame to notes: the likeliest line of one voice (Viterbi).

A line rests or holds a pitch, at least `SHORTEST` frames; a note begins where the ear hears one begin, on another
pitch or on the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SHORTEST = 4  # frames (64 ms) of a note
BEGINS = 4.0  # how much a note's beginning counts beside its pitch
COST = 0.0  # nats of every note: more, and fewer are heard
LEAST = 1e-4  # chance that is given to what the ear rules out


class Span(NamedTuple):
    """A note in frames."""

    first: int
    last: int  # the frame after it
    pitch: int


def decode(pitch: np.ndarray, onset: np.ndarray) -> list[Span]:
    """The notes of a line: chances of each pitch (the last column: none), float [t, pitches + 1], and that a note
    begins, [t] → spans, ascending; their pitches are columns."""
    heard = np.log(np.maximum(pitch, LEAST))
    begins = BEGINS * np.log(np.clip(onset, LEAST, 1 - LEAST)) - COST
    goes_on = BEGINS * np.log(np.clip(1 - onset, LEAST, 1 - LEAST))
    count, pitches = len(heard), heard.shape[1] - 1
    young = np.full((SHORTEST - 1, pitches), -np.inf)  # notes by their age in frames
    grown, rest = np.full(pitches, -np.inf), 0.0
    matured = np.zeros((count, pitches), bool)  # whether a grown note of this frame has just become one
    before = np.full(count, -1)  # what a note that begins here follows, a pitch or -1 for a rest
    rested = np.full(count, -1)  # what a rest that goes on here follows
    for t in range(count):
        best = int(grown.argmax())
        follows = best if grown[best] > rest else -1
        top = max(grown[best], rest)
        matured[t] = young[-1] > grown
        grown = np.maximum(young[-1], grown) + goes_on[t] + heard[t, :-1]
        young[1:] = young[:-1] + goes_on[t] + heard[t, :-1]
        young[0] = top + begins[t] + heard[t, :-1]
        before[t] = rested[t] = follows
        rest = top + goes_on[t] + heard[t, -1]
    return _traced(int(grown.argmax()) if grown.max() > rest else -1, matured, before, rested)


def _traced(state: int, matured: np.ndarray, before: np.ndarray, rested: np.ndarray) -> list[Span]:
    """The way back from the last frame's state, a pitch or -1 for a rest."""
    spans: list[Span] = []
    t = len(matured) - 1
    end = t + 1
    while t >= 0:
        if state < 0:
            state = int(rested[t])
            end = t
            t -= 1
        elif matured[t, state]:
            first = t - SHORTEST + 1
            spans.append(Span(first, end, state))
            state = int(before[first])
            end, t = first, first - 1
        else:
            t -= 1
    return spans[::-1]
