"""Composing a tune, character by character; what it is to be comes from asked.py.

The model's probabilities come from engine/melody/sampler.py, what may be written from engine/melody/grammar.py; one of
the characters that may be written is drawn by temperature and top-p (nucleus sampling, Holtzman et al. 2020).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine import Progress, RequestError
from engine.melody.abc.canonical import Tune, canonical_kind, default_unit
from engine.melody.asked import Chosen, check_bars, fill_in
from engine.melody.critic import plausible
from engine.melody.features import CHORDS, Features, Plan
from engine.melody.grammar import Grammar
from engine.melody.model import Model
from engine.melody.names import name_of
from engine.melody.over import Over
from engine.melody.request import CRITIC, MAX_ATTEMPTS, Request
from engine.melody.tokens import END

MAX_CHARACTERS = 6000  # of a body; the longest tune learned from has 1830
LIKES = 0.003  # of the probability: the least at which the model is held to like an ending on the tonic
STRIDE = 1_000_003  # between the seeds of one request's attempts
DISTINCT = 0.5  # 19 of 20 real tunes have more distinct bars than this


@dataclass(frozen=True)
class Written:
    """A tune that was made."""

    tune: Tune
    form: tuple[int, ...]
    chords: bool
    likelihood: float  # mean log-probability of a character the model wrote, in bits, before any constraint
    masked: float  # mean probability of the characters that the grammar forbade
    corrected: int  # how often the likeliest character of all was a forbidden one
    typed: int  # characters of the body that were typed, not made
    attempt: int = 1  # of its request: `compose` makes it again

    @property
    def made(self) -> int:
        """Characters that the model wrote."""
        return len(self.tune.body) - self.typed


def compose(model: Model, request: Request, *, seed: int | None = None, progress: Progress | None = None) -> Written:
    """One tune, whole and in the form asked for, with the seed of the request's attempt or another. Same request,
    same tune.

    Refused when the request asks for what does not exist, or its beginning cannot be continued.
    """
    start = checked_start(model, request.start)
    return _side_by_side(model, start, [(request, Writer.of(model, request, seed))], progress)[0]


def _side_by_side(
    model: Model, start: str, asked: Sequence[tuple[Request, Writer]], progress: Progress | None
) -> list[Written]:
    """The tunes of some requests and their writers, a character of each at a time."""
    for _, writer in asked:
        writer.begin(start)
    going = [writer for _, writer in asked]
    estimate, done = 40 * sum(sum(writer.form) for writer in going), 0
    while going:
        going = [writer for writer in going if writer.draw()]
        if going:
            states = np.stack([writer.state for writer in going])
            logits = model.sampler.steps(np.array([writer.row for writer in going]), states)
            for writer, state, own in zip(going, states, logits):
                writer.state, writer.logits = state, own
        done += len(going)
        if progress and done % 16 < len(going):
            progress(min(done, estimate), estimate)
    if progress:
        progress(estimate, estimate)
    out = []
    for request, writer in asked:
        written = writer.written(len(start))
        kind = written.tune.kind or canonical_kind(request.kind or "")
        title = name_of(request.seed, request.attempt, MAX_ATTEMPTS, kind)
        out.append(replace(written, attempt=request.attempt, tune=replace(written.tune, title=title)))
    return out


def checked_start(model: Model, start: str) -> str:
    """A typed beginning in canonical text. Refused, naming the place, when it holds a character that was never learned
    or a field."""
    start = start.replace("\r\n", "\n").replace("\t", " ")
    if len(start) > 2000:
        raise RequestError(f"The beginning has {len(start)} characters; at most 2000 can be continued.")
    for number, line in enumerate(start.split("\n"), 1):
        for column, char in enumerate(line, 1):
            if char not in model.alphabet.raw and char != " ":
                raise RequestError(
                    f"The beginning holds {char!r} in line {number}, column {column}; notes are written with the "
                    "letters A to G and a to g, lengths with digits and /, barlines with |."
                )
        if re.match(r"\s*[A-Za-z]:[^|:]", line) and not re.match(r"\s*[A-Ga-g]:", line):
            raise RequestError(f"Line {number} of the beginning is a field; key, meter and type are chosen beside it.")
    lines = [re.sub(r" +", " ", line).strip() for line in start.split("\n")]
    text = "\n".join(line for line in lines if line)
    return text + " " if text and start.endswith(" ") else text


class Writer:
    """A tune while it is being written."""

    def __init__(self, model: Model, chosen: Chosen, request: Request, random: np.random.Generator) -> None:
        self.model, self.chosen, self.request, self.random = model, chosen, request, random
        self.form = chosen.form
        self.plan = Plan(self.form)
        self.features = Features(
            model.alphabet, chosen.tune, plan=self.plan, style=chosen.style, relative=model.sizes.relative
        )
        self.grammar = Grammar(self.features.reader, self.form, chosen.style, request.repeats, self._read)
        self.over = Over(chosen.progression, chosen.tune.key, self.form, self.features.reader) if (
            chosen.progression) else None  # fmt: skip
        self.state = model.sampler.start()
        self.logits = np.zeros(0, np.float32)
        for row in self.features.header():
            self.logits = model.sampler.step(row, self.state)
        self.row: list[int] = []  # of features, after the last character
        self.text: list[str] = []
        self.bits = self.masked = 0.0
        self.corrected = self.steps = 0

    @classmethod
    def of(cls, model: Model, request: Request, seed: int | None = None) -> Writer:
        """The writer of a request's attempt, or of another seed, before the first character."""
        own = request.seed + STRIDE * (request.attempt - 1)
        random = np.random.default_rng(own if seed is None else seed)
        return cls(model, fill_in(model, request, random), request, random)

    @property
    def length(self) -> int:
        """Characters of the body so far."""
        return len(self.text)

    def begin(self, start: str) -> None:
        """Read what was typed; the form makes room for it. Refused, naming the place, where its bars do not fit."""
        for char in start:
            self.write(char)
        grammar, reader = self.grammar, self.features.reader
        if start:
            check_bars(self.features.reader, start)
            self._make_room()
            problem = ""
            if reader.mode:
                problem = "a quotation or decoration is open"
            elif grammar.full - reader.bar_time < 0 and not grammar.can_shorten():
                problem = "its last bar is longer than the meter allows"
            elif not grammar.allowed() or grammar.finished:
                problem = "its last bar cannot be filled with notes of the usual lengths"
            if problem:
                line = start.count("\n") + 1
                column = len(start) - (start.rfind("\n") + 1)
                raise RequestError(f"The beginning cannot be continued: {problem} (line {line}, column {column}).")

    def _make_room(self) -> None:
        """The form, with the sections that the beginning has already."""
        reader = self.features.reader
        form = list(self.form)
        while len(form) <= reader.section:
            form.append(form[-1])
        for i in range(reader.section):
            form[i] = max((bar.number for bar in reader.bars if bar.section == i), default=form[i])
        if reader.section_bar >= form[reader.section]:
            form[reader.section] = reader.section_bar + 1
        self.form = tuple(form)
        self.plan.sections = self.grammar.sections = self.form
        if self.over:
            self.over.sections = self.form

    def draw(self) -> bool:
        """One character more, which the network has not read yet; False once the tune is whole."""
        char = self._draw(self.grammar.allowed())
        if char == END:
            return False
        self._put(char)
        if len(self.text) > MAX_CHARACTERS:
            raise RequestError(f"The tune grew beyond {MAX_CHARACTERS} characters; ask for fewer bars.")
        return True

    def _read(self, char: str) -> None:
        self.row = self.features.feed(char)

    def _put(self, char: str) -> None:
        """One character of the body, drawn or typed."""
        if self.over:
            self.over.mark(char, len(self.text), bool(self.grammar.closing))
        self.text.append(char)
        self.grammar.feed(char)

    def write(self, char: str) -> None:
        """One character, that the network reads."""
        self._put(char)
        self.logits = self.model.sampler.step(self.row, self.state)

    @property
    def expected(self) -> np.ndarray:
        """The network's own probability of each symbol as the next one, before any constraint; float64 [symbols]."""
        chances: np.ndarray = np.exp(self.logits - self.logits.max(), dtype=np.float64)
        chances /= chances.sum()
        return chances

    def symbols(self, chars: Sequence[str]) -> list[int]:
        """The symbols of characters (END among them), if they came next."""
        alphabet, features = self.model.alphabet, self.features
        table = alphabet.table(features.reader.place, features.tonic)
        return [table.get(char, alphabet.OTHER) if char else alphabet.END for char in chars]

    def _draw(self, allowed: list[str]) -> str:
        symbols = self.symbols(allowed)
        own = self.expected[symbols]
        mass = float(own.sum())
        self.masked += 1.0 - min(mass, 1.0)
        self.corrected += int(np.argmax(self.logits)) not in symbols
        self.steps += 1
        home = self.grammar.preferred(allowed)
        if len(home) < len(allowed):  # to end on the tonic, where the model finds that likely enough
            kept = [i for i, char in enumerate(allowed) if char in home]
            if own[kept].sum() >= LIKES * mass:
                allowed, own = [allowed[i] for i in kept], own[kept]
        index = self._pick(self.over.weighed(allowed, own) if self.over else own)
        self.bits += math.log2(max(float(own[index]), 1e-30))
        return allowed[index]

    def _pick(self, chances: np.ndarray) -> int:
        """The index drawn at the request's temperature from its top-p part; `chances` need not sum to 1."""
        if self.request.temperature == 0 or len(chances) == 1:
            return int(np.argmax(chances))
        p = (chances / chances.max()) ** (1 / self.request.temperature)
        order = np.argsort(-p, kind="stable")
        up = np.cumsum(p[order])
        kept = int(np.searchsorted(up, self.request.top_p * up[-1])) + 1
        kept = min(kept, len(order))
        return int(order[min(int(np.searchsorted(up[:kept], self.random.random() * up[kept - 1], "right")), kept - 1)])

    def written(self, typed: int) -> Written:
        """The result."""
        body = "".join(self.text)
        tune = replace(self.chosen.tune, body=self.over.above(body) if self.over else body, meter=self.chosen.meter)
        if not tune.unit:
            tune = replace(tune, unit=default_unit(self.chosen.tune.meter))
        steps = max(self.steps, 1)
        return Written(
            tune,
            self.form,
            self.chosen.style == CHORDS or self.over is not None,
            self.bits / steps,
            self.masked / steps,
            self.corrected,
            typed,
        )


def candidates(model: Model, request: Request, *, progress: Progress | None = None) -> list[Written]:
    """The tunes of one request, as many as it wants, the best first: by the critic (critic.py), or the likeliest.

    What says one thing over and over is likely too: tunes in which fewer than `DISTINCT` of the bars are distinct come
    after all others. With a count of one this is `compose`.
    """

    start = checked_start(model, request.start)
    attempts = [replace(request, attempt=request.attempt + i) for i in range(request.candidates)]
    out = _side_by_side(model, start, [(each, Writer.of(model, each)) for each in attempts], progress)
    scores = [written.likelihood for written in out]
    if model.critic and request.chosen_by == CRITIC and len(out) > 1:
        scores = plausible(model.critic, [written.tune for written in out]).tolist()
    best = sorted(range(len(out)), key=lambda n: (distinct_bars(out[n].tune) < DISTINCT, -scores[n]))
    return [out[n] for n in best]


def distinct_bars(tune: Tune) -> float:
    """What share of a tune's bars are not the same, letter for letter, as one before; chord symbols left out."""
    bars = re.split(r"[|:\]]+", re.sub(r'"[^"]*"|\s', "", tune.body))
    whole = [bar for bar in bars if len(bar) > 3]
    return len(set(whole)) / max(len(whole), 1)
