"""The bars of a jam in C, one after the other, each as it is asked for.

    composer = Composer(model, seed=3)
    composer.bar(0, settings), composer.bar(1, settings), …

Sections of eight bars follow a form (form.py); each hears the eight bars before it, bar by bar while others are
written, so that no bar costs much more than another. Other settings act at once: the bars that are left of the section
are asked for anew, by a player who hears the last four alone, for that bar is awaited; and what was played before them
is remembered no more. A bar may be asked for again as long as few have come after it: with the settings that it was
written with it is as it was, with others it is written anew.

So a bar depends on the seed, on the bars before it and on the settings of now, and on nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from engine import band, player
from engine.core.pianoroll import TRACKS
from engine.jam.form import BARS, Part, lifts, next_part
from engine.jam.holding import held_from

DRUMS, BASS = TRACKS.index("drums"), TRACKS.index("bass")
LEAST, MOST = 2, 7  # levels of busyness of a lane that plays
SOON = 4  # bars heard before one of other settings
CAUGHT_UP = 2  # bars, at most, that the section to come hears for each that is written
FILL = 2  # levels by which the drums are busier where they lead into a section
REMEMBERED, KEPT = 128, 160  # bars: what may return, and what is kept so that some may be asked for again
TONICS = 0, 21  # C and A minor
CRASH, KICK = 49, 36


@dataclass(frozen=True)
class Written:
    """A bar, and where it stands."""

    bar: player.Bar  # in C
    letter: str  # of its section
    index: int  # of the section's bars
    section: int  # how many sections came before
    since: int  # the bar from which the chords of now are played
    asked: tuple[Any, ...]  # the settings by which it was written
    composed: player.Bar  # before a hand held another chord in it
    holds: tuple[tuple[int, int], ...] = ()  # (half, chord)

    @property
    def leads_on(self) -> bool:
        """Whether it is the last of its section."""
        return self.index == BARS - 1


@dataclass
class _Open:
    """A section in the making."""

    section: player.Section
    part: Part
    asked: tuple[Any, ...]
    offset: int  # of its first bar in its window
    bars: Iterator[list[player.Bar]] | None = None  # those that are left, once it has begun
    follows: tuple[Part, list[player.Bar]] | None = None  # what comes then, and the plan of the bars before it


class Composer:
    """Writes the bars."""

    def __init__(self, model: player.Model, seed: int) -> None:
        self.model, self.seed = model, seed
        self.log: list[Written] = []
        self.first = 0  # the number of the log's first bar
        self._now: _Open | None = None  # goes on where the log ends
        self._coming: _Open | None = None  # follows
        self._unheard: list[player.Bar] = []  # what it has not heard yet
        self._wished: tuple[tuple[Any, ...], player.Brief] | None = None  # the last brief, and what it was asked by

    def bar(
        self, number: int, settings: band.Request, *, last: bool = False, holds: tuple[tuple[int, int], ...] = ()
    ) -> Written:
        """The bar of a number, from 0: the next one, or one of the last that were written. The `last` is an ending.
        What a hand `holds` in it, (half, chord), is no reason to write it anew."""
        at = number - self.first
        before = self.log[at - 1] if at else None
        same_chords = before is not None and before.asked[0] == _progression(settings)
        since = before.since if before is not None and same_chords else number
        asked = (_progression(settings), since, *_manner(settings), last)
        if at < len(self.log):
            if (self.log[at].asked, self.log[at].holds) == (asked, holds):
                return self.log[at]
            written = self.log[at] if self.log[at].asked == asked else None
            del self.log[at:]
            self._now = self._coming = None
        else:
            written = None
        written = written or (self._ending(settings, asked) if last else self._next(settings, asked))
        if holds or written.holds:
            written = self._held(written, settings, holds)
        self.log.append(written)
        if len(self.log) > 2 * KEPT:
            del self.log[:-KEPT]
            self.first += KEPT + 1
        return written

    def _held(self, written: Written, settings: band.Request, holds: tuple[tuple[int, int], ...]) -> Written:
        """A bar moved into the chords that are held; what follows hears it so."""
        bar = written.composed
        for half, chord in holds:
            bar = held_from(bar, half, chord, band.meter_of(settings))
        self._now = self._coming = None
        return replace(written, bar=bar, holds=holds)

    def _next(self, settings: band.Request, asked: tuple[Any, ...]) -> Written:
        before = self.log[-1] if self.log else None
        begins = before is None or before.leads_on
        index = 0 if before is None or begins else before.index + 1
        section = 0 if before is None else before.section + begins
        if self._now is not None and self._now.asked == asked:
            self._hear(settings, BARS if begins else CAUGHT_UP)
        now, self._coming = (self._coming, None) if begins else (self._now, self._coming)
        if now is None or now.asked != asked:
            part = self._part(section, asked) if before is None or begins else self._rest_of(before)
            now, self._coming = self._open(settings, asked, part, [w.bar for w in self.log[-SOON:]]), None
        if now.bars is None:
            now.section.ask(self._brief(settings, asked, now.part, now.offset, self.first + len(self.log)))
            now.bars = now.section.play()
        self._now = now
        if index == BARS - 1:
            now.section.busier(DRUMS, min(now.section.brief.busy.get(DRUMS, LEAST) + FILL, MOST))
        [bar] = next(now.bars)
        written = Written(bar, now.part.letter, index, section, asked[1], asked, bar)
        if now.follows is None:
            left = now.section.plans()[: BARS - index]
            self._unheard = [w.bar for w in self.log[-index:]] if index else []
            now.follows = self._part(section + 1, asked, written), [*self._unheard, *left]
        self._unheard.append(bar)
        return written

    def _hear(self, settings: band.Request, most: int) -> None:
        """Let the section that follows hear some more of what was written; it begins to as soon as all the bars before
        it are planned."""
        assert self._now is not None and self._now.follows is not None
        if self._coming is None:
            self._coming = self._open(settings, self._now.asked, *self._now.follows)
        for bar in self._unheard[:most]:
            self._coming.section.hear(bar)
        del self._unheard[:most]

    def _open(self, settings: band.Request, asked: tuple[Any, ...], part: Part, before: Sequence[player.Bar]) -> _Open:
        brief = self._brief(settings, asked, part, len(before), 0)
        return _Open(player.Section(self.model, [brief], before, len(before)), part, asked, len(before))

    def _part(self, section: int, asked: tuple[Any, ...], now: Written | None = None) -> Part:
        """The section of a number, where the one that is being written, if any, becomes a whole one."""
        played = "".join(letter for letter, _ in self._remembered(asked))
        if now is not None and (not now.index or self._whole(self.log[-now.index :], asked)):
            played += now.letter
        return next_part(self.seed, section, played, len(TRACKS))

    def _rest_of(self, before: Written) -> Part:
        return Part(before.letter, (False,) * len(TRACKS), lifts(self.seed, before.letter, len(TRACKS)))

    def _remembered(self, asked: tuple[Any, ...]) -> list[tuple[str, list[Written]]]:
        """The letters and bars of the whole sections that were written with these settings, in their order."""
        sections = [list(bars) for _, bars in groupby(self.log[-REMEMBERED:], key=lambda w: w.section)]
        return [(bars[0].letter, bars) for bars in sections if len(bars) == BARS and self._whole(bars, asked)]

    @staticmethod
    def _whole(bars: Sequence[Written], asked: tuple[Any, ...]) -> bool:
        return not bars[0].index and all(written.asked == asked for written in bars)

    def _brief(
        self, settings: band.Request, asked: tuple[Any, ...], part: Part, offset: int, number: int
    ) -> player.Brief:
        """What is asked of the player for a section that begins at a bar of the jam, and `offset` bars after its
        window."""
        brief = self._wish(settings)
        free = [level >= LEAST and TRACKS[lane] not in settings.busy for lane, level in brief.busy.items()]
        busy = {lane: min(max(level + lift, LEAST), MOST) if moves else level
                for (lane, level), lift, moves in zip(brief.busy.items(), part.lifts, free)}  # fmt: skip
        lanes = tuple(lane for lane in brief.lanes if TRACKS[lane] not in settings.without)
        remembered = dict(self._remembered(asked)).get(part.letter, [])
        chords: dict[int, int] = {}
        given: dict[int, dict[int, Any]] = {}
        for written in remembered:
            bar = offset + written.index
            chords |= {2 * bar + half: chord for half, chord in enumerate(written.bar.chords)}
            given[bar] = {lane: written.bar.lanes.get(lane, ()) for lane in lanes
                          if part.returns[lane] and not (written.leads_on and lane == DRUMS)}  # fmt: skip
        if progression := asked[0]:
            first = 2 * (number - asked[1])
            chords = {2 * offset + half: progression[(first + half) % len(progression)] for half in range(2 * BARS)}
        if asked[-1]:
            chords = dict.fromkeys((2 * offset, 2 * offset + 1), self._tonic(progression))
        own_seed = int(np.random.default_rng([self.seed, number, 31]).integers(2**63))
        return replace(
            brief, bars=offset + BARS, lanes=lanes, busy=busy, given=given, chords=chords, seed=own_seed, form=(),
            ends=False,
            grids={offset + written.index: written.bar.grid for written in remembered},
        )  # fmt: skip

    def _wish(self, settings: band.Request) -> player.Brief:
        """What Band would ask of the player, chords and form aside: as the first bars of a longer piece."""
        asked = _manner(settings)
        if self._wished is None or self._wished[0] != asked:
            self._wished = asked, band.brief_of(self.model, replace(settings, bars=BARS, chords=""))
        return self._wished[1]

    def _tonic(self, progression: Sequence[int]) -> int:
        """The chord to end on: the first that is given, or that of the key which sounded more of late."""
        if progression:
            return progression[0]
        sounded = [chord for written in self.log[-REMEMBERED:] for chord in written.bar.chords]
        return max(TONICS, key=sounded.count)

    def _ending(self, settings: band.Request, asked: tuple[Any, ...]) -> Written:
        """The last bar: what is struck on its first beat, held."""
        before = self.log[-1] if self.log else None
        section = before.section + before.leads_on if before else 0
        opened = self._open(settings, asked, Part("", (False,) * len(TRACKS), (0,) * len(TRACKS)),
                            [written.bar for written in self.log[-SOON:]])  # fmt: skip
        opened.section.ask(self._brief(settings, asked, opened.part, opened.offset, self.first + len(self.log)))
        [bar] = next(opened.section.play())
        self._now = self._coming = None
        bar = ended(bar, opened.section.brief)
        return Written(bar, "", 0, section, asked[1], asked, bar)


def ended(bar: player.Bar, brief: player.Brief) -> player.Bar:
    """A bar as an ending: each player's first notes of its first beat, held to its end; the bass is there, and cymbal
    and kick."""
    steps = player.steps_of(brief.meter, bar.grid)
    lanes: dict[int, list[tuple[int, int, int]]] = {}
    for lane, notes in bar.lanes.items():
        first = min(step for step, _, _ in notes)
        if first < player.steps_of((1, 4), bar.grid):
            lanes[lane] = [(0, 1 if lane == DRUMS else steps, pitch) for step, _, pitch in notes if step == first]
    root = max(bar.chords[0], 0) % 12
    if BASS in brief.lanes:
        lowest = min((pitch for _, _, pitch in bar.lanes.get(BASS, ())), default=36)
        lanes[BASS] = [(0, steps, lowest // 12 * 12 + root)]
    if DRUMS in brief.lanes:
        lanes[DRUMS] = [(0, 1, KICK), (0, 1, CRASH)]
    return replace(bar, lanes=lanes)


def _progression(settings: band.Request) -> tuple[int, ...]:
    """The chords that are given, by half bar, in C; they come again from their beginning."""
    if not settings.progression:
        return ()
    given = settings.progression
    return tuple(given.halves(band.key_of(settings), len(given.bars)).values())


def _manner(settings: band.Request) -> tuple[Any, ...]:
    """All other settings by which notes are chosen."""
    mappings = (tuple(sorted(each.items())) for each in (settings.genre, settings.busy, settings.register))
    return *mappings, tuple(sorted(settings.without)), settings.density, settings.adventurousness
