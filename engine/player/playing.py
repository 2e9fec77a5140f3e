"""The player plays: what is given is written as it is, and the bars that are wanted come one after the other.

    for bar in perform(model, Brief(bars=8, genre={"jazz": 1.0}, seed=7)): …

Sections of eight bars are planned and then written; of what came before, a section hears the eight bars before it, and
where the bars after it are given, four on either side. So a longer piece begins as a shorter one. Where a ranker was
loaded beside, a section is written several times side by side; after each few bars the one that it finds the most like
a song is taken, and all go on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import cycle, islice

import numpy as np

import engine.player.compiled as compiled
import engine.player.vocabulary as v
from engine import RequestError
from engine.player.bars import Bar
from engine.player.brief import NEW, REST, Brief
from engine.player.candidates import ALONE, CHOICE, Path, Ranked, candidates_of
from engine.player.desk import MOST, Desk, desk_of
from engine.player.lanes import Note, encode
from engine.player.model import Model
from engine.player.song import lane_by_bar, lanes_by_bar
from engine.player.writing import Writer

SCORE_ORDER = (v.LEAD, 0, 3, 1, 2, 4)
"""The tune, drums, bass, piano, guitar, strings: the order in which lanes are given."""
FINAL = 2
"""The busyness of lanes in a bar that ends a piece, at most."""
TONICS = (0, 12 + 9)
"""The chords on which a piece in C major or A minor ends."""
FURTHER = 0.5
"""How much of what other tokens lose of their chances pitches lose: a line that may not stray repeats itself."""
TRIES = 3
"""How often a bar is drawn at most that is to be new and is not."""
DRAWS = 4096  # numbers from one choice to the next, drawn once
LATELY = 12
"""Of how many pieces a model remembers how it played them: a band some of whose players play again is several."""
AFTER = 4  # bars heard on either side of a section whose next bars are given


def perform(model: Model, brief: Brief) -> Iterator[Bar]:
    """The bars of a piece, one after the other, what was given among them. Same model, brief and machine, same bars."""
    model.lately.pop(repr(brief), None)
    model.lately[repr(brief)] = sections = list[Ranked]()
    for old in list(model.lately)[:-LATELY]:
        model.lately.pop(old, None)
    yield from _perform(model, brief, sections)


def as_played(model: Model, brief: Brief, bars: int) -> list[Ranked]:
    """How the sections of a piece's first bars were played: as it is remembered, where that was lately."""
    known = model.lately.get(repr(brief), [])
    if len(known) * v.SECTION < min(bars, brief.bars):
        known = []
        for _ in islice(_perform(model, brief, known), bars):
            pass
    return known


def _perform(model: Model, brief: Brief, sections: list[Ranked]) -> Iterator[Bar]:
    """The bars of a piece; each section comes to `sections` before the last of its bars."""
    done: list[Bar] = []
    for first in range(0, brief.bars, v.SECTION):
        section = Section(model, [brief], done, first, candidates_of(model, brief, first))
        if len(section.briefs) > 1:
            sections.append(section.ranked()[0])
            done += sections[-1].bars
            yield from sections[-1].bars
            continue
        for bar in section.play():
            done += bar
            if len(done) == section.bars.stop:
                sections.append(Ranked(done[first:], section.paths[0]))
            yield from bar


def phrases(model: Model, briefs: Sequence[Brief]) -> list[list[Bar]]:
    """What briefs of at most eight bars become, played side by side: each what it would become alone.

    They may differ in genre, lanes, levels and seed; in all else the first speaks for them all.
    """
    if briefs[0].bars > v.SECTION:
        raise RequestError(f"Only pieces of at most {v.SECTION} bars are played side by side, not of {briefs[0].bars}.")
    return Section(model, briefs, [], 0, candidates_of(model, briefs[0], 0)).chosen()


class Section:
    """Eight bars of a piece and what is known around them, in a window of their own.

    Of the bars `done` before it a plan is enough (their grid and chords) where their notes are heard as they come
    (`hear`): so a piece that is still being played costs each of its bars a little, and none of them much.
    """

    def __init__(
        self, model: Model, briefs: Sequence[Brief], done: Sequence[Bar], first: int, paths: Sequence[Path] = ALONE
    ) -> None:
        """The section of each brief that begins at bar `first`, for each of its candidates."""
        for each in briefs:
            model.check(each.genre)
        self.model, self.done, self.paths = model, done, paths
        self.briefs = [brief for brief in briefs for _ in paths]
        self.formed: list[list[range]] = [[] for _ in self.briefs]  # tokens of each candidate that the form said
        self.brief = brief = briefs[0]
        self.bars = range(first, min(first + v.SECTION, brief.bars))
        after: list[int] = []
        while (bar := self.bars.stop + len(after)) < brief.bars and len(after) < v.SECTION:
            if brief.wanted(bar) or bar not in brief.given:
                break
            after.append(bar)
        self.start = max(0, first - (AFTER if after else v.SECTION))
        self.before = range(self.start, first)
        self.after = range(self.bars.stop, min(self.bars.stop + len(after), self.start + v.WINDOW))
        self.planned = range(first, self.after.stop if self.after else first + v.SECTION)
        self.known = {bar: done[bar] for bar in self.before}
        self._coming = list(self.before)  # those before that are not heard yet
        self._expect()
        plans = np.array([(bar.grid, *(c % (v.CHORDS + 1) for c in bar.chords)) for bar in self.known.values()])
        self._writer = Writer(plans, [[np.zeros(0, np.int64)] * len(v.LANES) for _ in self.known])

    def _expect(self) -> None:
        """What is given in the section's bars and those after it."""
        for bar in (*self.bars, *self.after):
            chords = self.brief.chords.get(2 * bar, -1), self.brief.chords.get(2 * bar + 1, -1)
            sounding = {lane: notes for lane, notes in self.brief.given.get(bar, {}).items() if notes}
            self.known[bar] = Bar(self.brief.grid(bar) or v.STRAIGHT, chords, sounding)

    def ask(self, brief: Brief) -> None:
        """Give other notes, grids and chords in the section's bars, before the first of them is written."""
        self.brief, self.briefs = brief, [brief]
        self._expect()
        for bar in self.bars:
            self._writer.plans[bar - self.start, 0] = self.known[bar].grid

    def plans(self) -> list[Bar]:
        """The section's bars as they are planned, without their notes; once its first bar is written."""
        machines, at = self.desk.machines, self.bars.start - self.start
        return [Bar(int(machines.bars[0, bar, 1]), self._chords(0, bar)) for bar in range(at, at + len(self.bars))]

    def _chords(self, candidate: int, bar: int) -> tuple[int, int]:
        """What is planned for a bar of the window."""
        first, second = (int(chord) for chord in self.desk.machines.plan[candidate, bar])
        return first if first < v.CHORDS else -1, second if second < v.CHORDS else -1

    def busier(self, lane: int, level: int) -> None:
        """From the next bar on a lane is as busy as this, 1..7."""
        self.desk.levels[:, 0, lane] = level

    @cached_property
    def desk(self) -> Desk:
        """What has been written."""
        last = self.bars.stop == self.brief.bars
        rates = self.model.rates
        if self.brief.chords:  # further from the middle, they are kept less
            rates = {name: rate for name, rate in rates.items() if not name.startswith("style")}
        return desk_of(self.model.network, [each.genre for each in self.briefs],
                       np.stack([each.controls(last) for each in self.briefs]), self.brief.meter, self.model.classes,
                       self._uniform(0), rates)  # fmt: skip

    def _uniform(self, choice: int) -> np.ndarray:
        """What the candidates draw from one choice to the next, numbers in [0, 1), float64 [candidates, DRAWS]."""
        return np.stack([np.random.default_rng([each.seed, self.bars.start, 5, path[choice], choice]).random(DRAWS)
                         for each, path in zip(self.briefs, cycle(self.paths))])  # fmt: skip

    def hear(self, bar: Bar) -> None:
        """The next of the bars before: its plan is as it was said, its notes are now known."""
        number = self._coming[0]
        self.known[number] = bar
        self._run(self._hear([number]))

    def chosen(self) -> list[list[Bar]]:
        """The section's bars of each brief, from the candidates that the ranker finds the most like a song."""
        return [each.bars for each in self.ranked()]

    def ranked(self) -> list[Ranked]:
        """What was taken for each brief, and the ranker's scores of all candidates."""
        count = len(self.paths)
        out = [Ranked([], (), ()) for _ in self.briefs[::count]]
        written: list[list[Bar]] = [[] for _ in self.briefs]
        for bars in self.play():
            for row, bar in zip(written, bars):
                row.append(bar)
            if len(written[0]) % CHOICE == 0 or len(written[0]) == len(self.bars):
                taken = [self._best(written, each) for each in range(len(out))]
                rows = [each * count + best for each, (best, _) in enumerate(taken)]
                out = [Ranked(written[row], (*each.path, self.paths[best][len(each.path)]), (*each.scores, *scores))
                       for each, row, (best, scores) in zip(out, rows, taken)]  # fmt: skip
                if count > 1 and len(written[0]) < len(self.bars):
                    self._follow(np.repeat(rows, count))
                    written = [list(each.bars) for each in out for _ in range(count)]
        return out

    def _best(self, written: Sequence[Sequence[Bar]], each: int) -> tuple[int, tuple[tuple[float, ...], ...]]:
        """Which of a brief's candidates is the most like a song so far, and the ranker's scores of them, if any."""
        count = len(self.paths)
        if self.model.ranker is None or count == 1:
            return 0, ()
        first = each * count
        scores = self.model.ranker.scores(written[first : first + count], self.briefs[first].genre)
        return int(np.argmax(scores)), (tuple(scores.tolist()),)

    def _follow(self, rows: np.ndarray) -> None:
        """Each candidate goes on from where another is, int [candidates]."""
        self.desk.follow(rows)
        self.formed = [list(self.formed[row]) for row in rows]

    def play(self) -> Iterator[list[Bar]]:
        """The section's bars, one after the other, of each brief and candidate."""
        brief = self.brief
        if not any(brief.wanted(bar) for bar in self.bars):
            yield from ([self.known[bar]] * len(self.briefs) for bar in self.bars)
            return
        self._run(self.opening())
        for bar in self.bars:
            choice, within = divmod(bar - self.bars.start, CHOICE)
            if choice and not within:
                self.desk.draw(self._uniform(choice))
            wanted = [each.wanted(bar) for each in self.briefs]
            if brief.ends and bar == brief.bars - 1:
                self.desk.levels[:, 0] = np.minimum(self.desk.levels[:, 0], FINAL)
            if brief.form and any(wanted):
                self._play_form(bar, wanted)
            elif any(wanted):
                self._run([v.GO + bar - self.start, compiled.LANES], wanted)
            yield [self._written(candidate, bar) for candidate in range(len(self.briefs))]

    def _play_form(self, bar: int, wanted: Sequence[tuple[int, ...]]) -> None:
        """A bar whose lanes rest, come again or are new as the form says, one lane after the other."""
        count = len(self.briefs)
        self._run([v.GO + bar - self.start], [()] * count)
        for lane in SCORE_ORDER:
            rows = [self._again(c, bar, lane) if lane in wanted[c] else [] for c in range(count)]
            for formed, row, begun in zip(self.formed, rows, self.desk.time.tolist()):
                formed += [range(begun, begun + len(row))] * (row != [compiled.FREE])
            for _ in range(TRIES):
                before = self.desk.mark()
                self._play_lane(lane, rows)
                alike = [c for c, row in enumerate(rows) if row == [compiled.FREE] and self._is_again(c, bar, lane)]
                if not alike:
                    break
                self.desk.back(before, alike)
                rows = [row if c in alike else [] for c, row in enumerate(rows)]
            else:
                self._play_lane(lane, rows)

    def _play_lane(self, lane: int, rows: Sequence[list[int]]) -> None:
        """Write a lane for each candidate: what is given, or a bar of its own where that is FREE."""
        length = max(map(len, rows))
        if length:
            self._run([row + [compiled.SKIP] * (length - len(row)) for row in rows],
                      [(lane,) if row else () for row in rows], new=True)  # fmt: skip
            ends = [[compiled.LANES if row == [compiled.FREE] else compiled.SKIP] for row in rows]
            self._run(ends, [()] * len(rows))

    def _is_again(self, candidate: int, bar: int, lane: int) -> bool:
        """Whether a lane's new bar is one of those before that it could have named."""
        tokens = self.desk.tokens[candidate, : self.desk.time[candidate]]
        grids, notes = self.desk.machines.bars[candidate, :, 1], lane_by_bar(tokens, lane, self.model.combos)
        here = bar - self.start
        mine = notes(here)
        return any(grids[here - back] == grids[here] and notes(here - back) == mine
                   for back in sorted(set(v.RELATIONS[1:])) if back <= here)  # fmt: skip

    def _again(self, candidate: int, bar: int, lane: int) -> list[int]:
        """What a lane that plays begins with: the bar that comes again, or FREE for one of its own."""
        back = self.briefs[candidate].form[bar][lane]
        if back == REST:
            return []
        here, then = bar - self.start, bar - back - self.start
        machines = self.desk.machines
        if back != NEW and self._keeps_to_chords(machines.plan[candidate], bar, lane, back):
            if back in v.RELATIONS and then >= 0 and machines.bars[candidate, then, 0] >> lane & 1:
                if machines.bars[candidate, then, 1] == machines.bars[candidate, here, 1]:
                    return [v.track(lane, v.RELATIONS.index(back))]
            elif 0 <= bar - back < len(self.done):
                earlier = self.done[bar - back]
                if earlier.grid == machines.bars[candidate, here, 1] and earlier.lanes.get(lane):
                    return [v.track(lane, 0), *encode(lane, earlier.lanes[lane], self.model.numbered)]
        return [compiled.FREE]

    def _keeps_to_chords(self, plan: np.ndarray, bar: int, lane: int, back: int) -> bool:
        """Whether what a lane played some bars before suits the chords that are given."""
        if lane == v.DRUMS or not self.brief.chords:
            return True
        wish = self.brief.chords
        return all(wish.get(2 * bar + half) == wish.get(2 * (bar - back) + half) for half in range(2))

    def _written(self, candidate: int, bar: int) -> Bar:
        """A bar as a candidate has it, what is given in it as it was."""
        tokens = self.desk.tokens[candidate, : self.desk.time[candidate]].tolist()
        written = lanes_by_bar(tokens, self.model.combos)
        at = bar - self.start  # bars behind the last in which somebody plays were not gone to
        grid, lanes = written[at] if at < len(written) else (self.known[bar].grid, dict[int, list[Note]]())
        return Bar(grid, self._chords(candidate, at), {**lanes, **self.known[bar].lanes})

    def _run(
        self, script: Sequence[int] | Sequence[Sequence[int]], wanted: Sequence[tuple[int, ...]] = (),
        new: bool = False,
    ) -> None:  # fmt: skip
        """Follow a script, or one for each candidate, in which it may write the lanes that are wanted of it; `new`:
        and none of them as it was before."""
        given_alone, wanted = not wanted, wanted or [()] * len(self.briefs)
        may = np.ones((len(wanted), v.TOKENS), np.bool_)
        may[:, v.PLAN] = may[:, v.GO : v.TRACK] = False  # where to go on is not the network's to say
        may[:, v.COMBO + len(self.model.combos) :] = False
        if new:
            may[:, : v.TRACK] = may[:, v.EVENT :] = False
            may[:, v.TRACK : v.EVENT].reshape(len(wanted), len(v.LANES), -1)[:, :, 1 : v.RHYTHM] = False
        for candidate, lanes in enumerate(wanted):
            for lane in set(range(len(v.LANES))) - set(lanes):
                may[candidate, v.track(lane, 0) : v.track(lane + 1, 0)] = False
        items = np.array(script, np.int32)
        items = np.array(np.broadcast_to(items, (len(wanted), items.shape[-1])))
        bars = int((items == compiled.LANES).sum(1).max())
        room = int(self.desk.time.max()) + items.shape[1] + bars * MOST
        self.desk = self.desk.with_room(room)
        if len(self.briefs) == len(self.paths) and given_alone:
            given = int(np.argmax(items[0] < 0)) if (items < 0).any() else items.shape[1]
            compiled.read(self.model.weights, self.desk, items[0, :given])
            self.desk.spread()
            items = np.ascontiguousarray(items[:, given:])
        top_p = self.brief.top_p
        tails = np.array([top_p, 1 - (1 - top_p) * FURTHER, top_p])
        compiled.play(self.model.weights, self.desk, items, may, float(self.brief.temperature), tails,
                      bool(self.brief.chords))  # fmt: skip

    def _hear(self, bars: Sequence[int]) -> list[int]:
        """The script of bars around the section that are known; before the first of them stands their plan."""
        script = self._writer.tokens
        begun = len(script)
        if not script:
            script += [v.PLAN, *self._plan(range(self.start, self.after.stop) if self.after else self.before)]
        self._coming = [bar for bar in self._coming if bar not in bars]
        self._write(bars)
        return script[begun:]

    def opening(self) -> list[int]:
        """The script of what comes before the section's first bar: all plans, and all that is given."""
        around = [*self._coming, *self.after]
        script = self._hear(around) if around else []
        begun = len(self._writer.tokens)
        if not self.after:
            self._writer.tokens += [v.PLAN, *self._plan(self.planned)]
        self._write([bar for bar in self.bars if any(self.known[bar].lanes.values())], given=True)
        return script + self._writer.tokens[begun:]

    def _write(self, bars: Sequence[int], *, given: bool = False) -> None:
        """What is known in some bars, as tokens."""
        for bar in bars:
            self._writer.lanes[bar - self.start] = [
                np.array(encode(lane, self.known[bar].lanes.get(lane, ()), self.model.numbered), np.int64)
                for lane in range(len(v.LANES))
            ]
        self._writer.play([bar - self.start for bar in bars], SCORE_ORDER, given=given)

    def _plan(self, bars: range) -> list[int]:
        """What to plan for some bars, FREE where that is the network's to say."""
        script = []
        for bar in bars:
            if bar in self.before:
                grid, chords = self.known[bar].grid, list(self.known[bar].chords)
                script += [v.bar(grid), *map(v.chord, chords)]
                continue
            wish, again = self.brief.grid(bar), self._comes_again(bar)
            wish = again.grid if wish is None and again else wish
            script.append(compiled.FREE if wish is None else v.bar(wish))
            ending = self.brief.ends and bar == self.brief.bars - 1
            for half in range(2):
                known = again.chords[half] if again else self._tonic() if ending else None
                chord = self.brief.chords.get(2 * bar + half, known)
                script.append(compiled.FREE if chord is None else v.chord(chord))
        return script

    def _tonic(self) -> int:
        """The one of the `TONICS` that was played more."""
        played = [chord for bar in self.done for chord in bar.chords]
        return max(TONICS, key=played.count)

    def _comes_again(self, bar: int) -> Bar | None:
        """The bar that is done and comes again here in the most lanes."""
        row = self.brief.form[bar] if bar < len(self.brief.form) else ()
        backs = [back for back in row if 0 < back <= bar and bar - back < self.bars.start]
        return self.done[bar - max(backs, key=backs.count)] if backs else None
