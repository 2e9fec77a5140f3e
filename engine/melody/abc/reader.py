"""Reading ABC one character at a time: where in the bar we are, and all that decides what may come next.

`Reader.feed` accepts any text and never fails: it is how the features and the grammar of the melody model know the
time. Times are integer ticks, 40320 to a whole note, so that triplets, quintuplets, septuplets and ninth divisions of a
128th note are exact. ABC standard 2.1, https://abcnotation.com/wiki/abc:standard:v2.1
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.melody.abc.canonical import FIELD, MUSIC, QUOTE, default_unit, meter_parts, tonic_index, unit_parts

WHOLE = 40320  # ticks: 2⁷ · 3² · 5 · 7
NOTES = frozenset("ABCDEFGabcdefg")
RESTS = frozenset("zxZ")
COMPOUND = (6, 9, 12)


def bar_ticks(meter: str) -> int:
    """Ticks of a full bar; 0 for a free meter."""
    parts = meter_parts(meter)
    return WHOLE * parts[0] // parts[1] if parts else 0


def unit_ticks(unit: str, meter: str) -> int:
    """Ticks of a note written without a length."""
    parts = unit_parts(unit) or unit_parts(default_unit(meter)) or (1, 8)
    return WHOLE * parts[0] // parts[1]


def tuplet_time(notes: int, meter: str) -> int:
    """In the time of how many notes `notes` are played (ABC 2.1, section 4.13)."""
    parts = meter_parts(meter)
    compound = parts is not None and parts[0] in COMPOUND
    return {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}.get(notes, 3 if compound else 2)


@dataclass(frozen=True)
class Bar:
    """A bar that was read. `start` and `end` are character positions: of its first one, and of the barline."""

    ticks: int
    full: int  # ticks that the meter asks for; 0 in free meter
    start: int
    end: int
    section: int  # counted from 0; a section ends at a repeat sign or a double bar
    number: int  # which bar of its section, counted from 1; 0 for a pickup; second endings count as the first
    ending: int  # 1 or 2 inside a first or second ending, else 0
    closed: bool = True  # False: the tune ended without a barline


class Reader:
    """The state of an ABC tune after the characters fed so far."""

    def __init__(self, meter: str = "", unit: str = "", key: str = "") -> None:
        self.meter, self.full = meter, bar_ticks(meter)
        self.unit = unit_ticks(unit, meter)
        self.key, self.tonic = key, tonic_index(key)
        self.count = 0  # characters fed
        self.last = "\n"  # the last character
        # time
        self.bar_time = 0  # ticks in this bar, the note being read included
        self.onset = 0  # where in the bar the last note, rest or chord began
        self.before_bar = 0  # ticks of all bars before this one
        self.bars: list[Bar] = []
        self.bar_start = 0
        self.section = 0
        self.section_bar = 0  # full bars (or bars without a pickup) closed in this section
        self.section_begun = False  # a bar or a pickup has been closed in it
        self.ending = 0
        self.ending_start = 0  # the section's bars before its first ending
        self.since_onset = 0  # characters since the last note letter, that letter included
        # the note, rest or chord that is being read
        self.sounding = False  # a length may follow
        self.base = self.unit  # its ticks at length 1, tuplet and broken rhythm included
        self.length = ""  # its length as written: "", "2", "/", "3/2"
        self.was_rest = False
        self.broken = 1, 1  # factor for the next note, from > or <
        self.breaks = self.unbroken = 0  # signs > or < in a row, and the ticks of the note before them
        self.tuplet_left = 0
        self.tuplet = 1, 1  # time, notes
        self.tuplet_text = ""  # "3", "3:2:3" while it is being read
        self.in_tuplet = False  # is the last note inside a tuplet
        self.chord = 0  # notes read inside [ ], 0 outside
        self.slurs = 0
        self.bar_text = ""  # the barline being read
        self.bracket = False  # a [ that may begin a chord, an ending, an inline field or a barline
        self.paren = False  # a ( that may begin a tuplet
        self.mode = ""  # "", quote, deco, grace, field, inline
        self.text = ""  # what has been read of a field
        self.line_letter = ""  # a letter at the start of a line, which may be a field's
        self._music = {
            '"': self._quote, "!": self._deco, "{": self._grace, "(": self._open, ")": self._close, "[": self._bracket,
            "]": self._unbracket, "|": self._bar, ":": self._bar, ">": self._break, "<": self._break, "/": self._digit,
        }  # fmt: skip
        for char in "0123456789":
            self._music[char] = self._digit
        for char in "ABCDEFGabcdefgzxZ":
            self._music[char] = self._note

    @property
    def place(self) -> int:
        """Where the next character stands: MUSIC, QUOTE or FIELD."""
        return QUOTE if self.mode == "quote" else FIELD if self.mode in ("field", "inline", "deco") else MUSIC

    @property
    def remaining(self) -> int:
        """Ticks until the bar is full; negative in a bar that is too long."""
        return self.full - self.bar_time

    @property
    def now(self) -> int:
        """Ticks from the beginning to the onset of the last note."""
        return self.before_bar + self.onset

    def feed(self, char: str) -> None:
        """Read one character."""
        self.since_onset += 1
        if self.mode:
            self._inside(char)
        elif char == "\n" or char == " ":
            self._blank(char)
        elif self.line_letter and char == ":":
            self.mode, self.text = "field", self.line_letter
            self.line_letter = ""
        else:
            self.line_letter = char if self.last == "\n" and char in "HIJKLMNOPQRSTUVWXYZ" else ""
            handler = self._music.get(char)
            if handler:
                handler(char)
            else:
                self._other(char)
        self.last = char
        self.count += 1

    def read(self, text: str) -> Reader:
        """Read all of a text; returns itself."""
        for char in text:
            self.feed(char)
        return self

    def _inside(self, char: str) -> None:
        if self.mode == "quote":
            if char in '"\n':
                self.mode = ""
        elif self.mode == "deco":
            if char in "!\n|":
                self.mode = ""
                if char == "|":
                    self._bar(char)
        elif self.mode == "grace":
            if char in "}\n":
                self.mode = ""
        elif char == "\n" or (self.mode == "inline" and char == "]"):
            self.mode = ""
            self._field(self.text[0], self.text[1:].lstrip(":").strip())
        else:
            self.text += char

    def _field(self, name: str, value: str) -> None:
        if name == "M":
            self.meter, self.full = value, bar_ticks(value)
        elif name == "L" and unit_parts(value):
            self.unit = unit_ticks(value, self.meter)
        elif name == "K" and value:
            self.key, self.tonic = value, tonic_index(value)

    def _blank(self, char: str) -> None:
        self.sounding = self.bracket = self.paren = False
        self.line_letter = ""
        if char == "\n":
            self.bar_text = ""

    def _quote(self, char: str) -> None:
        self._music_begins()
        self.mode = "quote"

    def _deco(self, char: str) -> None:
        self._music_begins()
        self.mode = "deco"

    def _grace(self, char: str) -> None:
        self._music_begins()
        self.mode = "grace"

    def _music_begins(self) -> None:
        """A character that is neither of a barline nor of a length."""
        self.sounding = self.paren = False
        self.bar_text = ""
        if self.bracket:
            self.bracket = False
            self.chord = 1

    def _open(self, char: str) -> None:
        self._music_begins()
        self.paren, self.tuplet_text = True, ""
        self.slurs += 1

    def _close(self, char: str) -> None:
        self.sounding = False
        self.slurs = max(self.slurs - 1, 0)

    def _bracket(self, char: str) -> None:
        self.sounding = self.paren = False
        self.bracket = True

    def _unbracket(self, char: str) -> None:
        if self.chord:
            self.chord = 0
            self.base, self.length = max(self.bar_time - self.onset, 0), ""
            self.sounding = True
        elif self.bar_text:
            self._extend(char)

    def _note(self, char: str) -> None:
        self._music_begins()
        self.tuplet_text = ""
        self.was_rest = char in RESTS
        self.since_onset = 1
        if self.chord > 1:
            self.chord += 1
            return
        self.chord *= 2
        time, notes = 1, 1
        self.in_tuplet = self.tuplet_left > 0
        if self.in_tuplet:
            time, notes = self.tuplet
            self.tuplet_left -= 1
        up, down = self.broken
        self.broken = 1, 1
        ticks = (self.full or WHOLE) if char == "Z" else self.unit
        self.base = ticks * time * up // (notes * down)
        self.length = ""
        self.sounding = True
        self.onset = self.bar_time
        self.bar_time += self.base

    def _digit(self, char: str) -> None:
        if self.paren or self.tuplet_text:
            if char != "/":
                self._tuplet(char)
            return
        if self.bracket or self.bar_text:
            if char.isdigit():
                self._ending(char)
            return
        if self.sounding and self.chord <= 2:
            self.length += char
            self.bar_time = self.onset + length_ticks(self.base, self.length)

    def _tuplet(self, char: str) -> None:
        if self.paren:
            self.slurs = max(self.slurs - 1, 0)
            self.paren = False
        self.tuplet_text += char
        parts = [int(p) if p else 0 for p in self.tuplet_text[:8].split(":")]
        notes = min(max(parts[0], 1), 9)
        time = parts[1] if len(parts) > 1 and parts[1] else tuplet_time(notes, self.meter)
        self.tuplet = min(time, 9), notes
        self.tuplet_left = min(parts[2], 32) if len(parts) > 2 and parts[2] else notes

    def _ending(self, char: str) -> None:
        self.bracket = False
        self.ending = int(char)
        if self.ending == 1:
            self.ending_start = self.section_bar
        elif self.bar_text.startswith(":") and self.section:  # after :| the same bars are played another way
            self.section -= 1
            self.section_bar, self.section_begun = self.ending_start, True

    def _break(self, char: str) -> None:
        self.sounding = False
        if self.last != char:
            self.breaks, self.unbroken = 0, self.bar_time - self.onset
        self.breaks = min(self.breaks + 1, 6)  # A>>B: seven quarters and one
        parts = 2**self.breaks
        long, short = (2 * parts - 1, parts), (1, parts)
        mine, self.broken = (long, short) if char == ">" else (short, long)
        self.bar_time = self.onset + self.unbroken * mine[0] // mine[1]

    def _bar(self, char: str) -> None:
        if char == ":" and (self.tuplet_text and self.tuplet_left):
            self.tuplet_text += ":"
            return
        self.sounding = self.paren = False
        self.tuplet_text = ""
        self.chord = 0
        if not self.bar_text:
            self.broken, self.tuplet_left = (1, 1), 0
            self.close_bar()
            self.bar_text = "[" if self.bracket else ""
            if self.bracket:
                self.bracket = False
        self._extend(char)

    def _extend(self, char: str) -> None:
        before = sectional(self.bar_text)
        self.bar_text += char
        if not before and sectional(self.bar_text) and self.section_bar:
            self.section += 1
            self.section_bar = self.ending = 0
            self.section_begun = False

    def close_bar(self, closed: bool = True) -> None:
        """End the bar here; nothing happens where it is empty."""
        if self.bar_time > 0:
            if self.bar_time >= self.full or self.section_begun:
                self.section_bar += 1
            self.section_begun = True
            self.bars.append(
                Bar(
                    self.bar_time, self.full, self.bar_start, self.count, self.section, self.section_bar, self.ending,
                    closed,
                )
            )  # fmt: skip
        self.before_bar += self.bar_time
        self.bar_time = self.onset = 0
        self.bar_start = self.count

    def _other(self, char: str) -> None:
        """Accidentals, octaves, ties and decorations."""
        if char in ",'":
            return
        if self.bracket and char in "KLMPQRVIN":
            self.bracket = False
            self.mode, self.text = "inline", ""
            self.text = char
            return
        if char in "-`":
            self.sounding = False
            return
        self._music_begins()


def sectional(bar_text: str) -> bool:
    """Does this barline end a section: a repeat sign, a double or a final bar."""
    return ":" in bar_text or "||" in bar_text or "]" in bar_text


def length_ticks(base: int, length: str) -> int:
    """Ticks of a note of `base` ticks with a written length: "2", "/", "3/2", "//"."""
    top, slash, bottom = length.partition("/")
    ticks = base * int(top[:3] or 1)
    if slash:
        ticks //= int(bottom[:3]) if bottom[:3].isdigit() and int(bottom[:3]) else 2 ** (1 + bottom.count("/"))
    return ticks
