"""What a person says in a line of words, as settings: "slow sad jazz waltz, no drums, sparse".

    understood("slow sad jazz waltz, no drums", tempi)  →  Said({"genre": …, "tempo": 84.0, …}, unknown=())

A vocabulary, no network: every word is one of these, says nothing, or is given back as unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from engine.band.progressions import of_mode
from engine.core.pianoroll import TRACKS

STYLES = {
    "swing": "jazz", "bebop": "jazz", "bossa": "jazz", "blues": "jazz", "techno": "electronic", "house": "electronic",
    "dance": "electronic", "edm": "electronic", "synth": "electronic", "folk": "country", "bluegrass": "country",
    "western": "country", "baroque": "classical", "symphonic": "classical", "chiptune": "game", "videogame": "game",
    "8-bit": "game", "metal": "rock", "pop": "soul", "funk": "soul", "funky": "soul", "rnb": "soul", "motown": "soul",
    "hardcore": "punk",
}  # fmt: skip
PLAYERS = {
    "drum": "drums", "percussion": "drums", "beat": "drums", "keys": "piano", "keyboard": "piano", "guitars": "guitar",
    "basses": "bass", "string": "strings", "violins": "strings", "orchestra": "strings",
}  # fmt: skip
TEMPI = {"slow": 0.7, "slower": 0.8, "calm": 0.8, "ballad": 0.65, "relaxed": 0.85, "medium": 1.0, "lively": 1.2,
         "faster": 1.2, "fast": 1.35, "quick": 1.35, "driving": 1.2, "upbeat": 1.2}  # fmt: skip
MINOR = {"sad", "minor", "dark", "melancholy", "melancholic", "gloomy", "moody"}
MAJOR = {"happy", "major", "bright", "cheerful", "joyful", "sunny"}
METERS = {"waltz": "3/4", "jig": "6/8", "polka": "2/4", "march": "2/4", "common": "4/4"}
BUSY = {"sparse": 0.2, "thin": 0.2, "simple": 0.3, "light": 0.3, "gentle": 0.3, "quiet": 0.2, "busy": 0.8, "dense": 0.8,
        "full": 0.8, "thick": 0.8}  # fmt: skip
REGISTERS = {"low": -1, "deep": -1, "high": 1}
ADVENTURE = {"ordinary": 0.5, "plain": 0.5, "safe": 0.5, "adventurous": 1.4, "experimental": 1.6, "wild": 1.8,
             "crazy": 1.8, "strange": 1.6}  # fmt: skip
WITHOUT, ONLY = {"no", "without", "minus"}, {"only", "just", "solo"}
NOT = {"not", "isn't", "never"}  # the word behind it says the opposite
MORE = {"very": 1.6, "really": 1.6, "extremely": 2.0}  # how far a word of tempo goes
SAYS_NOTHING = {"a", "an", "the", "and", "with", "in", "of", "at", "some", "for", "please", "music", "piece", "song",
                "band", "tune", "play", "me", "something", "style", "feel", "key", "long", "but", "bit", "to", "it",
                "like", "mood", "sounding", "one", "or", "too", "so", "nova", "tempo", "track"}  # fmt: skip
KEY = re.compile(r"(?:[Kk]ey:? (?:of )?|in )([A-G])([#b♯♭]|[ -]?sharp|[ -]?flat)?[ -]?(major|minor|m)?(?![A-Za-z#])")
NUMBERS = ((re.compile(r"(\d+)[ -]?bars?\b"), "bars", int), (re.compile(r"(\d+) ?bpm\b"), "tempo", float),
           (re.compile(r"\b[Tt]empo:? (?:of )?(\d+)\b"), "tempo", float))
METER = re.compile(r"\b(4/4|3/4|6/8|2/4|12/8)(?:\b|$)")
KEYS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
SLOWEST, FASTEST = 40.0, 240.0  # quarter notes a minute
LEAST_PACE, MOST_PACE = 0.5, 1.7  # of the style's own tempo


@dataclass
class Said:
    """What was understood: fields of a request, and the words that were not."""

    fields: dict[str, Any] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()


def understood(text: str, tempi: Mapping[str, float], genre: str = "") -> Said:
    """The settings that a line of words asks for. tempi: the styles that can be asked for and how fast each usually
    is; `genre` is the style where the words name none."""
    reader = _Reader(list(tempi))
    for pattern, name, number in NUMBERS:
        for match in pattern.finditer(text):
            reader.fields[name] = number(match[1])
        text = pattern.sub(" , ", text)
    for match in METER.finditer(text):
        reader.fields["meter"] = match[1]
    text = METER.sub(" , ", text)
    if key := KEY.search(text):
        reader.fields["key"] = _key(*key.groups())
        reader.minor = None if key[3] is None else key[3] != "major"
        text = KEY.sub(" , ", text)
    for part in re.split(r"[,;.:!?]|\bbut\b", text.lower()):
        for words in reader.apart(part.split()):
            reader.read(words)
    return reader.said(tempi, genre)


def _key(letter: str, sign: str | None, mode: str | None) -> str:
    """A key of `KEYS`: of a minor key its relative major."""
    tonic = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[letter]
    tonic += {"": 0, "#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}[(sign or "").strip(" -")]
    return KEYS[(tonic + 3 * (mode in ("minor", "m"))) % 12]


def _opposite(known: Mapping[str, Any], whole: float) -> dict[str, Any]:
    """What denied words say, on a scale whose two ends make a whole: full is .8, not full .2."""
    return {word: round(whole - value, 2) for word, value in known.items()}


class _Reader:
    """Words in, settings out."""

    def __init__(self, genres: list[str]) -> None:
        self.genres = genres
        self.fields: dict[str, Any] = {}
        self.mix: dict[str, float] = {}
        self.minor: bool | None = None
        self.pace = 1.0
        self.unknown: list[str] = []

    def apart(self, words: list[str]) -> list[list[str]]:
        """Words on either side of an "and", unless behind it is only another player: "busy drums and bass"."""
        out: list[list[str]] = [[]]
        for word, behind in zip_longest(words, words[1:], fillvalue=""):
            if word == "and" and not self._player(behind):
                out.append([])
            else:
                out[-1].append(word)
        return out

    def read(self, words: list[str]) -> None:
        """The words of one part of the line: what is said of a player is said beside its name."""
        players = list(dict.fromkeys(player for word in words if (player := self._player(word))))
        if players and ({*words} & WITHOUT):
            self.fields["without"] = tuple(dict.fromkeys((*self.fields.get("without", ()), *players)))
        elif players and ({*words} & ONLY):
            self.fields["without"] = tuple(track for track in TRACKS if track not in players)
        further, denied = 1.0, False
        for word in words:
            further, denied = MORE.get(word, further), denied or word in NOT
            if word in NOT | MORE.keys() or (denied and word in SAYS_NOTHING):
                continue
            if not (self._player(word) or word in WITHOUT | ONLY or self._of_players(word, players, denied)):
                self._of_all(word, further, denied)
            further, denied = 1.0, False

    def _player(self, word: str) -> str | None:
        name = PLAYERS.get(word, word)
        return name if name in TRACKS else None

    def _of_players(self, word: str, players: list[str], denied: bool) -> bool:
        """How busy or how high the players named beside a word are."""
        for name, known in (("busy", _opposite(BUSY, 1) if denied else BUSY),
                            ("register", dict.fromkeys(REGISTERS, 0) if denied else REGISTERS)):  # fmt: skip
            chosen = [player for player in players if name == "busy" or player != "drums"]
            if word in known and chosen:
                self.fields.setdefault(name, {}).update(dict.fromkeys(chosen, known[word]))
                return True
        return False

    def _of_all(self, word: str, further: float, denied: bool) -> None:
        style = word if word in self.genres else STYLES.get(word, "")
        if denied and (style in self.genres or word in METERS):
            self.unknown += ["not", word]
        elif style in self.genres:
            self.mix[style] = 1.0
        elif word in TEMPI:
            self.pace *= TEMPI[word] ** (-0.5 if denied else further)
        elif word in MINOR | MAJOR:
            self.minor = (word in MINOR) != denied
        elif word in METERS:
            self.fields["meter"] = METERS[word]
        elif word in BUSY:
            self.fields["density"] = (_opposite(BUSY, 1) if denied else BUSY)[word]
        elif word in ADVENTURE:
            self.fields["adventurousness"] = (_opposite(ADVENTURE, 2) if denied else ADVENTURE)[word]
        elif word not in SAYS_NOTHING:
            self.unknown.append(word)

    def said(self, tempi: Mapping[str, float], genre: str) -> Said:
        if self.mix:
            self.fields["genre"] = self.mix
        style = next(iter(self.mix), genre)
        if self.pace != 1 and "tempo" not in self.fields:
            pace = min(max(self.pace, LEAST_PACE), MOST_PACE)
            self.fields["tempo"] = float(min(max(round(tempi.get(style, 120.0) * pace), SLOWEST), FASTEST))
        if self.minor is not None:
            self.fields["chords"] = of_mode(style, self.minor)
        return Said(self.fields, tuple(dict.fromkeys(self.unknown)))
