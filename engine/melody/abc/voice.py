"""One voice of a tune: tokens of ABC music in, notes and rests in time out.

Times are quarter notes from the tune's beginning, as written, as fractions. ABC standard 2.1, sections 4 and 7.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from engine.melody.abc.events import Bar, Event, Mark, Pitch, Voice
from engine.melody.abc.fields import Key, Meter, default_unit_of, length_of, semitones_of
from engine.melody.abc.tokens import ENDING, SPELLINGS, Token, tokens

ANNOTATION = "^_<>@"
JUMPS = (  # what sends the player elsewhere, as written in decorations and above the staff
    (r"D\.?\s?C\.?(?!\w)|da\s?capo", "da capo"), (r"D\.?\s?S\.?(?!\w)|dal\s?segno", "dal segno"),
    (r"(?:to|da)\s?coda\b", "to coda"), (r"fine$", "fine"), (r"segno$", "segno"), (r"coda$", "coda"),
)  # fmt: skip
TUPLETS = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # in the time of how many notes; the others as the meter has it


Remark = Callable[[str, int, int], None]  # words, line, column


class VoiceReader:
    """The state of one voice while its lines are read."""

    def __init__(self, name: str, key: Key, meter: Meter, unit: Fraction | None, remark: Remark) -> None:
        self.voice = Voice(name)
        self.key, self.meter = key, meter
        self.unit = unit or default_unit_of(meter)
        self.remark = remark
        self.spread = "pitch"  # of accidentals: to every octave; "octave", "not"
        self.voice.keys.append((Fraction(0), key))
        self.voice.meters.append((Fraction(0), meter))
        self.time = self.bar_start = self.bar_end = Fraction(0)
        self.layer = 0
        self.overlaid: Fraction | None = None  # where (& began, over whose bars layers are written
        self.moved = 0  # semitones that %%MIDI transpose asks for from here on
        self.altered: dict[tuple[str, int], int] = {}  # in this bar
        self.tied: dict[tuple[str, int], int] = {}  # what the last event ties over, and how it is altered
        self.waiting: dict[int, dict[tuple[str, int], int]] = {}  # the same of the other layers
        self.last: Event | None = None  # of this layer
        self.broken = ""  # > or <, which the next event answers
        self.tuplet, self.tuplet_left = Fraction(1), 0
        self.chord: Event | None = None
        self.chord_beats: Fraction | None = None
        self.graces: list[tuple[list[Pitch], Fraction]] = []
        self.decorations: list[str] = []
        self.jumps: list[int] = []  # marks of this bar that are jumps
        self.line = 0
        self.line_events: list[Event] = []  # of the last line of music, to which words belong
        self.verse = 0
        self._handlers: dict[str, Callable[[Token], None]] = {
            "note": self._note, "rest": self._rest, "chord": self._open_chord, "chord_end": self._close_chord,
            "bar": self._bar, "ending": lambda token: self._ending(token["ending"]), "tie": self._tie,
            "ending_text": lambda token: self._worded(token["ending_text"]),
            "broken": self._broken, "tuplet": self._tuplet, "grace": self._grace, "overlay": self._overlay,
            "decoration": self._decoration, "mark": self._letter,
            "quote": lambda token: self._quote(token.text[1:-1]), "open_quote": self._open_quote, "other": self._other,
        }  # fmt: skip

    # lines and fields

    def begin_line(self, line: int) -> None:
        """A line of music begins."""
        self.line, self.line_events, self.verse = line, [], 0

    def token(self, token: Token) -> None:
        """One token of it."""
        if self.chord and token.type in ("bar", "chord", "field"):
            self._note_fault("A chord is not closed; it is closed here.", token)
            self._close_chord(None)
        handler = self._handlers.get(token.type)
        if handler:
            handler(token)

    def set_key(self, key: Key) -> None:
        """A key from here on; accidentals of the bar so far are forgotten."""
        self.key, self.altered = key, {}
        _set(self.voice.keys, self.time, key)

    def set_meter(self, meter: Meter) -> None:
        """A meter from here on."""
        self.meter = meter
        _set(self.voice.meters, self.time, meter)

    def finish(self) -> Voice:
        """The voice, its last bar closed."""
        if self.chord:
            self._note_fault("A chord is not closed; it is closed here.", None)
            self._close_chord(None)
        if self.end > self.bar_start:
            last = self.voice.events[-1] if self.voice.events else None
            self.voice.bars.append(
                Bar(self.bar_start, self.end, self.meter.bar, last.line if last else 0, 0, closed=False)
            )
        self._resolve_jumps(self.end)
        self.voice.length = self.end
        return self.voice

    @property
    def end(self) -> Fraction:
        """Where the bar so far ends, in all its layers."""
        return max(self.time, self.bar_end)

    def _note_fault(self, words: str, token: Token | None) -> None:
        self.remark(words, self.line, token.column + 1 if token else 1)

    # notes and rests

    def _pitch(self, token: Token, *, grace: bool = False) -> Pitch:
        letter = token["letter"].upper()
        octave = 4 + token["letter"].islower() + token["octave"].count("'") - token["octave"].count(",")
        sign = token["accidental"]
        place = (letter, octave if self.spread == "octave" else 0)
        if sign:
            alter = max(min(semitones_of(sign), 2), -2)
            if "/" in sign:
                near = f"{'^' * alter}{'_' * -alter}{letter}"
                self._note_fault(f"{sign}{letter} is a part of a semitone; {near} is played.", token)
            if self.spread != "not":
                self.altered[place] = alter
            return Pitch(letter, octave, alter, True)
        if (letter, octave) in self.tied and not grace:
            return Pitch(letter, octave, self.tied[letter, octave])
        return Pitch(letter, octave, self.altered.get(place, dict(self.key.altered).get(letter, 0)))

    def _note(self, token: Token) -> None:
        pitch, beats = self._pitch(token), self.unit * length_of(token["length"])
        if self.chord:
            self.chord.pitches.append(pitch)
            self.chord_beats = self.chord_beats or beats
            return
        self._add(Event(self.time, beats, [pitch], self.line, token.column + 1))

    def _rest(self, token: Token) -> None:
        letter, length = token["rest"], length_of(token["rest_length"])
        beats = (self.meter.bar or Fraction(4)) * length if letter in "ZX" else self.unit * length
        if self.chord:
            self.chord_beats = self.chord_beats or beats
            return
        event = Event(self.time, beats, [], self.line, token.column + 1, hidden=letter in "xX")
        if letter in "ZX":
            self._whole_bars(event, int(length))
        else:
            self._add(event)

    def _whole_bars(self, rest: Event, bars: int) -> None:
        """A rest of several bars, each a bar of its own."""
        self.broken = ""
        for number in range(min(bars, 500) or 1):
            if number:
                self._end_bar(rest.column)
            self._add(replace(rest, onset=self.time, beats=rest.beats / max(bars, 1)))

    def _add(self, event: Event) -> None:
        """An event behind the last, in the tuplet and the broken rhythm that it stands in."""
        if self.tuplet_left:
            event.beats *= self.tuplet
            self.tuplet_left -= 1
        if self.broken and self.last:
            self._break(self.last, event)
        event.onset, event.layer, event.shift = self.time, self.layer, self.key.shift + self.moved
        event.graces, event.decorations, self.graces, self.decorations = self.graces, self.decorations, [], []
        self.voice.events.append(event)
        self.line_events.append(event)
        self.time += event.beats
        self.tied, self.last = {}, event

    def _open_chord(self, token: Token) -> None:
        self.chord = Event(self.time, Fraction(0), [], self.line, token.column + 1)
        self.chord_beats = None

    def _close_chord(self, token: Token | None) -> None:
        chord, self.chord = self.chord, None
        if chord is None:
            self._note_fault("A ] closes nothing; it is passed over.", token)
            return
        if self.chord_beats is None:
            return
        chord.beats = self.chord_beats * length_of(token["chord_length"] if token else "")
        tied = {place: alter for place, alter in self.tied.items() if place in chord.tied}
        self._add(chord)
        self.tied = tied

    def _tie(self, token: Token) -> None:
        event = self.chord or self.last
        pitches = (self.chord.pitches[-1:] if self.chord else event.pitches) if event else []
        if event is None or not pitches:
            return
        for pitch in pitches:
            event.tied.add((pitch.letter, pitch.octave))
            self.tied[pitch.letter, pitch.octave] = pitch.alter

    def _broken(self, token: Token) -> None:
        if self.last is None:
            self._note_fault(f"A broken rhythm {token.text} has no first note; it is passed over.", token)
            return
        self.broken = token.text[:6]

    def _break(self, first: Event, second: Event) -> None:
        """Two notes of one length in a broken rhythm: one takes from the other. Others stay as they are."""
        sign, self.broken = self.broken, ""
        if first.beats != second.beats:
            self.remark(f"{sign} stands between notes of two lengths; it is passed over.", self.line, second.column)
            return
        taken = first.beats - first.beats / 2 ** len(sign)
        taken = taken if ">" in sign else -taken
        first.beats += taken
        second.beats -= taken
        self.time += taken

    def _tuplet(self, token: Token) -> None:
        numbers = [int(part[:3]) if part else 0 for part in token["tuplet"].split(":")]
        notes = numbers[0]
        if not 2 <= notes <= 64:
            self._note_fault(f"({notes} is no tuplet; it is passed over.", token)
            return
        time = numbers[1] if len(numbers) > 1 and numbers[1] else TUPLETS.get(notes, 3 if self.meter.compound else 2)
        self.tuplet, self.tuplet_left = Fraction(time, notes), (numbers[2] if len(numbers) > 2 else 0) or notes

    def _grace(self, token: Token) -> None:
        for note in tokens(token["graces"]):
            if note.type == "note":
                self.graces.append(([self._pitch(note, grace=True)], self.unit * length_of(note["length"])))

    def _overlay(self, token: Token) -> None:
        """What follows is played beside this bar, the last few, or all since (&; what follows &) behind them."""
        if token.text.startswith("("):
            self.overlaid = self.time
            return
        bars = [bar.start for bar in self.voice.bars]
        back = token.text.count("&") - 1
        self.bar_end, self.altered = self.end, {}
        if token.text.endswith(")"):
            self.time, self.overlaid = self.end, None
            self._go_to(0)
            return
        self.time = bars[-min(back, len(bars))] if back and bars else self.bar_start
        if self.overlaid is not None:
            self.time = self.overlaid
        self._go_to(self.layer + 1)

    # barlines, endings, jumps

    def _bar(self, token: Token) -> None:
        text = token["bar"].replace(" ", "").lstrip(".")
        if self.layer and self.overlaid is not None and self.time <= self.bar_start:  # a bar that stands already
            self.time = min((each.end for each in self.voice.bars if each.end >= self.time), default=self.time)
            self.altered = {}
            return
        self._end_bar(token.column + 1)
        add, now = self.voice.marks.append, self.time
        colons = max(len(text) // 2, 1) if not text.strip(":") else 0  # "::" is an end and a start
        before, after = re.search(r"(?:^|\])(:+)\|", text), re.search(r"\|(:+)", text)
        if before or colons:
            add(Mark(now, "end", len(before[1]) if before else colons))
        if after or colons:
            add(Mark(now, "start", len(after[1]) if after else colons))
        if "||" in text or text == "[|" or ("|]" in text and "[|]" not in text):  # [|] is a bar line that is not seen
            add(Mark(now, "double"))
        if token["bar_ending"]:
            self._ending(token["bar_ending"])

    def _end_bar(self, column: int) -> None:
        end = self.end
        if end > self.bar_start:
            self.voice.bars.append(Bar(self.bar_start, end, self.meter.bar, self.line, column))
        self._resolve_jumps(end)
        self.time = self.bar_start = self.bar_end = end
        self.altered = {}
        if self.layer and self.overlaid is None:
            self._go_to(0)

    def _go_to(self, layer: int) -> None:
        """Go on in another layer, with what it ties over."""
        self.waiting[self.layer] = self.tied
        self.layer, self.last, self.tied = layer, None, self.waiting.pop(layer, {})

    def _resolve_jumps(self, end: Fraction) -> None:
        for place in self.jumps:
            self.voice.marks[place] = replace(self.voice.marks[place], until=end)
        self.jumps = []

    def _ending(self, text: str) -> None:
        numbers: list[int] = []
        for part in re.split(r"\s*,\s*", text):
            low, _, high = part.partition("-")
            numbers += range(int(low[:3]), min(int(high.strip()[:3] or low[:3]), int(low[:3]) + 20) + 1)
        self.voice.marks.append(Mark(self.time, "ending", numbers=tuple(numbers)))

    def _worded(self, text: str) -> None:
        """An ending named by words: by its numbers where it begins with some."""
        if numbers := re.match(ENDING, text.strip()):
            self._ending(numbers[0])
        else:
            self._quote(text)

    def _letter(self, token: Token) -> None:
        """A decoration of one letter; of these, S and O are segno and coda."""
        if not self._jump({"S": "segno", "O": "coda"}.get(token.text, "")):
            self.decorations.append(token.text)

    def _decoration(self, token: Token) -> None:
        word = (token["word"] or token["plus"]).strip()
        if not self._jump(word):
            self.decorations.append(SPELLINGS.get(word.lower(), word))

    def _jump(self, text: str) -> bool:
        """Note a jump or its goal; whether there is one."""
        for pattern, name in JUMPS:
            match = re.match(pattern, text, re.IGNORECASE)
            if match:
                suffix = re.search(r"al\s*(?:la\s*)?(fine|coda)|(?:&|and|then|e poi)\W*(coda)", text, re.IGNORECASE)
                upto = next((part.lower() for part in suffix.groups() if part), "") if suffix else ""
                self.jumps.append(len(self.voice.marks))
                self.voice.marks.append(Mark(self.time, name, suffix=upto))
                return True
        return False

    def _quote(self, text: str) -> None:
        words = text.lstrip(ANNOTATION).strip()
        if not self._jump(words) and text[:1] not in ANNOTATION:
            self.voice.symbols.append((self.time, words))

    def _open_quote(self, token: Token) -> None:
        self._note_fault('A quotation is not closed; what follows " in its line is passed over.', token)

    def _other(self, token: Token) -> None:
        if token.text.isdigit():
            self._note_fault(f"The number {token.text} stands alone; it is passed over.", token)
        elif token.text in "_=^":
            self._note_fault(f"{token.text} has no note behind it; it is passed over.", token)
        else:
            self._note_fault(f"{token.text!r} is no music; it is passed over.", token)


def _set(changes: list, time: Fraction, value: object) -> None:
    """A change at a time; it replaces one of the same time."""
    if changes and changes[-1][0] == time:
        changes.pop()
    changes.append((time, value))
