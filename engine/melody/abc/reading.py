"""A whole ABC tune as it is meant: its voices in time, with keys, meters, tempi, repeats and words.

    tune text ── lines ──► fields, and music as tokens (tokens.py) ──► a reader for each voice (voice.py) ──► Reading

This is the reader of what people bring. What the network reads and writes is the narrower text of canonical.py. Nothing
in a tune's body is refused: what is no music is passed over and remarked, with line and column.
ABC standard 2.1, https://abcnotation.com/wiki/abc:standard:v2.1
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction

from engine import RequestError
from engine.melody.abc.canonical import canonical_kind, decode
from engine.melody.abc.events import Voice
from engine.melody.abc.fields import Key, Meter, Tempo, key_of, meter_of, modified, parts_of, short, tempo_of, unit_of
from engine.melody.abc.tokens import Token, tokens
from engine.melody.abc.voice import VoiceReader

QUOTES = str.maketrans("“”„", '"' * 3)  # as word processors write them
MAX_VOICES = 40
DRUMS = 10  # the channel of drums, counted from 1


@dataclass(frozen=True)
class Remark:
    """What is odd in a tune, and where: line and column count from 1, in the text that was given."""

    words: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.words.rstrip('.')} (line {self.line}, column {self.column})."


class Misread(RequestError):
    """ABC that cannot be read, and where: line and column count from 1, in the text that was given."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"{message} (line {line}, column {column})")
        self.line, self.column = line, column


@dataclass
class Reading:
    """What a tune says."""

    title: str = ""
    kind: str = ""  # the field R, canonical
    key: Key = field(default_factory=Key)
    meter: Meter = field(default_factory=Meter)
    unit: str = ""  # the field L as written
    order: str = ""  # of parts, "ABA"; "" where none is asked for
    parts: list[tuple[Fraction, str]] = field(default_factory=list)  # where a part begins, and its letter
    tempi: list[tuple[Fraction, Tempo]] = field(default_factory=list)
    voices: list[Voice] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    line: int = 1  # of the first line of music

    @property
    def length(self) -> Fraction:
        """Quarter notes as written."""
        return max((voice.length for voice in self.voices), default=Fraction(0))


def book(text: str) -> list[tuple[int, str]]:
    """The tunes of a file, each as (its first line's number, its text): what stands before the first is theirs too."""
    head: list[str] = []  # the file's own header, of fields that hold for every tune
    tunes: list[tuple[int, list[str]]] = []
    open_tune = False
    for number, line in enumerate(text.split("\n"), 1):
        if re.match(r"\s*X:", line) or (not open_tune and _begins(line) and not tunes and not _titled(text)):
            tunes.append((number, []))
            open_tune = True
        elif not line.strip():
            open_tune = False
        if open_tune:
            tunes[-1][1].append(line)
        elif not tunes and re.match(r"(?:[LMQRUIm]:|%%)", line):
            head.append(line)
    whole = [(number, lines) for number, lines in tunes if _has_music(lines)]
    return [(number - len(head), "\n".join([*head, *lines])) for number, lines in whole]


def _begins(line: str) -> bool:
    return bool(re.match(r"\s*[ABCDFGHIKLMNOPQRSTUVWZ]:", line))


def _titled(text: str) -> bool:
    return re.search(r"^\s*X:", text, re.MULTILINE) is not None


def _has_music(lines: list[str]) -> bool:
    body = [line for line in lines if line.strip() and not re.match(r"\s*(?:[A-Za-z]:[^|:]|[A-Za-z]:$|%)", line)]
    return bool(body)


def text_of(content: bytes | str, name: str = "The text") -> str:
    """The text of a file. Refused when it is too large or no text."""
    return decode(content if isinstance(content, bytes) else content.encode(), name)


def read(text: str, first_line: int = 1) -> Reading:
    """One tune. Refused, as Misread, when a header's key, meter or note length is none, or there is no note."""
    reader = _TuneReader(first_line, re.search(r"^\s*K:", text, re.MULTILINE) is not None)
    for number, line in enumerate(text.split("\n"), first_line):
        reader.feed(number, line)
    return reader.finish()


class _TuneReader:
    """Lines in, a reading out."""

    def __init__(self, first_line: int, has_key: bool) -> None:
        self.reading = Reading()
        self.has_key = has_key  # whether a K: field ends the header, or the first line that is none
        self.in_body = self.skipping = False
        self.number = first_line
        self.unit: Fraction | None = None
        self.fields: dict[str, str] = {}
        self.readers: dict[str, VoiceReader] = {}
        self.definitions: dict[str, str] = {}  # of voices: what V: said
        self.spread = "pitch"
        self.current: VoiceReader | None = None
        self.continued = ""  # the field that +: goes on with
        self.macros: list[tuple[str, str]] = []
        self.changes: list[Callable[[VoiceReader], None]] = []  # what was asked for before the first voice
        self._fields = {
            "K": self._key, "M": self._meter, "L": self._unit, "Q": self._tempo, "P": self._part, "V": self._voice,
            "w": self._words, "I": self._instruction, "m": self._macro, "R": self._rhythm, "T": self._title,
        }  # fmt: skip

    def feed(self, number: int, line: str) -> None:
        """One line."""
        self.number = number
        if line.startswith("%%"):
            self._instruction(line[2:], 1)
            return
        if self.skipping:
            return
        line = re.split(r"(?<!\\)%", line, maxsplit=1)[0].rstrip()
        match = re.match(r"(\s*([A-Za-z+]):)(.*)", line)
        if match and not (self.in_body and re.match(r"\s*[|:]", match[3])):  # a note before :| is no field
            name = self.continued if match[2] == "+" else match[2]
            self.continued = name
            self._field(name, match[3].strip(), len(match[1]) + 1)
            self.in_body = self.in_body or name == "K"
        elif line.strip() and (self.in_body or not self.has_key):
            self.in_body = True
            self._music(line)
        elif line.strip():
            self._remark("A line of the header is no field; it is passed over.", number, 1)

    def _field(self, name: str, value: str, column: int) -> None:
        handler = self._fields.get(name)
        if not handler:
            return
        try:
            handler(value, column)
        except RequestError as refusal:
            if not self.in_body:
                raise Misread(str(refusal), self.number, column) from None
            self._remark(str(refusal), self.number, column)

    def _remark(self, words: str, line: int, column: int) -> None:
        self.reading.remarks.append(Remark(words, line, column))

    def _once(self, words: str, column: int) -> None:
        """Remark on what stands in many places, in its first."""
        if not any(remark.words == words for remark in self.reading.remarks):
            self._remark(words, self.number, column)

    # music

    @property
    def voice(self) -> VoiceReader:
        """The voice that is being written; the first one defined, where none was named yet."""
        if self.current is None:
            self.current = self._reader(next(iter(self.definitions), "1"))
        return self.current

    def _reader(self, name: str) -> VoiceReader:
        if name not in self.readers:
            if len(self.readers) >= MAX_VOICES:
                raise RequestError(f"At most {MAX_VOICES} voices are read; {name} is passed over.")
            made = VoiceReader(name, self.reading.key, self.reading.meter, self.unit, self._remark)
            made.spread = self.spread
            for change in self.changes:
                change(made)
            self.readers[name] = made
        return self.readers[name]

    def _music(self, line: str) -> None:
        line = line.translate(QUOTES)
        for name, music in self.macros:
            line = line.replace(name, music)
        if not any(reader.voice.events for reader in self.readers.values()):
            self.reading.line = min(self.reading.line, self.number) if self.readers else self.number
        self.voice.begin_line(self.number)
        for token in tokens(line):
            if token.type == "field":
                self._inline(token)
            elif token.type == "spacer":
                self._once("The space y is passed over; it is for the eye.", token.column + 1)
            else:
                self.voice.token(token)

    def _inline(self, token: Token) -> None:
        name, value = token.text[1], token.text[3:-1].strip()
        if name == "r":
            self._once("What the writer remarks in [r:…] is passed over.", token.column + 1)
        self.voice.token(token)
        self._field(name, value, token.column + 4)
        if name == "V":
            self.voice.begin_line(self.number)

    # fields

    def _key(self, value: str, column: int) -> None:
        voice = self.current if self.in_body else None
        key, remarks = key_of(value, voice.key if voice else self.reading.key)
        for words in remarks:
            self._remark(words, self.number, column)
        if not self.in_body:
            self.reading.key = key
        elif self._begun or voice:
            self.voice.set_key(key)
        else:
            self.reading.key = key

    @property
    def _begun(self) -> bool:
        return any(reader.voice.events for reader in self.readers.values())

    def _meter(self, value: str, column: int) -> None:
        meter, remarks = meter_of(value)
        for words in remarks:
            self._remark(words, self.number, column)
        if self.in_body and (self.current or self._begun):
            self.voice.set_meter(meter)
        else:
            self.reading.meter = meter

    def _unit(self, value: str, column: int) -> None:
        unit = unit_of(value)
        if "/" not in value:
            self._remark(f"The note length {value.strip()} is read as {value.strip()}/1.", self.number, column)
        if self.in_body and (self.current or self._begun):
            self.voice.unit = unit
        else:
            self.unit, self.reading.unit = unit, value.replace(" ", "")

    def _tempo(self, value: str, column: int) -> None:
        time = self.current.time if self.current else Fraction(0)
        unit = self.current.unit if self.current else self.unit or Fraction(1, 2)
        tempo = tempo_of(value, unit)
        if not tempo.quarters and re.search(r"\d", re.sub(r'"[^"]*"', "", value)):
            self._remark(f"The tempo {short(value)} is not understood; it is passed over.", self.number, column)
            return
        self.reading.tempi = [(at, mark) for at, mark in self.reading.tempi if at != time] + [(time, tempo)]

    def _part(self, value: str, column: int) -> None:
        if not self.in_body:
            self.reading.order = parts_of(value)
        elif value[:1].isalpha():
            mark = (self.current.time if self.current else Fraction(0), value[0])
            if mark not in self.reading.parts:
                self.reading.parts.append(mark)

    def _voice(self, value: str, column: int) -> None:
        name, _, rest = value.partition(" ")
        if not name:
            return
        self.definitions[name] = f"{self.definitions.get(name, '')} {rest}"
        if self.in_body:
            self.current = self._reader(name)

    def _words(self, value: str, column: int) -> None:
        if not (self.in_body and self.current):
            return
        events = iter([event for event in self.current.line_events if event.pitches])
        verse, self.current.verse = self.current.verse, self.current.verse + 1
        for syllable in syllables(value):
            if syllable == "|":
                continue  # bars are not counted: words and notes go one to one
            event = next(events, None)
            if event is None:
                break
            event.words += [""] * (verse - len(event.words)) + [syllable]

    def _instruction(self, value: str, column: int) -> None:
        words = value.replace("=", " ", 1).split()
        if words[:1] in (["begintext"], ["beginps"], ["beginsvg"]):
            self.skipping = True
        elif words[:1] in (["endtext"], ["endps"], ["endsvg"]):
            self.skipping = False
        elif words[:1] == ["propagate-accidentals"] and words[1:2]:
            self.spread = words[1]
            for reader in self.readers.values():
                reader.spread = words[1]
        elif words[:1] == ["MIDI"] and words[1:]:
            self._midi(words[1], [int(word) for word in words[2:] if re.fullmatch(r"-?\d{1,4}", word)], column)

    def _midi(self, name: str, numbers: list[int], column: int) -> None:
        """An instruction to abc2midi: who plays, how far moved, and which channel; for all voices before the first."""
        number = numbers[-1] if numbers else -1
        if name == "program" and 0 <= number <= 127:
            self._each(lambda reader: setattr(reader.voice, "program", number))
        elif name == "channel" and numbers:
            self._each(lambda reader: setattr(reader.voice, "drums", number == DRUMS))
        elif name in ("transpose", "rtranspose") and numbers and abs(number) <= 48:
            self._each(lambda reader: setattr(reader, "moved", number + (name == "rtranspose") * reader.moved))
        elif not any(f"%%MIDI {name} " in remark.words for remark in self.reading.remarks):
            self._remark(f"%%MIDI {name} is passed over.", self.number, column)

    def _each(self, change: Callable[[VoiceReader], None]) -> None:
        """Change the voice that is being written; before there is one, every voice to come."""
        if self.current:
            change(self.current)
        else:
            self.changes.append(change)

    def _macro(self, value: str, column: int) -> None:
        short, _, long = value.partition("=")
        if short.strip() and "n" not in short:
            self.macros.append((short.strip(), long.strip()))

    def _rhythm(self, value: str, column: int) -> None:
        self.reading.kind = self.reading.kind or canonical_kind(value)

    def _title(self, value: str, column: int) -> None:
        if not self.in_body:
            self.reading.title = self.reading.title or value

    # the whole

    def finish(self) -> Reading:
        """The reading. Refused when there is no note."""
        reading = self.reading
        for name, reader in self.readers.items():
            voice = reader.voice
            _define(voice, self.definitions.get(name, ""))
            reader.finish()
            if voice.events:
                reading.voices.append(voice)
        reading.tempi.sort(key=lambda change: change[0])
        if not any(event.pitches for voice in reading.voices for event in voice.events):
            line = reading.line
            raise Misread("There is no note in this tune; expected letters A to G or a to g.", line, 1)
        return reading


def _define(voice: Voice, words: str) -> None:
    """Clef, transposition and label of a voice, from what its V: field says."""
    key, _ = modified(replace(Key(), altered=()), words)
    voice.clef, voice.shift = key.clef, key.shift
    label = re.search(r'(?:name|nm)=(?:"([^"]*)"|(\S+))', words)
    voice.label = (label[1] or label[2] or "") if label else ""
    for event in voice.events:
        event.shift += voice.shift


def syllables(words: str) -> list[str]:
    """What a line of words gives to each note: a syllable, "-" where the last goes on, "" for none."""
    out: list[str] = []
    text = words.replace("\\-", "\N{NON-BREAKING HYPHEN}")
    for part in re.findall(r"[^\s\-_*|]+-?|[-_*|]", text):
        if part in ("-", "_", "*"):
            out.append({"*": "", "_": "_", "-": "_"}[part])
        else:
            out.append(part.replace("~", " "))
    return out
