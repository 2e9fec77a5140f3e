"""Chord symbols as people write them: Dm7, C-7, BbΔ, F#m7(b5)/A, C7sus, Eb13#11. pychord says what notes a chord has
that is spelled in its way; here are the other ways, and what changes a chord's notes.

    named("F#m7b5/A")  →  Named(root=6, notes={0, 3, 6, 10}, bass=9)        None for what names no chord
    notes_of("m7b5")   →  {0, 3, 6, 10}                                     what stands behind a root, in semitones
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from engine.core.pitch import LETTERS

SIGNS = str.maketrans("♯♭−–", "#b--", " ")
SYMBOL = re.compile(r"([A-G][#b]?)(.*?)(?:/([A-Ga-g][#b+]?))?")
PARTS = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in {
    "major": r"[Mm]aj(?:or)?|MAJ|[Mm]a(?=\d)|MA(?=\d)|M(?![Ii])|j(?=7)",
    "delta": r"[Δ△∆^]",
    "minor": r"[Mm]in(?:or)?|MIN|M[Ii]|mi|m|^-(?!5)",
    "half": r"[øØ]|h(?=7)",
    "dim": r"[Dd]im|DIM|[°º]|o(?!m)|^d(?=7|$)",
    "aug": r"[Aa]ug|AUG|^\+5?|\+(?!\d)",
    "sus": r"sus(?:2sus4|4sus2|24|42|4/2|2/4|2|4)?",
    "add": r"(?:add|/)[#b]?(?:13|11|9|6|4|2)",
    "drop": r"(?:no|omit)[35]",
    "alt": r"alt",
    "alter": r"[#b+-](?:13|11|9|6|5|4)",
    "dominant": r"dom(?=[179])",
    "number": r"6/?9|13|11|9|7|6|5|4|2",
}.items()))  # fmt: skip
SEVERAL = ("drop", "alter", "add")  # parts that there may be more than one of, in the order in which they count
STEPS = {2: 2, 4: 5, 5: 7, 6: 9, 9: 2, 11: 5, 13: 9}  # semitones above the root, of a degree
BELOW = {"13": "11", "11": "9", "9": "7", "6": "", "2": ""}  # what a number adds its own degree to
SEVENTHS = ("7", "9", "11", "13")  # numbers that bring a seventh
SUSPENDED = {"sus": (4,), "sus4": (4,), "sus2": (2,)}  # degrees in the third's place; both in other spellings
FIFTHS = {"half": 6, "aug": 8, "alt": 8}  # semitones above the root, of kinds that change it


class Named(NamedTuple):
    """A chord that is named with letters."""

    root: int  # 0..11, from C
    notes: frozenset[int]  # semitones above the root
    bass: int  # as the root


@lru_cache(maxsize=1024)
def named(symbol: str) -> Named | None:
    """The chord of a symbol, None where it names none."""
    symbol = symbol.translate(SIGNS)
    if not (match := SYMBOL.fullmatch(symbol[1:-1] if symbol[:1] + symbol[-1:] == "()" else symbol)):
        return None
    root, suffix, bass = match.groups()
    notes = notes_of(suffix)
    return Named(_pitch_class(root), notes, _pitch_class(bass or root)) if notes else None


def _pitch_class(name: str) -> int:
    return (LETTERS[name[0].upper()] + name.count("#") + name.count("+") - name[1:].count("b")) % 12


@lru_cache(maxsize=1024)
def notes_of(suffix: str) -> frozenset[int] | None:
    """The notes of what stands behind a root, in semitones above it; None where that means nothing."""
    text = re.sub(r"[()\[\],\s]", "", suffix.translate(SIGNS))
    parts, at = list[tuple[str, str]](), 0
    while at < len(text):
        if not (match := PARTS.match(text, at)):  # ^ is the beginning of all of it
            return None
        parts.append((str(match.lastgroup), match[0]))
        at = match.end()
    once = [part for part in parts if part[0] not in SEVERAL]
    notes = _stacked(dict(once)) if len(dict(once)) == len(once) else None
    if notes is None:
        return None
    changes = sorted((part for part in parts if part[0] in SEVERAL), key=lambda part: SEVERAL.index(part[0]))
    sharper = [(part, int(re.sub(r"\D", "", text)), _sign(text)) for part, text in changes]
    notes -= {STEPS[degree] for part, degree, _ in sharper if part == "alter" and degree != 4}
    for part, degree, sign in sharper:
        if part == "drop":
            notes -= {3, 4} if degree == 3 else {6, 7, 8}
        else:
            notes |= {(STEPS[degree] + sign) % 12}
    return frozenset(notes)


def _sign(text: str) -> int:
    """A semitone up or down, by the signs of a part."""
    return ("#" in text or "+" in text) - ("b" in text or "-" in text)


def _stacked(kinds: dict[str, str]) -> set[int] | None:
    """The notes of a chord's kind and number; None where these do not go together."""
    has, number = kinds.keys(), kinds.get("number", "").replace("/", "")
    if not number and {"half", "alt", "delta"} & has:
        number = "7"
    kind = "m" * bool({"minor", "half"} & has) + "dim" * ("dim" in has)
    if {"major", "delta"} & has and (kind or number not in ("", "6", "69", "2")):
        kind += "maj"
    if {"half", "alt"} & has and number not in SEVENTHS:
        return None
    fifths = FIFTHS.keys() & has
    if len(fifths | {"dim"} & has) > 1 or {"minor", "half"} <= has or (number in ("5", "4") and len(has) > 1):
        return None
    notes, degrees = _known(kind + number), set[int]()
    while not notes and number in BELOW:
        degrees.add(STEPS[int(number)])
        number = BELOW[number]
        notes = _known(kind + number)
    if not notes:
        return None
    notes |= degrees | ({1} if "alt" in has else set())
    for changed in fifths:
        notes = notes - {7} | {FIFTHS[changed]}
    if sus := kinds.get("sus"):
        notes = notes - {3, 4} | {STEPS[degree] for degree in SUSPENDED.get(sus, (2, 4))}
    return notes


def _known(quality: str) -> set[int]:
    """The notes of a quality as pychord spells it, in semitones above the root; none where it has no such."""
    from pychord import Chord  # here, because few need it

    try:
        return {note % 12 for note in Chord("C" + quality).components(visible=False)}
    except ValueError:
        return set()
