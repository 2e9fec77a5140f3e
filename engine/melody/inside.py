"""Inside Melody: what the network expected at each character of a tune, what was forbidden, what its units follow.

    reading = inside.written(model, request, tune)          a tune that the network wrote, written once more by its side
    tune = inside.again(model, request, text)               the same from its text, None where other weights wrote it
    reading = inside.brought(model, tune)                   a tune of people: no form is known, no grammar holds
    reading.characters[7].bits                              the surprise of a character
    inside.tracking_units(reading)                          the units that follow the bar and the parts

The surprise of a character is -log2 of the probability that the network gave it, so a tune's surprises sum to its bits:
of a written tune to `Written.likelihood` (before any constraint), of a brought one to what scoring.py counts (among
what can be written in that place).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine import RequestError
from engine.melody.abc.canonical import Tune
from engine.melody.abc.reader import Reader
from engine.melody.composing import Writer, Written, checked_start, compose
from engine.melody.features import Features
from engine.melody.model import Model
from engine.melody.request import Request
from engine.melody.tokens import END

ALTERNATIVES = 6  # of a character, the likeliest
LEAST = 1e-30  # a probability is held to be no less
OTHERS = "This tune was written by other weights: what they thought of it cannot be known any more."


@dataclass(frozen=True)
class Alternative:
    """What might have stood in a place. char: "" is the end of the tune."""

    char: str
    probability: float  # the network's own, before any constraint
    allowed: bool  # by the grammar


@dataclass(frozen=True)
class Character:
    """One character of a body, as the network met it. char: "" is the end of the tune."""

    char: str
    bits: float  # surprise
    alternatives: tuple[Alternative, ...]  # the likeliest first, this character among them where it is likely enough
    forbidden: float  # probability of all that the grammar ruled out
    typed: bool  # by a person, not drawn
    moment: int  # since the bar began, in ticks
    part: int  # the section, from 0


@dataclass(frozen=True)
class Reading:
    """All characters of a tune and its end; units: the network's hidden state before each, float32 [characters, units],
    layer after layer."""

    characters: tuple[Character, ...]
    units: np.ndarray

    @property
    def bits(self) -> float:
        """Mean surprise of the characters that were not typed."""
        return float(np.mean([each.bits for each in self.characters if not each.typed]))

    @property
    def text(self) -> str:
        """The body."""
        return "".join(each.char for each in self.characters)


@dataclass(frozen=True)
class TrackingUnit:
    """A unit that follows something. share: of its variance that is explained by it, 0 to 1."""

    tracks: str
    unit: int
    share: float
    values: np.ndarray  # float32 [characters], -1 to 1


def _character(
    char: str, own: float, table: dict[str, float], allowed: set[str], typed: bool, reader: Reader
) -> Character:
    """own: the probability of `char`; table: that of every character that could stand there by its spelling."""
    likeliest = sorted(table.items(), key=lambda item: (-item[1], item[0]))[:ALTERNATIVES]
    return Character(
        char, float(-np.log2(max(own, LEAST))), tuple(Alternative(c, p, c in allowed) for c, p in likeliest),
        max(0.0, 1.0 - sum(table.get(c, 0.0) for c in allowed)), typed, reader.bar_time, reader.section,
    )  # fmt: skip


def again(model: Model, request: Request, tune: Tune) -> Written | None:
    """What the request writes, where that is this tune; None where it is another, as these weights write otherwise."""
    made = compose(model, request)
    return made if (made.tune.key, made.tune.body) == (tune.key, tune.body) else None


def written(model: Model, request: Request, tune: Written) -> Reading:
    """A tune that the request wrote, once more with a look at each step. Refused where these weights wrote another."""
    request = replace(request, attempt=tune.attempt)
    start, body = checked_start(model, request.start), tune.tune.body
    writer = Writer.of(model, request)
    writer.begin(start)
    if writer.over:
        raise RequestError("The given chords were set above this tune once it was written.")
    form = writer.form  # with room for the beginning
    writer = Writer.of(model, request)
    if form != tune.form or not body.startswith(start):
        raise RequestError(OTHERS)
    characters, units = [], []
    for i, char in enumerate([*body, END]):
        if i == len(start):
            writer.form = writer.plan.sections = writer.grammar.sections = form
        typed = i < len(start)
        features = writer.features
        spelled = [*model.alphabet.table(features.reader.place, features.tonic), END]
        chances = writer.expected
        table = dict(zip(spelled, chances[writer.symbols(spelled)].tolist(), strict=True))
        allowed = set(spelled) if typed else set(writer.grammar.allowed())
        if char not in allowed and not typed:
            raise RequestError("This tune was changed after it was written: the grammar would not have let it be.")
        own = float(chances[writer.symbols([char])[0]])
        characters.append(_character(char, own, table, allowed, typed, features.reader))
        units.append(writer.state[:, 0].ravel().copy())
        if char:
            writer.write(char)
    return Reading(tuple(characters), np.stack(units))


def brought(model: Model, tune: Tune) -> Reading:
    """A tune in canonical text that the network did not write: what it expected there, no form and no style given."""
    alphabet, sampler = model.alphabet, model.sampler
    features = Features(alphabet, tune, relative=model.sizes.relative)
    state = sampler.start()
    for row in features.header():
        logits = sampler.step(row, state)
    characters, units = [], []
    for char in [*tune.body, END]:
        symbols = {**alphabet.table(features.reader.place, features.tonic), END: alphabet.END}
        own = np.exp(logits[[*symbols.values(), alphabet.OTHER]] - logits.max(), dtype=np.float64)
        own /= own.sum()
        table = dict(zip(symbols, own[:-1].tolist(), strict=True))
        characters.append(_character(char, table.get(char, own[-1]), table, set(table), False, features.reader))
        units.append(state[:, 0].ravel().copy())
        if char:
            logits = sampler.step(features.feed(char), state)
    return Reading(tuple(characters), np.stack(units))


def tracking_units(reading: Reading) -> list[TrackingUnit]:
    """The unit that best follows each of: the place in the bar, the part of the tune.

    Found by measure: eta squared, the share of a unit's variance over the tune that lies between the groups (moments of
    a bar; sections), not within them. A tune of one part has none for parts.
    """
    labels = {
        "the place in the bar": np.array([each.moment for each in reading.characters]),
        "the part of the tune": np.array([each.part for each in reading.characters[:-1]] or [0]),
    }
    out = []
    for name, label in labels.items():
        units = reading.units[: len(label)].astype(np.float64)
        groups, member = np.unique(label, return_inverse=True)
        if len(groups) < 2:
            continue
        counts = np.bincount(member)
        sums = np.zeros((len(groups), units.shape[1]))
        np.add.at(sums, member, units)
        means = sums / counts[:, None]
        between = (counts[:, None] * (means - units.mean(0)) ** 2).sum(0)
        shares = between / np.maximum(((units - units.mean(0)) ** 2).sum(0), 1e-12)
        best = int(np.argmax(shares))
        out.append(TrackingUnit(name, best, float(shares[best]), reading.units[:, best]))
    return out


def going_on(model: Model, request: Request, tune: Written, at: int, char: str) -> Request:
    """The request that keeps a written tune up to its character `at`, writes `char` there and goes on from it.

    Refused where nothing can go on: within a chord symbol, at the end, or for a character that may not stand there.
    """
    start = tune.tune.body[:at] + char
    if not char:
        raise RequestError("The end of the tune leaves nothing to go on with; choose a character.")
    header = tune.tune
    kind = header.kind if header.kind in model.kinds else None
    wanted = Request(
        key=header.key, meter=header.meter, kind=kind, unit=header.unit or None,
        chord_symbols=tune.chords, form="+".join(map(str, tune.form)), start=start, seed=request.seed,
        temperature=request.temperature, top_p=request.top_p, candidates=request.candidates,
    )  # fmt: skip
    wanted.validate()
    Writer.of(model, wanted).begin(checked_start(model, start))
    return wanted
