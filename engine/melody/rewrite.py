"""Bars of a tune written anew under its grammar, the text before them and behind them as it was, letter for letter.

Barlines and fields stay too: what is written is what stands between them, each bar exactly as long as it was. So many
ways are written by one seed, and the one stands after which the network finds the text that follows likeliest: a seam
is whole where what comes behind could have been expected.

Bars count as they are written, from 1; pickups are none, and what is behind a second ending counts on.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine import Progress, RequestError
from engine.core.rewriting import spelled, stretch
from engine.core.song import NEAR
from engine.melody.abc.canonical import KEPT_IN_BODY, Tune, clean_line, default_unit
from engine.melody.abc.clean import HARMONY
from engine.melody.abc.notes import parse, played_to_written, reading_of, song
from engine.melody.abc.reader import WHOLE, Bar, Reader
from engine.melody.asked import Chosen
from engine.melody.composing import Writer
from engine.melody.features import CHORDS, PLAIN
from engine.melody.grammar import Grammar
from engine.melody.model import Model
from engine.melody.request import Request
from engine.melody.tokens import END

TRIES = 8  # ways that are written, of which one stands
FOLLOWING = 160  # characters behind the marked bars that have to be likely
LONGEST = 400  # characters of a bar
FIELDS = re.compile(r"\[[A-Za-z]:|\n[A-Za-z]:")


@dataclass(frozen=True)
class Place:
    """A bar in a body: [begin, end) is what stands between its barlines, without blanks and fields around it."""

    bar: Bar
    begin: int
    end: int


def rewritten(
    model: Model, request: Request, progress: Progress | None = None
) -> tuple[Tune, list[str], dict[str, Any]]:
    """The tune of the request's input with its marked bars anew, what is said of it, and what was measured.

    Refused where it has several voices, no such bars, or none of them can be written.
    """
    assert request.input is not None and request.rewrite is not None
    tune, remarks = parse(request.input.content, request.tune_number)
    if (voices := len(reading_of(tune).voices)) > 1:
        raise RequestError(f"The tune has {voices} voices; bars of one voice alone can be written anew.")
    body, positions = placed(tune)
    places = places_of(tune, body)
    marked, stay = _marked(tune, body, places, request.rewrite)
    begun = Rewriter(model, request, tune, body, [place.bar for place in places])
    begun.grammar.chord_symbols = any(_symbols(body[place.begin : place.end]) for place in marked)
    follows, bars = _best(begun, body, marked, progress)
    text = tune.text
    for place, bar in reversed(list(zip(marked, bars))):
        text = text[: positions[place.begin]] + bar + text[positions[place.end - 1] + 1 :]
    made, said = parse(text)
    if any(re.match(r"\s*w:", line) for line in text.split("\n")):
        said.append("Words under the notes stay as they were, under other notes.")
    if stay:
        said.append(f"Of the bars marked, {', '.join(stay)} stay: fields stand in them, or no plain notes fill them.")
    report = {"title": made.title, "rewritten": {"bars": list(request.rewrite), "text": bars},
              "follows": round(follows, 4)}  # fmt: skip
    return made, list(dict.fromkeys([*remarks, *said])), report


def _best(begun: Rewriter, body: str, marked: Sequence[Place], progress: Progress | None) -> tuple[float, list[str]]:
    """The bars after which what follows is likeliest, and how likely, in bits a character; others than those that were
    there, where there are such. Refused where no notes fill them."""
    for char in body[: marked[0].begin]:
        begun.write(char)
    ways = ways_of(begun, body, marked, progress)
    if not ways:
        raise RequestError("No notes fill the marked bars as the bars around them would have it.")
    _, follows, bars = max(ways, key=lambda way: way[:2])
    return follows, bars


def ways_of(
    begun: Rewriter, body: str, marked: Sequence[Place], progress: Progress | None
) -> list[tuple[bool, float, list[str]]]:
    """As many ways as can be of `TRIES`, from a writer that has read up to the marked bars: whether they differ from
    what was there, the bits a character of what follows (below 0), and the bars."""
    old = [body[place.begin : place.end] for place in marked]
    ways = []
    for number in range(TRIES):
        if progress:
            progress(number, TRIES)
        way = begun.twin(number)
        if (bars := way.through(body, marked)) is not None:
            ways.append((bars != old, way.following(body[marked[-1].end :]), bars))
    if progress:
        progress(TRIES, TRIES)
    return ways


def placed(tune: Tune) -> tuple[str, list[int]]:
    """The canonical body of a tune that was brought, and where in its text each character stands."""
    text, body, positions = tune.text, "", list[int]()
    at = len("".join(text.splitlines(keepends=True)[: tune.line - 1]))
    for line in text[at:].split("\n"):
        clean = clean_line(line)
        field = re.match(r"([A-Za-z]):", clean)
        music = not field or field[1] in "ABCDEFGabcdefgz" or field[1] in KEPT_IN_BODY
        if clean and music:
            if body:
                body += "\n"
                positions.append(at - 1)
            words = [at + match.start() + n for match in re.finditer(r"\S+", line) for n in range(len(match[0]))]
            for word in re.finditer(r"\S+", clean):
                if word.start():
                    positions.append(words[0] - 1)
                positions += words[: len(word[0])]
                del words[: len(word[0])]
            body += clean
        at += len(line) + 1
    if body != tune.body:
        raise RequestError("The lines of this tune are too unusual for bars of it to be written anew.")
    return body, positions


def places_of(tune: Tune, body: str) -> list[Place]:
    """The bars of a body, pickups among them, in order."""
    reader = Reader(tune.meter, tune.unit, tune.key)
    out, begin, end = list[Place](), -1, 0
    for at, char in enumerate(body):
        count = len(reader.bars)
        reader.feed(char)
        if len(reader.bars) > count:
            out.append(Place(reader.bars[-1], begin, end))
            begin = -1
        if char in " \n" or reader.bar_text or reader.mode == "field" or (reader.mode == "inline" and begin < 0):
            continue
        if begin < 0 and (reader.line_letter or reader.bracket or char == "]"):
            continue  # it may yet be a field or a barline
        begin, end = at if begin < 0 else begin, at + 1
    reader.close_bar(closed=False)
    if len(reader.bars) > len(out):
        out.append(Place(reader.bars[-1], begin, end))
    return [replace(place, begin=_back(body, place.begin)) for place in out]


def written_bars(tune: Tune, first: int, last: int) -> tuple[int, int]:
    """The bars as they are written, from 1, of bars as they are played, repeats unfolded. Refused where there are
    none."""
    tune = parse(tune.abc)[0]
    marked = stretch(song(tune), (first, last))
    written = [
        (at + max(marked.begin - beat, 0), at + min(marked.end - beat, beats))
        for beat, at, beats in played_to_written(tune)
        if beat < marked.end - NEAR and beat + beats > marked.begin + NEAR
    ]
    numbers, number, now = [], 0, 0.0
    for place in places_of(tune, placed(tune)[0]):
        until = now + 4 * place.bar.ticks / WHOLE
        number += place.bar.number > 0
        if place.bar.number and any(a < until - NEAR and b > now + NEAR for a, b in written):
            numbers.append(number)
        now = until
    if not numbers:
        raise RequestError("A pickup alone cannot be written anew; mark a whole bar.")
    return min(numbers), max(numbers)


def _symbols(text: str) -> bool:
    """Whether there are chord symbols in it."""
    return any(HARMONY.fullmatch(quoted) for quoted in re.findall(r'"([^"\n]*)"', text))


def _back(body: str, begin: int) -> int:
    """A bracket before the first note is a chord's."""
    return begin - 1 if begin > 0 and body[begin - 1] == "[" else begin


def _marked(tune: Tune, body: str, places: Sequence[Place], bars: Sequence[int]) -> tuple[list[Place], list[str]]:
    """The places of the marked bars, and the numbers of those that have to stay."""
    whole = [place for place in places if place.bar.number]
    if bars[1] > len(whole):
        have = f"bars 1 to {len(whole)}" if len(whole) > 1 else "one bar"
        raise RequestError(f"The tune has {have} as it is written: {spelled(bars)} cannot be among them.")
    grid = Grammar(Reader(tune.meter, tune.unit, tune.key), (1,)).grid
    marked, stay = [], []
    for number in range(bars[0], bars[1] + 1):
        place = whole[number - 1]
        free = 0 <= place.begin < place.end and not FIELDS.search(body[place.begin : place.end])
        if free and place.bar.ticks % grid == 0:
            marked.append(place)
        else:
            stay.append(str(number))
    if not marked:
        raise RequestError(f"Fields stand in {spelled(bars)}, or no plain notes fill them: they have to stay.")
    return marked, stay


class Filling(Grammar):
    """The grammar of a bar whose barlines are there already: it is full when it lasts as long as it did."""

    target = 0  # ticks of the bar
    kept_behind = True  # whether the next bar's first note is there already

    @property
    def full(self) -> int:
        return self.target

    @property
    def finished(self) -> bool:
        return False

    def full_at(self, time: int) -> bool:
        return time == self.target

    def _closings(self, time: int) -> tuple[str, ...]:
        return ("|",)

    def _can_tie(self) -> bool:
        return super()._can_tie() and not (self.kept_behind and self.reader.bar_time == self.target)

    def _barline(self) -> set[str]:
        return self._element(self.reader.bar_time)

    def _element(self, time: int) -> set[str]:
        out = super()._element(time)
        if not time:
            return out - {" ", "|"}
        return out - {" "} if time == self.target else out


class Rewriter(Writer):
    """A writer that reads a tune and writes some of its bars."""

    def __init__(self, model: Model, request: Request, tune: Tune, body: str, bars: Sequence[Bar]) -> None:
        form = tuple(
            max([bar.number for bar in bars if bar.section == section] + [1]) for section in range(bars[-1].section + 1)
        )
        header = replace(tune, unit=tune.unit or default_unit(tune.meter), text="",
                         kind=tune.kind if tune.kind in model.kinds else "")  # fmt: skip
        chosen = Chosen(header, tune.meter, form, CHORDS if _symbols(body) else PLAIN)
        super().__init__(model, chosen, request, np.random.default_rng(0))
        self.grammar: Filling = Filling(self.features.reader, form, PLAIN, (), self._read)

    def twin(self, number: int) -> Rewriter:
        """Another that goes on from here, with luck of its own."""
        shared = (self.model, self.model.alphabet, self.request)
        twin = copy.deepcopy(self, {id(each): each for each in shared})
        twin.random = np.random.default_rng([self.request.seed, number, 23])
        return twin

    def through(self, body: str, marked: Sequence[Place]) -> list[str] | None:
        """Write the marked bars and read what stands between them; None where they cannot be filled."""
        out = []
        for place, behind in zip(marked, [*marked[1:], None]):
            self.grammar.target = place.bar.ticks
            between = body[place.end : behind.begin] if behind else ""
            self.grammar.kept_behind = behind is None or behind.bar.start > place.bar.end
            if (bar := self._fill()) is None:
                return None
            out.append(bar)
            for char in between:
                self.write(char)
        return out

    def _fill(self) -> str | None:
        first = self.length
        while self.length - first < LONGEST:
            allowed = self.grammar.allowed()
            if not allowed:
                return None
            char = self._draw(allowed)
            if char == "|":
                return "".join(self.text[first:])
            self.write(char)
        return None

    def following(self, rest: str) -> float:
        """Mean log-probability, in bits a character, of the text behind and of the tune's end where it is near."""
        bits = []
        for char in [*rest, END][:FOLLOWING]:
            own = self.expected[self.symbols([char])[0]]
            bits.append(float(np.log2(max(own, 1e-30))))
            if char:
                self.write(char)
        return float(np.mean(bits))
