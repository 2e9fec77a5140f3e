"""Bars that are known, written as the player's tokens in whatever order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

import engine.player.vocabulary as v
from engine.player.grammar import RHYTHM_TOKENS


class Writer:
    """Writes bars of a window, and says what is asked of a network that learns from them.

    plans: int [bars, 3], grid and chords of each bar; lanes: for each bar the tokens of its six lanes, without TRACK.
    """

    def __init__(self, plans: np.ndarray, lanes: Sequence[Sequence[np.ndarray]]) -> None:
        self.plans, self.lanes = plans.astype(int), list(lanes)
        self.tokens: list[int] = []
        self._asked: list[bool] = []
        self._written = [[False] * len(v.LANES) for _ in lanes]
        self._partly = False  # whether the last bar written had only some of its lanes

    def plan(self, bars: Iterable[int]) -> None:
        """The grid and chords of the next bars."""
        self._add(v.PLAN, bool(self.tokens))
        for bar in bars:
            grid, first, second = self.plans[bar]
            for token in (v.bar(grid), v.CHORD + first, v.CHORD + second):
                self._add(int(token))

    def play(self, bars: Iterable[int], lanes: Sequence[int], *, given: bool = False) -> None:
        """Some lanes of some bars, in this order; which of them sound is not asked where they are given."""
        for bar in bars:
            self._add(v.GO + bar, self.tokens[-1] >= v.GO and not self._partly)
            for lane in lanes:
                tokens = self.lanes[bar][lane]
                if len(tokens):
                    relation = self._relation(bar, lane)
                    self._add(v.track(lane, relation), not given)
                    if not 0 < relation < v.RHYTHM:
                        for token in tokens:
                            self._add(int(token))
                    self._written[bar][lane] = True
            self._partly = given

    def targets(self) -> np.ndarray:
        """What is to be said after each token, int64 [tokens]: END for a GO or PLAN, PAD where nothing is asked."""
        said = np.array(self.tokens[1:] + [v.END])
        said[(said == v.PLAN) | ((said >= v.GO) & (said < v.TRACK))] = v.END
        return np.where(self._asked[1:] + [not self._partly], said, v.PAD)

    def _add(self, token: int, asked: bool = True) -> None:
        self.tokens.append(token)
        self._asked.append(asked)

    def _relation(self, bar: int, lane: int) -> int:
        """The number of the nearest earlier bar that is the same, else of one with its rhythm, 0 where none is."""
        tokens, rhythm = self.lanes[bar][lane], _rhythm(self.lanes[bar][lane])
        for number, before in list(enumerate(v.RELATIONS))[1:]:
            then = bar - before
            if then < 0 or self.plans[bar, 0] != self.plans[then, 0] or not self._written[then][lane]:
                continue
            other = self.lanes[then][lane]
            if number < v.RHYTHM:
                same = np.array_equal(other, tokens)
            else:
                same = len(rhythm) <= RHYTHM_TOKENS and np.array_equal(_rhythm(other), rhythm)
            if same:
                return number
        return 0


def _rhythm(tokens: np.ndarray) -> np.ndarray:
    """The events and lengths among a lane's tokens."""
    return tokens[(tokens >= v.EVENT) & (tokens < v.PITCH)]
