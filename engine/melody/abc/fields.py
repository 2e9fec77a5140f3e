"""The values of ABC's fields as people write them: keys with clefs and accidentals, meters, note lengths, tempi, parts.

Each reader returns what it understood and remarks on what it did not. ABC standard 2.1, sections 3.1 and 4.6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from engine import RequestError
from engine.melody.abc.canonical import MODES, signature

SHARPS, FLATS = "FCGDAEB", "BEADGCF"
CLEF = re.compile(
    r"(?:clef=)?\"?(treble|bass|alto|tenor|baritone|soprano|mezzosoprano|mezzo|perc(?:ussion)?|(?<==)[GFC]|[GFC](?=\d))"
    r"(\d?)(\^8|_8|[+-](?:8|15))?\"?$", re.IGNORECASE
)  # fmt: skip
ACCIDENTAL = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
WORDS = {"dur": "", "moll": "m", "sharp": "#", "flat": "b"}
SIGNS = str.maketrans({"♯": "#", "♭": "b", "♮": "="})


@dataclass(frozen=True)
class Key:
    """A key signature and the clef that stands with it."""

    name: str = ""  # canonical, "Ador"; "none" for no key
    fifths: int = 0  # sharps, negative for flats
    altered: tuple[tuple[str, int], ...] = ()  # letter, semitones: the whole signature, explicit accidentals included
    clef: str = ""
    shift: int = 0  # semitones between what is written and what sounds


@dataclass(frozen=True)
class Meter:
    """Beats of a bar as written ("2+3") and the value of one; no beats for free meter."""

    beats: str = "4"
    value: int = 4
    symbol: str = ""  # "C" or "C|"

    @property
    def count(self) -> int:
        """Beats of a bar: 5 of "2+3"."""
        return sum(int(part) for part in self.beats.split("+")) if self.beats else 0

    @property
    def bar(self) -> Fraction:
        """Quarter notes of a full bar; 0 in free meter."""
        return Fraction(4 * self.count, self.value)

    @property
    def compound(self) -> bool:
        """Whether beats come in threes."""
        return self.count in (6, 9, 12) and self.value >= 8

    @property
    def text(self) -> str:
        """As a canonical header has it."""
        return self.symbol or (f"{self.beats}/{self.value}" if self.beats else "none")


@dataclass(frozen=True)
class Tempo:
    """A tempo mark: quarter notes a minute (0 where only words say it), the beats that were counted, words."""

    quarters: float
    beat: Fraction = Fraction(1)  # quarter notes of the note that is counted
    words: str = ""


def key_of(value: str, before: Key) -> tuple[Key, list[str]]:
    """A key field: (the key, remarks). What it leaves out stays as before. Refused when its tonic is no key."""
    value = value.translate(SIGNS).strip()
    match = re.match(r"(?!(?i:exp\b))([A-G])([#b]?)", value) or _small_tonic(value)
    if re.match(r"none\b", value, re.IGNORECASE):
        key, rest = Key("none", clef=before.clef, shift=before.shift), value[4:]
    elif re.match(r"H[pP]\b", value):
        key, rest = replace(before, name=value[:2], fifths=2, altered=(("F", 1), ("C", 1))), value[2:]
    elif match and not CLEF.match(value.split()[0]):
        name, rest = _mode(value, match)
        key = replace(before, name=name, fifths=signature(name), altered=tuple(accidentals_of(name).items()))
        if abs(key.fifths) > 7:
            raise RequestError(f"'{short(value)}' is not a key; write one such as G, Em, Bb, F#m, Ador or Dmix.")
    elif not value or CLEF.match(value.split()[0]) or re.match(r"(?i)\w+=|exp\b|[_=^]", value):
        key, rest = before, value
    else:
        raise RequestError(f"'{short(value)}' is not a key; write one such as G, Em, Bb, F#m, Ador or Dmix.")
    remarks = [f"The key {value} begins with a small letter; it is read as {key.name}."] if value[:1].islower() and (
        match and key.name != before.name) else []  # fmt: skip
    key, more = modified(key, rest)
    return key, remarks + more


def _small_tonic(value: str) -> re.Match[str] | None:
    """The tonic of "c minor" or "am": a small letter that is no other word's."""
    match = re.match(r"([a-g])([#b]?)(?=$|\s|(?i:maj|min|moll|dur|m$|m\s|ion|aeo|dor|mix|lyd|phr|loc))", value)
    return None if match and CLEF.match(value.split(maxsplit=1)[0]) else match


def _mode(value: str, match: re.Match[str]) -> tuple[str, str]:
    """The canonical name that a key's text begins with, and the rest of the text."""
    tonic, rest = match[1].upper() + match[2], value[match.end() :]
    while word := re.match(r"[\s_-]*([A-Za-z]+)", rest):
        text = word[1].lower()
        if text in ("sharp", "flat"):
            tonic += WORDS[text]
        elif text == "exp" or CLEF.match(word[1]) or rest[word.end() : word.end() + 1] == "=":
            break
        else:
            mode = WORDS.get(text, MODES.get(text[:3]))
            if mode is not None:
                return tonic + mode, rest[word.end() :]
            break
        rest = rest[word.end() :]
    return tonic, rest


def modified(key: Key, rest: str) -> tuple[Key, list[str]]:
    """The key with the accidentals, clef and transposition that follow its name."""
    altered, remarks = dict(key.altered), []
    shifts: list[int] = []
    for word in re.findall(r'[\w-]+="[^"]*"|[^\s,]+', rest):
        clef = CLEF.match(word)
        number = re.match(r"(octave|transpose|t)=([+-]?\d+)", word)
        signs = re.findall(r"(\^\^|\^|__|_|=)/?([A-Ga-g])", word)
        if word.lower() in ("exp", "exp."):
            altered = {}
        elif clef:
            octave = {"+8": 12, "-8": -12, "+15": 24, "-15": -24}.get(clef[3] or "", 0)
            key = replace(key, clef=clef[1].lower() + clef[2])
            shifts.append(octave)
        elif number:
            shifts.append(int(number[2]) * (12 if number[1] == "octave" else 1))
        elif signs:
            altered.update({letter.upper(): ACCIDENTAL[sign] for sign, letter in signs})
        elif "=" not in word and not re.fullmatch(r"[+-]?8|\.|mode|key|major|minor", word, re.IGNORECASE):
            remarks.append(f"{short(word)!r} in a key is not understood.")
    altered = {letter: alter for letter, alter in altered.items() if alter}
    fifths = sum(altered.values())
    usual = altered == _signature(fifths)  # as the accidentals that were asked for have it: one sharp of "D =c"
    return replace(
        key, altered=tuple(altered.items()), fifths=fifths if usual else key.fifths,
        shift=sum(shifts) if shifts else key.shift,
    ), remarks  # fmt: skip


def accidentals_of(key: str) -> dict[str, int]:
    """The signature of a canonical key: letter → semitones up or down."""
    return _signature(signature(key))


def _signature(sharps: int) -> dict[str, int]:
    letters = SHARPS[:sharps] if sharps > 0 else FLATS[: max(-sharps, 0)]
    return dict.fromkeys(letters, 1 if sharps > 0 else -1)


def meter_of(value: str) -> tuple[Meter, list[str]]:
    """A meter field: (the meter, remarks). Of several the first is taken. Refused when it is none."""
    value = value.strip()
    if not value or re.match(r"(?i)none|free|frei", value):
        odd = any(char.isdigit() for char in value)
        return Meter("", 4), [f"The meter {short(value)} is read as free."] if odd else []
    if match := re.match(r"[Cc](\|?)", value):
        meter = Meter("2", 2, "C|") if match[1] else Meter("4", 4, "C")
    elif match := re.match(r"\(?\s*(\d{1,2}(?:\s*\+\s*\d{1,2})*)\s*\)?\s*(?:/\s*(\d{1,3}))?", value):
        meter = Meter(re.sub(r"\s", "", match[1]), int(match[2] or 4))
    if not match or meter.value not in (1, 2, 4, 8, 16, 32, 64) or not 1 <= meter.count <= 64:
        raise RequestError(f"'{short(value)}' is not a meter; expected one such as 4/4, 6/8 or C|.")
    rest = value[match.end() :].strip()
    return meter, [f"Of the meter {short(value)} only {meter.text} is taken."] if rest else []


def unit_of(value: str) -> Fraction:
    """A note length in quarter notes: 1/2 of "1/8". Refused when it is none."""
    match = re.match(r"\s*(\d{1,2})\s*(?:/\s*(\d{1,3}))?(?![\d/])", value)
    if not match or not int(match[1]) or int(match[2] or 1) not in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512):
        raise RequestError(f"'{short(value)}' is not a note length; expected one such as 1/8.")
    return Fraction(4 * int(match[1]), int(match[2] or 1))


def default_unit_of(meter: Meter) -> Fraction:
    """The note length where none is written, in quarter notes: a 16th in meters shorter than 3/4, else an eighth."""
    return Fraction(1, 4) if meter.bar and meter.bar < 3 else Fraction(1, 2)


def tempo_of(value: str, unit: Fraction) -> Tempo:
    """A tempo field in any of its forms: "1/4=120", "3/8 1/8=40", "C3=40", "120", words before or behind."""
    words = " ".join(re.findall(r'"([^"]*)"', value))
    text = re.sub(r'"[^"]*"', " ", value)
    note = r"\d+\s*/\s*\d+\.?"
    if match := re.search(rf"((?:{note}[\s+]+)*{note})\s*=\s*\D{{0,4}}(\d+(?:\.\d+)?)(?!\s*/|\d)", text):
        parts = re.findall(r"(\d+)\s*/\s*(\d+)(\.?)", match[1])
        beat = sum((Fraction(4 * int(a), int(b)) * (Fraction(3, 2) if dot else 1) for a, b, dot in parts if int(b)),
                   Fraction())  # fmt: skip
    elif match := re.search(r"[A-Ca-c](\d*/?\d*)\s*=\s*(\d+(?:\.\d+)?)", text):
        beat = unit * length_of(match[1])
    elif match := re.fullmatch(r"[^\d/=]*()(\d+(?:\.\d+)?)[^/=]*", text):
        beat = unit
    else:
        return Tempo(0.0, Fraction(1), words or text.strip())
    return Tempo(float(match[2]) * float(beat), beat or Fraction(1), words)


def length_of(text: str) -> Fraction:
    """A note's written length: 2 of "2", 1/2 of "/", 3/2 of "3/2", 1/4 of "//"."""
    digits = re.match(r"\d*", text)
    out = Fraction(int(digits[0][:4]) if digits and digits[0] else 1)
    for bottom in re.findall(r"/(\d*)", text)[:8]:
        out /= int(bottom[:4]) if bottom and int(bottom[:4]) else 2
    return out


def semitones_of(sign: str) -> int:
    """What an accidental adds: of microtones (^/, _3/2, ^25/100) the nearest semitone, of two the smaller."""
    up, down = sign.count("^"), sign.count("_")
    amount = (up + down) * length_of(sign.lstrip("^_="))
    return ceil(amount - Fraction(1, 2)) * (1 if up else -1)


def parts_of(value: str) -> str:
    """The order of parts written out: "ABAB" of "(AB)2". At most 200 parts."""
    text = re.sub(r"[^A-Za-z0-9()]", "", value)
    while group := re.search(r"\(([A-Za-z0-9]*)\)(\d{0,2})", text):
        inner = re.sub(r"([A-Za-z])(\d{1,2})", _times, group[1])
        text = text[: group.start()] + (inner * int(group[2] or 1))[:200] + text[group.end() :]
    return re.sub(r"[^A-Za-z]", "", re.sub(r"([A-Za-z])(\d{1,2})", _times, text))[:200]


def _times(match: re.Match[str]) -> str:
    return match[1] * int(match[2])


def short(text: str) -> str:
    """A word as a refusal quotes it; nothing longer than this is a key, a meter or a length."""
    return text if len(text) <= 30 else text[:29] + "…"
