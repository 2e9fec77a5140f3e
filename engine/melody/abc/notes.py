"""ABC to sound: what a tune's text says, as notes in time, and the Song that plays it.

`parse` reads one whole ABC tune as a person may have typed it and refuses, with line and column, what is no music.
`notes_of` gives its events as written, `unfolded` the order in which repeats and endings play them, `song` the Song.
Scores (MusicXML, SVG) are in engine/melody/score.py. ABC standard 2.1, https://abcnotation.com/wiki/abc:standard:v2.1
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import pairwise

from engine import RequestError
from engine.core.pitch import LETTERS
from engine.core.song import Note, Song, Track
from engine.melody.abc.canonical import (
    Tune,
    check_key,
    clean_line,
    decode,
    meter_parts,
    read_tunes,
    signature,
    unit_parts,
)
from engine.melody.abc.reader import NOTES, RESTS, WHOLE, Reader, bar_ticks

QUARTER = WHOLE // 4
TEMPI = {  # quarter notes a minute at which a type of tune is usually played
    "reel": 200, "jig": 170, "slip jig": 165, "hornpipe": 168, "strathspey": 130, "waltz": 150, "march": 120,
    "polka": 130, "slide": 190, "air": 80, "clog": 160, "fling": 150, "walkaround": 150,
}  # fmt: skip
MUSIC_CHARACTERS = frozenset(
    "ABCDEFGabcdefgzxyZ0123456789/|:[]()<>^_=,'\"!{}-~.THLMOPRSWUuvVkKJNIhijlmnopqrstw+*`$&\\ \n"
)
SHARPS, FLATS = "FCGDAEB", "BEADGCF"


class Misread(RequestError):
    """ABC that cannot be read, and where: line and column count from 1, in the text that was given."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"{message} (line {line}, column {column})")
        self.line, self.column = line, column


@dataclass
class Event:
    """A note, a chord or a rest as written. Times are ticks from the tune's beginning, as written."""

    onset: int
    ticks: int
    pitches: list[int]  # MIDI; none for a rest
    place: int  # of its first note letter in the body
    tied: bool = False  # to the next one


@dataclass
class Score:
    """What a body says."""

    events: list[Event] = field(default_factory=list)
    symbols: list[tuple[int, str]] = field(default_factory=list)  # (ticks, chord symbol)
    marks: list[tuple[int, str]] = field(default_factory=list)  # (ticks, "start" | "end" | "section" | "1" | "2")
    length: int = 0  # ticks
    carried: list[tuple[int, str]] = field(default_factory=list)  # (place of a note, the accidental it has from before)
    reader: Reader = field(default_factory=Reader)


def accidentals_of(key: str) -> dict[str, int]:
    """The key signature: letter → semitones up or down."""
    sharps = signature(key)
    letters = SHARPS[:sharps] if sharps > 0 else FLATS[: max(-sharps, 0)]
    return dict.fromkeys(letters, 1 if sharps > 0 else -1)


def notes_of(tune: Tune) -> Score:
    """All events of a tune, in written order. Never fails: what is not understood is passed over."""
    return _Events(tune).read()


class _Events:
    """A tune's characters in, its events out."""

    def __init__(self, tune: Tune) -> None:
        self.body = tune.body
        self.score = Score(reader=Reader(tune.meter, tune.unit, tune.key))
        self.key, self.altering = tune.key, accidentals_of(tune.key)
        self.altered: dict[tuple[str, int], int] = {}  # in this bar, by letter and octave
        self.accidental = self.quote = ""  # being written
        self.bar, self.ending = 0, 0

    def read(self) -> Score:
        """The whole body."""
        score = self.score
        for place, char in enumerate(self.body):
            self._feed(place, char)
        score.length = score.reader.before_bar + score.reader.bar_time
        for event, after in pairwise(score.events):  # a broken rhythm changes a note after it was read
            event.ticks = min(event.ticks, max(after.onset - event.onset, 0))
        return score

    def _feed(self, place: int, char: str) -> None:
        reader = self.score.reader
        inside, bar_text = reader.mode, reader.bar_text
        reader.feed(char)
        if reader.key != self.key:
            self.key, self.altering = reader.key, accidentals_of(reader.key)
        if inside or reader.mode:
            self._quoted(inside, char)
            return
        self._bars(char, bar_text)
        self._music(place, char)

    def _quoted(self, inside: str, char: str) -> None:
        """A character of a quotation, a field or a decoration: of these, chord symbols sound."""
        reader = self.score.reader
        if inside == "quote" and reader.mode:
            self.quote += char
        elif inside == "quote" and re.match(r"[A-G]", self.quote):
            self.score.symbols.append((reader.before_bar + reader.bar_time, self.quote))
        elif not inside:
            self.quote = ""

    def _bars(self, char: str, bar_text: str) -> None:
        """Where a bar, an ending or a repeat begins or ends."""
        reader = self.score.reader
        if reader.before_bar != self.bar:
            self.bar = reader.before_bar
            self.altered = {}
        if reader.ending != self.ending and char.isdigit():
            self.score.marks.append((reader.before_bar, "1" if reader.ending == 1 else "2"))
        self.ending = reader.ending
        if reader.bar_text and reader.bar_text != bar_text:
            _mark(self.score, reader.before_bar, bar_text, reader.bar_text)

    def _music(self, place: int, char: str) -> None:
        """An accidental, a note, a rest, a tie; or what makes the last note longer."""
        reader, events = self.score.reader, self.score.events
        if char in "^_=":
            self.accidental += char
        elif char in NOTES or (char in RESTS and reader.since_onset == 1):
            event = events[-1] if reader.chord > 2 and events else Event(reader.now, 0, [], place)
            if event.ticks == 0 and (not events or event is not events[-1]):
                events.append(event)
            if char in NOTES:
                event.pitches.append(self._pitch(char, place))
            self.accidental = ""
        elif char == "-" and events:
            events[-1].tied = True
        if events and reader.now == events[-1].onset and reader.bar_time > reader.onset:
            events[-1].ticks = reader.bar_time - reader.onset

    def _pitch(self, char: str, place: int) -> int:
        """MIDI number of a note letter: 60 is C. An accidental holds for its octave to the end of the bar."""
        octave = 5 + char.islower()
        match = re.match(r"[,']*", self.body[place + 1 : place + 8])
        octave += sum(1 if mark == "'" else -1 for mark in (match[0] if match else ""))
        letter = char.upper()
        if self.accidental:
            change = self.accidental.count("^") - self.accidental.count("_")
            self.altered[letter, octave] = change
        elif (letter, octave) in self.altered:
            change = self.altered[letter, octave]
            if change != self.altering.get(letter, 0):
                self.score.carried.append((place, "^" * change + "_" * -change if change else "="))
        else:
            change = self.altering.get(letter, 0)
        return min(max(12 * octave + LETTERS[letter] + change, 0), 127)


def _mark(score: Score, time: int, before: str, text: str) -> None:
    """Repeat signs and double bars as a barline is being written, one character longer than `before`."""
    marks = score.marks
    if text.startswith(":") and not before.startswith(":"):
        marks.append((time, "end"))
    if text.endswith(":") and len(text) > 1 and (time, "start") not in marks:
        marks.append((time, "start"))
        if text in ("::", ":|:") and (time, "end") not in marks:
            marks.append((time, "end"))
    if ("||" in text or "]" in text) and (time, "section") not in marks and ":" not in text:
        marks.append((time, "section"))


def unfolded(score: Score) -> list[tuple[int, int]]:
    """The stretches (start, end), in ticks as written, in the order in which they are played."""
    spans: list[tuple[int, int]] = []
    cursor = begin = 0
    first: int | None = None
    for time, mark in score.marks:
        if mark == "end":
            spans.append((cursor, time))
            spans.append((begin, time if first is None else first))
            cursor = begin = time
            first = None
        elif mark in ("start", "section"):
            begin, first = time, None
        elif mark == "1":
            first = time
    spans.append((cursor, score.length))
    return [(a, b) for a, b in spans if b > a]


def played_to_written(score: Score) -> list[tuple[float, float, float]]:
    """(beat at which it is played, beat at which it is written, beats) of each stretch."""
    out, now = [], 0
    for start, end in unfolded(score):
        out.append((now / QUARTER, start / QUARTER, (end - start) / QUARTER))
        now += end - start
    return out


def usual_tempo(tune: Tune) -> float:
    """Quarter notes a minute at which a tune of this type and meter is usually played."""
    if tune.kind in TEMPI:
        return float(TEMPI[tune.kind])
    parts = meter_parts(tune.meter) or (4, 4)
    if parts[1] == 8:
        return 165.0
    if parts == (2, 4):
        return 105.0 if tune.unit == "1/16" else 130.0
    return 150.0 if parts[0] == 3 else 170.0


def song(tune: Tune, *, tempo: float = 0.0, program: int = 73, transpose: int = 0) -> Song:
    """The tune as it is played, repeats and endings unfolded: a melody track, and chords where there are chord symbols.

    tempo: quarter notes a minute, 0 for the usual one. program: General MIDI, 0..127. transpose: semitones.
    """
    score = notes_of(tune)
    melody: list[Note] = []
    chords: list[Note] = []
    now = 0
    parts = meter_parts(tune.meter) or (4, 4)
    for start, end in unfolded(score):
        open_ties: dict[int, int] = {}  # pitch → index in `melody`
        for event in score.events:
            if not start <= event.onset < end or event.ticks <= 0:
                continue
            onset, beats = (event.onset - start + now) / QUARTER, event.ticks / QUARTER
            ties: dict[int, int] = {}
            accent = 88 if event.onset == start or not event.onset % QUARTER else 76
            for pitch in dict.fromkeys(event.pitches):
                if pitch in open_ties:
                    index = open_ties[pitch]
                    melody[index] = replace(melody[index], duration=melody[index].duration + beats)
                else:
                    index = len(melody)
                    melody.append(Note(onset, beats, pitch, accent))
                if event.tied:
                    ties[pitch] = index
            open_ties = ties
        inside = [(t, s) for t, s in score.symbols if start <= t < end]
        for (time, symbol), after in zip(inside, [t for t, _ in inside[1:]] + [end]):
            chords += [
                Note((time - start + now) / QUARTER, (after - time) / QUARTER, pitch, 58)
                for pitch in chord_pitches(symbol)
                if after > time
            ]
        now += end - start
    tracks = [Track("melody", program).with_notes(melody)]
    if chords:
        tracks.append(Track("chords", 24).with_notes(chords))
    made = Song(tuple(tracks), tempo or usual_tempo(tune), parts, tune.title)
    return made.transposed(transpose) if transpose else made


def chord_pitches(symbol: str) -> list[int]:
    """MIDI pitches of a chord symbol: a bass note and a triad or seventh chord above it; none for what is none."""
    match = re.match(r"([A-G])([#b]?)(maj7|m7|m|7|dim|d|aug|\+)?(?:/([A-Ga-g])([#b+]?))?", symbol)
    if not match:
        return []
    root = (LETTERS[match[1]] + {"#": 1, "b": -1}.get(match[2], 0)) % 12
    quality = match[3] or ""
    steps = {
        "m": (0, 3, 7), "m7": (0, 3, 7, 10), "7": (0, 4, 7, 10), "maj7": (0, 4, 7, 11), "dim": (0, 3, 6),
        "d": (0, 3, 6), "aug": (0, 4, 8), "+": (0, 4, 8),
    }.get(quality, (0, 4, 7))  # fmt: skip
    bass = root if not match[4] else (LETTERS[match[4].upper()] + {"#": 1, "+": 1, "b": -1}.get(match[5], 0)) % 12
    return [36 + bass, *sorted({48 + (root + step) % 12 for step in steps})]


# Reading what a person typed


def parse(text: str | bytes) -> tuple[Tune, list[str]]:
    """The first tune of an ABC text, and remarks on what is odd in it (bars that are not full).

    Raises Misread, with line and column of the text, for: a key or meter that does not exist, a character that is no
    music, an accidental or a bracket that leads nowhere, a quotation or chord left open, a last bar without a barline.
    """
    tune = read_tunes(text, "The text")[0]
    source = decode(text if isinstance(text, bytes) else text.encode()).split("\n")
    _check_header(tune, source)
    places = _places(tune, source)
    _check_body(tune, places)
    reader = Reader(tune.meter, tune.unit, tune.key).read(tune.body)
    if not any(char in NOTES for char in tune.body):
        raise Misread("There is no note in this tune; expected letters A to G or a to g.", tune.line, 1)
    if reader.mode == "quote":
        raise Misread('A quotation is not closed; expected ".', *places[-1])
    if reader.chord:
        raise Misread("A chord is not closed; expected ].", *places[-1])
    if reader.bar_time:
        raise Misread("The last bar is not closed; expected a barline such as | or |].", *places[-1])
    remarks = []
    bars = reader.bars
    for i, bar in enumerate(bars):
        if not bar.full or bar.ticks == bar.full:
            continue
        beside = [bars[j].ticks for j in (i - 1, i + 1) if 0 <= j < len(bars)]
        short = bar.ticks < bar.full and (i in (0, len(bars) - 1) or bar.full - bar.ticks in [*beside, bars[0].ticks])
        if not short:
            line, column = places[min(bar.end, len(places) - 1)]
            parts = meter_parts(tune.meter) or (4, 4)
            beats = bar.ticks * parts[1] / WHOLE
            remarks.append(
                f"The bar before line {line}, column {column} lasts {beats:g}/{parts[1]}; the meter asks for "
                f"{bar.full * parts[1] / WHOLE:g}/{parts[1]}."
            )
    return tune, remarks


def _check_header(tune: Tune, source: list[str]) -> None:
    def line_of(name: str) -> int:
        return next((i for i, line in enumerate(source, 1) if line.startswith(f"{name}:")), 1)

    if tune.key and not re.match(r"(?i)none|hp", tune.key):
        try:
            check_key(_short(tune.key.split()[0] if tune.key.split() else tune.key))
        except RequestError as refusal:
            raise Misread(str(refusal), line_of("K"), 3) from None
    if tune.meter and tune.meter != "none" and not bar_ticks(tune.meter):
        raise Misread(f"'{_short(tune.meter)}' is not a meter; expected one such as 4/4, 6/8 or C|.", line_of("M"), 3)
    if tune.unit and not unit_parts(tune.unit):
        raise Misread(f"'{_short(tune.unit)}' is not a note length; expected one such as 1/8.", line_of("L"), 3)


def _short(text: str) -> str:
    """A word as a refusal quotes it; nothing longer than this is a key, a meter or a length."""
    return text if len(text) <= 30 else text[:29] + "…"


def _places(tune: Tune, source: list[str]) -> list[tuple[int, int]]:
    """Line and column in the source of every character of the body (and of the place behind it)."""
    out: list[tuple[int, int]] = []
    at = tune.line - 1
    for line in tune.body.split("\n"):
        while at < len(source) - 1 and clean_line(source[at]) != line:
            at += 1
        column = 0
        for char in line:
            column = max(source[at].find(char, column), column)
            column += 1
            out.append((at + 1, column))
        out.append((at + 1, column + 1))
        at += 1
    return out


def _check_body(tune: Tune, places: list[tuple[int, int]]) -> None:
    reader = Reader(tune.meter, tune.unit, tune.key)
    expected_note = False
    for place, char in enumerate(tune.body):
        mode = reader.mode
        bracket, length_here = reader.bracket, reader.sounding or reader.paren or bool(reader.tuplet_text)
        barline, chord = bool(reader.bar_text), reader.chord
        reader.feed(char)
        if mode or reader.mode:
            continue
        if chord and char in "|:\n":
            raise Misread(f"A chord is not closed before {char!r}; expected ].", *places[place])
        if char not in MUSIC_CHARACTERS:
            message = f"{char!r} is no music; expected a note (A to G, a to g), a rest z or a barline |."
            raise Misread(message, *places[place])
        if expected_note and char not in NOTES and char not in "^_=":
            raise Misread(f"{char!r} follows an accidental; expected a note A to G or a to g.", *places[place])
        if char.isdigit() and not (length_here or bracket or barline or reader.chord):
            raise Misread(f"The number {char} stands alone; expected a note before it.", *places[place])
        if char == "]" and not (barline or chord):
            raise Misread("A ] closes nothing; expected a [ before it.", *places[place])
        if mode == "" and char == "|" and tune.body[place - 1 : place] in ("<", ">") and place:
            raise Misread(f"A broken rhythm {tune.body[place - 1]} has no second note; expected one.", *places[place])
        expected_note = char in "^_="


def read_abc(content: bytes) -> Song:
    """The first tune of an ABC file as it is played, with remarks on what is odd in it. Refused when it cannot be."""
    tune, remarks = parse(content)
    whole = song(tune)
    return replace(whole, remarks=whole.remarks + tuple(remarks))
