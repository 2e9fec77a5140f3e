"""Chords: the seven qualities that the networks know, on twelve roots; which one a half bar sounds like, and chords as
people type them.

    read("Dm7 | G7 | Cmaj7 %").over(bars=8)      for each half bar what is written there
    chord_of("F#m7b5").number                    the network's chord that is nearest

A chord's number is quality × 12 + root (0 is C); -1 is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from engine import RequestError
from engine.core import spelling
from engine.core.pitch import NAMES

QUALITIES = {"maj": (0, 4, 7), "min": (0, 3, 7), "7": (0, 4, 7, 10), "min7": (0, 3, 7, 10), "maj7": (0, 4, 7, 11),
             "dim": (0, 3, 6), "sus4": (0, 5, 7)}  # fmt: skip
TEMPLATES = np.stack([np.roll(np.isin(np.arange(12), q), root) for q in QUALITIES.values() for root in range(12)])
"""bool [84, 12]: the pitch classes of each chord."""
CHORD_SYMBOLS = "chords"  # the track that plays the symbols above a tune
NONE, SEVENTH = -1, 2
SCALE = (0, 2, 4, 5, 7, 9, 11)  # of a major key, and of its relative minor
SUFFIXES = ("", "m", "7", "m7", "maj7", "dim", "sus4")  # of the qualities, as they are written
SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
FLAT_KEYS, SHARP_KEYS = (1, 3, 5, 6, 8, 10), (4, 9, 11)  # major keys with flats, and with three sharps or more
DEGREES = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}  # semitones above the key
ROMAN = re.compile(r"([#b♯♭]?)(VII|VI|V|IV|III|II|I|vii|vi|v|iv|iii|ii|i)(?![VvIi])(.*)")
SILENCE = re.compile(r"N\.? ?C\.?(?![a-z])|[Nn]o chord")
EXPECTED = "a name such as Dm7, G7 or C/E, a roman numeral such as ii7, N.C. for none, or % for the one before"


def recognise(sounding: np.ndarray, bass: np.ndarray) -> np.ndarray:
    """The chord of each moment, int [moments]; -1 where fewer than two pitch classes sound.

    sounding: how long each pitch class sounds, float [moments, 12], C first; bass: the same of the bass alone, which is
    among it and so counts twice. The template whose notes sound longest, less what it has and nobody plays; a root in
    the bass helps.
    """
    weight = sounding + bass
    whole = np.maximum(weight.sum(1, keepdims=True), 1)
    low = np.zeros_like(weight)
    low[np.arange(len(low)), bass.argmax(1)] = bass.any(1) * 0.15
    root = low[:, np.tile(np.arange(12), len(QUALITIES))]
    missing = ((weight / whole < 0.03)[:, None] & TEMPLATES).sum(2)
    fit = (weight / whole) @ TEMPLATES.T - 0.08 * (TEMPLATES.sum(1) - 3) - 0.1 * missing + root
    return np.where((weight > 0).sum(1) > 1, fit.argmax(1), -1)


@dataclass(frozen=True)
class Chord:
    """A chord as it is written."""

    text: str
    root: int  # 0..11, from C; of a roman numeral from the key
    notes: frozenset[int]  # semitones above the root
    bass: int  # as the root
    roman: bool = False

    @property
    def pitches(self) -> tuple[int, ...]:
        """MIDI pitches: a bass note and the chord above it."""
        return (36 + self.bass, *sorted(48 + (self.root + step) % 12 for step in self.notes))

    @property
    def quality(self) -> int:
        """Which of `QUALITIES` has most of its notes and fewest others."""
        fit = [len(self.notes & set(steps)) - 1.5 * len(set(steps) - self.notes) for steps in QUALITIES.values()]
        return int(np.argmax(fit))

    @property
    def number(self) -> int:
        """The network's chord."""
        return self.quality * 12 + self.root

    @cached_property
    def moves(self) -> dict[int, int]:
        """Of the network's chord the notes that this has not, and the notes of this nearest to them, in semitones above
        the root: of C+, which it knows as C, the fifth and the raised one."""
        plain = set(list(QUALITIES.values())[self.quality])
        own = self.notes - plain or self.notes
        return {step: min(own, key=lambda each: abs(each - step)) for step in sorted(plain - self.notes)}

    @property
    def simplified(self) -> bool:
        """Whether it has notes that the network's chord, moved to it, has not."""
        return self.notes != {self.moves.get(step, step) for step in list(QUALITIES.values())[self.quality]}


def chord_of(symbol: str) -> Chord | None:
    """The chord that a symbol such as F#m7b5 or C/E names; None for what names none."""
    return Chord(symbol, *found) if (found := spelling.named(symbol)) else None


def alike(one: str, other: str) -> bool:
    """Whether two names say as good as the same: all notes of one chord are the other's too."""
    first, second = ({(chord.root + step) % 12 for step in chord.notes} if (chord := chord_of(name)) else set[int]()
                     for name in (one, other))  # fmt: skip
    return first <= second or second <= first


def _degree(symbol: str) -> Chord | None:
    """The chord that a roman numeral such as ii7, bVII or V7/V names, its root counted from the key."""
    numeral, slash, of = symbol.rpartition("/")
    if slash and (goal := _degree(of)):
        chord = _degree(numeral)
        return chord and replace(chord, text=symbol, root=(chord.root + goal.root) % 12,
                                 bass=(chord.bass + goal.root) % 12)  # fmt: skip
    if not (match := ROMAN.fullmatch(symbol)):
        return None
    sign, degree, rest = match.groups()
    minor = degree.islower() and not re.match("m(?!aj)|-(?!5)|dim|[°oø]", rest)
    notes = spelling.notes_of("m" * minor + rest)
    if notes is None:
        return None
    root = (DEGREES[degree.upper()] + ((sign in "#♯" and 1) or -1 if sign else 0)) % 12
    return Chord(symbol, root, notes, root, roman=True)


def name_of(number: int, key: int = 0, shift: int = 0) -> str:
    """A numbered chord's name, `shift` semitones higher, as it is written in a major key: 36 is "Cm7", -1 "N.C."."""
    if number < 0:
        return "N.C."
    names = FLATS if key % 12 in FLAT_KEYS else SHARPS if key % 12 in SHARP_KEYS else NAMES
    return names[(number + shift) % 12] + SUFFIXES[number // 12]


Bar = tuple[Chord | None, ...]  # its chords, which share it equally; None is silence


def _tonic(chord: Chord) -> int:
    """The major key whose first or, of a minor chord, sixth degree a chord is."""
    return (chord.root + (3 if 3 in chord.notes else 0)) % 12


@dataclass(frozen=True)
class Progression:
    """Chords as they are written, bar by bar."""

    bars: tuple[Bar, ...]

    @cached_property
    def chords(self) -> tuple[Chord, ...]:
        """Those that sound, in order."""
        return tuple(chord for bar in self.bars for chord in bar if chord)

    def key(self) -> int | None:
        """The major key (0 is C), or that of the relative minor, in which chords with letters lie; None where there is
        none: that which has most of their notes, to which sevenths lead, and in which they begin."""
        lettered = [(chord, 1 / len(bar)) for bar in self.bars for chord in bar if chord and not chord.roman]
        if not lettered:
            return None
        fit = np.zeros(12)
        for (chord, share), (after, _) in zip(lettered, [*lettered[1:], lettered[0]]):
            for key in range(12):
                fit[key] += share * np.mean([(chord.root + step - key) % 12 in SCALE for step in chord.notes])
            if chord.quality == SEVENTH and (after.root - chord.root) % 12 == 5:
                fit[_tonic(after)] += share / 2
        fit[_tonic(lettered[0][0])] += 0.15 * sum(share for _, share in lettered)
        return int(fit.argmax())

    def halves(self, key: int, bars: int) -> dict[int, int]:
        """For each half bar of so many the number of its chord, moved from the key to C; it comes again from its
        beginning where it is shorter. Of several chords in a half the longest stands."""
        return {half: self.number(half, key) for half in range(2 * bars)}

    def at(self, half: int) -> Chord | None:
        """The chord of a half bar, as it is written; of several the longest."""
        chords = self.bars[half // 2 % len(self.bars)]
        return chords[_longest(len(chords), half % 2)]

    def number(self, half: int, key: int) -> int:
        """Its number, moved from the key to C."""
        if (chord := self.at(half)) is None:
            return NONE
        return chord.quality * 12 + (chord.root - (0 if chord.roman else key)) % 12

    def moved(self, half: int, key: int, pitch: int, bass: bool) -> int:
        """A pitch that sounds in a half bar, in C, as the chord that is written has it: a note of the network's chord
        that is none of it is the one beside that, and where a bass plays its root, what stands behind the stroke."""
        if (chord := self.at(half)) is None or not (chord.moves or chord.bass != chord.root):
            return pitch
        step = (pitch - chord.root + (0 if chord.roman else key)) % 12
        to = chord.moves.get(step, step)
        if bass and not to:
            to = (chord.bass - chord.root + 6) % 12 - 6
        return pitch + to - step

    def written(self, key: int, bars: int) -> tuple[str, ...]:
        """For each half bar of so many its chord as it is written, a roman numeral as a name in the key, silence as
        "N.C."."""
        out = []
        for half in range(2 * bars):
            chord = self.at(half)
            roman = chord is not None and chord.roman
            number = NONE if chord is None else chord.quality * 12 + (chord.root + key) % 12
            out.append(name_of(number, key) if chord is None or roman else chord.text)
        return tuple(out)

    def remarks(self) -> tuple[str, ...]:
        """What of it the player simplifies, a sentence each."""
        out = []
        if simpler := list(dict.fromkeys(chord for chord in self.chords if chord.simplified)):
            names = [f"{each.text} as {_plain(each)}" for each in simpler]
            more = f" and {len(names) - 6} more" if len(names) > 6 else ""
            out.append(f"The player knows seven kinds of chords: it plays {', '.join(names[:6])}{more}.")
        if fast := [n for n, bar in enumerate(self.bars, 1) if len({*_heard(bar)}) < len({*bar})]:
            where = ", ".join(map(str, fast[:6]))
            out.append(f"The player changes chords twice a bar at most: of bar{'s' * (len(fast) > 1)} {where} it plays "
                       "the longest chord of each half.")  # fmt: skip
        return tuple(out)


def _longest(count: int, half: int) -> int:
    """Which of so many equal parts of a bar takes most of a half, the earliest of those."""
    return max(range(count), key=lambda i: min(2 * (i + 1), count * (half + 1)) - max(2 * i, count * half))


def _heard(bar: Bar) -> list[Chord | None]:
    return [bar[_longest(len(bar), half)] for half in (0, 1)]


def _plain(chord: Chord) -> str:
    """The network's chord, written as this one is."""
    if chord.roman:
        root = re.match(r"[#b♯♭]?[VvIi]+", chord.text)
        minor = QUALITIES[list(QUALITIES)[chord.quality]][1] == 3
        suffix = SUFFIXES[chord.quality].removeprefix("m") if minor else SUFFIXES[chord.quality]
        return (root[0] if root else "") + suffix
    root = re.match(r"[A-G][#b♯♭]?", chord.text)
    return (root[0] if root else "") + SUFFIXES[chord.quality]


def _words(text: str) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """The bars of a text: (where it begins, its words and where each stands)."""
    lines = "|" in text
    at = 0
    for part in re.split(r"[|\n]" if lines else r"\s+", text):
        words = [(at + match.start(), match[0]) for match in re.finditer(r"[^\s,:]+", part)]
        yield at, words
        at += len(part) + 1


def read(text: str) -> Progression:
    """Chords as they are typed: bars divided by |, in each the chords that share it. Without a | each chord is a bar.

    % is what came before: alone in a bar the whole bar, beside others the chord; / beside others too. N.C. is none.
    Refused with the word that is none, and where it stands.
    """
    bars: list[Bar] = []
    pieces = list(_words(SILENCE.sub(lambda m: "NC".ljust(len(m[0])), text)))
    for at, words in _trimmed(pieces):
        bar: list[Chord | None] = []
        for place, word in words:
            if word in ("%", "/", "𝄎"):
                if not bar and not bars:
                    raise RequestError(f"'{word}' stands where no chord is before it to come again.")
                if word != "/" and len(words) == 1:
                    bar += bars[-1]
                else:
                    bar.append(bar[-1] if bar else bars[-1][-1])
                continue
            chord = None if word == "NC" else _chord(word)
            if chord is None and word != "NC":
                raise RequestError(
                    f"'{word[:20]}' in bar {len(bars) + 1} of the chords (character {place + 1}) is no chord; expected "
                    f"{EXPECTED}."
                )
            bar.append(chord)
        if not bar:
            raise RequestError(f"Bar {len(bars) + 1} of the chords (character {at + 1}) is empty; write % to repeat.")
        bars.append(tuple(bar))
    if not bars:
        raise RequestError(f"There are no chords in '{text.strip()[:20]}'; expected {EXPECTED}.")
    return Progression(tuple(bars))


def _trimmed(pieces: Sequence[tuple[int, list[tuple[int, str]]]]) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """The bars of a text without those that double and outer bar lines leave empty."""
    full = [n for n, (_, words) in enumerate(pieces) if words]
    for n in range(full[0], full[-1] + 1) if full else ():
        at, words = pieces[n]
        if words or pieces[n + 1][0] - at > 1:
            yield at, words


@lru_cache(maxsize=1024)
def _chord(word: str) -> Chord | None:
    return chord_of(word) or _degree(word)


def typed(halves: Sequence[str]) -> str:
    """Chords named by half bar as a person types them: "Dm7 | G7 Db7 | Cmaj7"."""
    bars = [halves[n : n + 2] for n in range(0, len(halves), 2)]
    return " | ".join(bar[0] if len(set(bar)) == 1 else " ".join(bar) for bar in bars)


def retyped(halves: Sequence[str], first: int, count: int, text: str) -> str:
    """The same with another chord, or two, or %, over some half bars. Refused with its place in it where it is none."""
    if "|" in text:
        raise RequestError("A bar line stands between the chords of two bars, not above one.")
    names = [*halves]
    names[first : first + count] = [text] * count
    line = typed(names)
    read(line)
    return line
