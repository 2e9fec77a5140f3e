"""What Melody can be asked for: a tune of a kind, in a key, a meter and a form; or one that is there already."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import CHECKPOINTS, RequestError
from engine.core import checkpoint, request, rewriting
from engine.core.chords import read
from engine.core.request import File, option
from engine.melody.abc.canonical import UNITS, canonical_kind, check_key, check_meter, check_unit
from engine.melody.features import SECTIONS_LEFT
from engine.melody.names import name_of

PATH = CHECKPOINTS / "melody"
KEYS = "a tonic with # or b, and a mode: G, Em, Bb, F#m, Ador, Dmix, Glyd, Ephr"
METERS = ("4/4", "2/4", "3/4", "6/8", "9/8", "12/8", "3/8", "3/2", "6/4", "C", "C|", "2/2")
ANY_METER = "any other of 1 to 16 halves to sixteenths, such as 5/4"
MAX_BARS, MAX_SECTIONS, MAX_SECTION_BARS = 64, SECTIONS_LEFT - 2, 32
MAX_ATTEMPTS = 20  # at a tune, of one seed
CRITIC, LIKELIHOOD = "critic", "likelihood"  # by whom the first of candidates is chosen
COMMON = 10  # tunes of a type that it takes for it to be offered
BY_METER = {"waltz": "3/4"}  # offered too: types that are known by their meter, whatever tunes bear their name


@dataclass(frozen=True, kw_only=True)
class Request(request.Request):
    """A tune to write; what is left open is drawn from the tunes learned from, given the rest."""

    SYSTEM = "melody"
    CONTENTS = request.Contents(texts=("abc", "score.musicxml", "svg", "pdf", "guitar.txt", "whistle.txt"))

    key: str | None = option(None, "The note it comes home to, and its scale.", excludes=("input",))
    meter: str | None = option(
        None, "Every bar is exactly this long; pickups are completed at the end.", excludes=("input",)
    )
    kind: str | None = option(None, "What people would dance to it.", flag="--type", excludes=("input",), label="Dance")
    unit: str | None = option(
        None, "In ABC, what a letter without a number lasts.", choices=UNITS, called="The unit note length",
        excludes=("input",), label="Unit note length",
    )  # fmt: skip
    chord_symbols: bool | None = option(
        None, "Chords above the staff; they are played too.", formerly=("--chords", "--no-chords"), excludes=("input",)
    )
    chords: str = option(
        "", "Chords that the tune goes over: bars divided by |, as they sound or in roman numerals. Fewer bars than "
        "the tune come again.", called="The chords", metavar='"G | C D | G %"', excludes=("input", "chords_from"),
    )  # fmt: skip
    chords_from: File | None = option(
        None, "A song whose chords it goes over, MIDI, MusicXML or ABC.", called="The song of the chords", ending="mid",
        excludes=("input", "chords"),
    )  # fmt: skip
    bars: int | None = option(
        None, "Bars as written: repeats counted once.", low=1, high=MAX_BARS, called="The number of bars",
        excludes=("input",), label="Bars as written",
    )  # fmt: skip
    form: str | None = option(
        None, "Sections, and which are played twice: AABB, AAB, ABC; or the bars of each, 8+8.", excludes=("input",)
    )
    start: str = option(
        "", "Bars in ABC notation from which the tune goes on; choose their key too. A meter left open is one that "
        "they fill.", called="The beginning", excludes=("input",), label="Begin with",
    )  # fmt: skip
    temperature: float = option(
        0.9, "0 always writes what is likeliest; 1 is as varied as the tunes learned from.", low=0, high=2,
        excludes=("input",), despite=("rewrite",), label="How adventurous",
    )  # fmt: skip
    top_p: float = option(
        0.95, "1 lets anything come that could; less rules out the least likely.", low=0.01, high=1, called="Top-p",
        excludes=("input",), despite=("rewrite",), label="Surprises",
    )  # fmt: skip
    candidates: int = option(
        4, "So many are written; the one most like the tunes learned from comes first.", low=1, high=MAX_ATTEMPTS,
        called="The number of candidates", excludes=("input",), before=1, label="Tunes to choose from",
    )  # fmt: skip
    chosen_by: str = option(
        CRITIC, "A critic of contour, cadence, motifs, form, rhythm and key, or how likely their characters are.",
        choices=(CRITIC, LIKELIHOOD), called="Who chooses", before=LIKELIHOOD,
        excludes=("input",), label="Chosen by",
    )  # fmt: skip
    attempt: int = option(
        1, "Which of the tunes of this seed: that one alone, or with --candidates the first of them.", low=1,
        high=MAX_ATTEMPTS, called="The attempt", excludes=("input",),
    )  # fmt: skip
    tempo: float | None = option(
        None, "Otherwise it is the usual one of its type.", low=20, high=400, unit="quarter notes a minute"
    )
    program: int | None = option(
        None, "Who plays, as a General MIDI number; otherwise a flute, or who the tune itself names.", low=0, high=127,
        label="Instrument",
    )  # fmt: skip
    transpose: int = option(
        0, "For sound and score; the ABC stays.", low=-24, high=24, unit="semitones", called="The transposition"
    )
    input: File | None = option(
        None,
        "A tune in ABC, to be played and engraved, or some bars of it to be written anew.",
        called="The tune",
        ending="abc",
    )
    rewrite: tuple[int, ...] | None = rewriting.bars_option()
    tune_number: int | None = option(None, "Which tune of a book in ABC: 1 is its first.", low=1, high=100_000)

    def validate(self) -> None:
        """Refuse a key, a meter, a unit or a form that there is not."""
        for value, check in ((self.key, check_key), (self.meter, check_meter), (self.unit, check_unit)):
            if value:
                check(value)
        if self.meter and self.meter != (own := BY_METER.get(canonical_kind(self.kind or ""), self.meter)):
            raise RequestError(f"A {self.kind} goes in {own}, not in {self.meter}: leave the meter open.")
        if self.chords.strip():
            read(self.chords)
        rewriting.check(self.rewrite)
        if self.rewrite and not self.input:
            raise RequestError("Bars are written anew in a tune that is there; give it too.")
        sections, _ = self.sections, self.repeats
        if sections and (len(sections) > MAX_SECTIONS or not all(1 <= n <= MAX_SECTION_BARS for n in sections)):
            raise RequestError(f"A form has at most {MAX_SECTIONS} sections, each of 1 to {MAX_SECTION_BARS} bars.")
        if self.attempt + self.candidates - 1 > MAX_ATTEMPTS:
            raise RequestError(
                f"{self.candidates} candidates from attempt {self.attempt} go beyond {MAX_ATTEMPTS}, the last attempt."
            )
        if sections and self.bars and sum(sections) != self.bars:
            raise RequestError(f"The form {self.form} has {sum(sections)} bars, not {self.bars}.")

    @classmethod
    def together(cls, values: dict[str, Any]) -> dict[str, Any]:
        """One attempt is wanted for itself."""
        return {"candidates": 1, **values} if "attempt" in values else values

    @property
    def sections(self) -> tuple[int, ...]:
        """Bars of each section, where the form says so ("8+8")."""
        if self.form and re.fullmatch(r"\d{1,2}(\+\d{1,2}){0,5}", self.form):
            return tuple(int(n) for n in self.form.split("+"))
        return ()

    @property
    def repeats(self) -> tuple[bool, ...]:
        """Whether each section is repeated, where the form says so ("AABB"). Refused when it is no form."""
        if not self.form or self.sections:
            return ()
        parts = re.findall(r"([A-F])(\1?)", self.form)
        letters = [letter for letter, _ in parts]
        if not parts or "".join(a + b for a, b in parts) != self.form or letters != sorted(set(letters)):
            raise RequestError(
                f"'{self.form}' is not a form; write AABB, AAB, AB, … or the bars of each section as 8+8."
            )
        return tuple(bool(twice) for _, twice in parts)

    def checkpoint(self) -> Path:
        return PATH

    @property
    def title(self) -> str:
        if self.input and self.rewrite:
            return f"{self.input.title}, {rewriting.spelled(self.rewrite)} anew, seed {self.seed}"
        return name_of(self.seed, self.attempt, MAX_ATTEMPTS, self.kind or "")

    @classmethod
    def learned(cls) -> dict[str, Any]:
        """The types of tune that can be asked for, and how keys and meters are written."""
        config = checkpoint.read_config(PATH)
        return {"key": KEYS, "meter": [*METERS, ANY_METER], "type": [*kinds_of(config.get("priors", [])), *BY_METER]}


def kinds_of(priors: list[dict[str, Any]]) -> list[str]:
    """The types of tune that are common among those learned from, the commonest first."""
    counts: dict[str, int] = {}
    for prior in priors:
        counts[prior["kind"]] = counts.get(prior["kind"], 0) + prior["count"]
    return [dance for dance, n in sorted(counts.items(), key=lambda item: -item[1]) if dance and n >= COMMON]
