"""The grammar of a plain tune as a constraint on the next character.

`Grammar.allowed` lists every character that can follow such that the tune can still be finished whole: every bar
exactly full (a pickup and the bars that it completes included), tuplets complete, both notes of a broken rhythm
there, ties between equal notes, repeats closed, first and second endings of the same length, chords closed, chord
symbols spelled, and as many bars in each section as the form asks for. It is a mask on the model's own probabilities
(Scholak et al. 2021 do the same for SQL), not a generator: what remains is drawn as the model likes it.

The grammar is narrower than ABC: no slurs, decorations or grace notes, triplets only, lengths that are plain or dotted
notes down to a 32nd. Text that a person typed may hold all of these; the grammar goes on from any of it.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.melody.abc.reader import NOTES, WHOLE, Reader, length_ticks
from engine.melody.features import CHORDS
from engine.melody.tokens import ACCIDENTALS, END, FRACTIONS, HARMONIES, OPENERS, following


class Grammar:
    """What may come next in a tune of a given form. Feed it every character of the body, in step with its reader.

    reader: where the tune stands; the grammar reads it and `feed` goes on in it.
    sections: bars of each section, pickups not counted. style: CHORDS asks for chord symbols.
    repeats: for each section whether it is repeated; empty where the model may choose.
    read: what feeds the reader, where that is more than the reader's own `feed`.
    """

    def __init__(
        self,
        reader: Reader,
        sections: tuple[int, ...],
        style: int = 0,
        repeats: tuple[bool, ...] = (),
        read: Callable[[str], object] | None = None,
    ) -> None:
        self.reader, self.sections, self.chord_symbols = reader, sections, style == CHORDS
        self.repeats, self.read = repeats, read or reader.feed
        self.grid = min(WHOLE // 32, reader.unit)
        self.pickup = 0  # ticks; 0 while the first bar is open and where the tune begins on the beat
        self.repeat = "maybe"  # how this section ends: "maybe" with :| , "must", "no"
        self.closing: tuple[str, ...] = ()  # the barlines that can stand where one is being written
        self.after_section = False  # between a section's last barline and the next one's first note
        self.begun = ""  # of the barline being written
        self.tie = ""  # the note that must come next: "c'"
        self.sealed = False  # the last note ends a tie: it has its octave
        self.note = ""  # the last note as written, without its accidental and length
        self.altered: set[str] = set()  # letters with an accidental in this bar
        self.length = ""  # of the first note of a tuplet or of a broken pair
        self.tuplet_rest = 0  # ticks left in the bar where the tuplet began
        self.pair = ""  # "" or "first" (a > was written) or "second" (its second note is being written)
        self.symbols = 0  # chord symbols written
        self.symbol = ""  # the one being written
        self.chord: list[str] = []

    # Where the bar ends

    @property
    def bars(self) -> int:
        """Bars of the present section."""
        return self.sections[min(self.reader.section, len(self.sections) - 1)]

    @property
    def last_section(self) -> bool:
        return self.reader.section >= len(self.sections) - 1

    @property
    def finished(self) -> bool:
        """Is the last barline of the last section written."""
        return self.reader.section >= len(self.sections)

    @property
    def last_bar(self) -> bool:
        return self.reader.section_bar >= self.bars - 1

    @property
    def opening(self) -> bool:
        """Is this the place of a pickup: nothing of the section has been closed yet."""
        reader = self.reader
        return not reader.section_bar and (not reader.bars or reader.bars[-1].section < reader.section)

    @property
    def full(self) -> int:
        """Ticks at which the present bar must end."""
        reader = self.reader
        if self.opening and self.pickup:
            return self.pickup
        return reader.full - (self.pickup if self.last_bar else 0)

    def fits(self, remaining: int) -> bool:
        """Can so many ticks be filled."""
        return remaining >= 0 and remaining % self.grid == 0

    def full_at(self, time: int) -> bool:
        """May a barline stand where the bar has lasted so long."""
        if time == self.full:
            return True
        pickup = not self.reader.bars and not self.reader.section_bar and not self.pickup
        return pickup and 0 < time <= self.reader.full // 2 and time % self.grid == 0

    # What may come

    def allowed(self) -> list[str]:
        """The characters that may follow, sorted; "" is the end of the tune. Never empty."""
        return sorted(self._allowed())

    def _allowed(self) -> set[str]:
        reader = self.reader
        last = reader.last
        if reader.mode == "quote":
            ends = {'"'} if self.symbol in HARMONIES else set()
            return following(HARMONIES, self.symbol) | ends
        if last in ACCIDENTALS:
            return self._letters()
        if reader.bracket:
            return self._in_bracket()
        if reader.paren:
            return {"3"}
        if reader.chord:
            return self._in_chord()
        if self.closing:
            return self._barline()
        if not reader.sounding and (self.pair == "first" or reader.tuplet_left):
            return self._note_start()
        if reader.sounding:
            return self._after_note()
        return self._element(reader.bar_time)

    def _letters(self) -> set[str]:
        if self.tie:
            return {self.tie[0]}
        return set(NOTES) - set(self.chord)

    def _in_bracket(self) -> set[str]:
        """After a [ that begins a chord or, behind a barline, an ending."""
        ending = following(self.closing, self.begun)
        return ending if ending and self.begun[:-1] not in self.closing else ending | set(NOTES) | set(ACCIDENTALS)

    def _note_start(self) -> set[str]:
        if self.tie:
            return {self.tie[0]}
        return set(NOTES) | set(ACCIDENTALS)

    def _in_chord(self) -> set[str]:
        out = self._octaves()
        if len(self.chord) < 4:
            out |= set(NOTES) - set(self.chord) | set(ACCIDENTALS)
        return out | ({"]"} if len(self.chord) >= 2 else set())

    def _octaves(self) -> set[str]:
        last = self.reader.last
        if last not in NOTES or self.sealed:
            return set()
        if self.tie:
            return set(self.tie[len(self.note) :][:1])
        return {","} if last.isupper() else {"'"}

    def _after_note(self) -> set[str]:
        """After a note, a rest or a closed chord: its octave, its length, or what follows."""
        reader = self.reader
        if self.tie and self.note != self.tie:
            return self._octaves()
        out = set() if reader.length else self._octaves()
        if (reader.in_tuplet and not self._first_of_tuplet()) or self.pair == "second":
            lengths = [self.length]
        else:
            lengths = self._lengths()
        out |= following(lengths, reader.length)
        if reader.length not in lengths:
            return out
        if reader.tuplet_left:
            return out | self._note_start()
        if not reader.in_tuplet:
            if not self.pair and self._can_break():
                out |= {">", "<"}
            if self._can_tie():
                out.add("-")
        return out | self._element(reader.bar_time)

    def _first_of_tuplet(self) -> bool:
        return self.reader.tuplet_left == self.reader.tuplet[1] - 1

    def _lengths(self) -> list[str]:
        """The lengths with which the bar can still be filled by the note being written."""
        reader = self.reader
        if reader.in_tuplet:
            base, room = reader.base * reader.tuplet[1], self.tuplet_rest  # of all its notes together
        else:
            base, room = reader.base, self.full - reader.onset
        grid, out = self.grid, []
        for length, (top, bottom) in FRACTIONS.items():
            ticks, rest = divmod(base * top, bottom)
            if not rest and 0 < ticks <= room and (room - ticks) % grid == 0:
                out.append(length)
        return out

    def can_shorten(self) -> bool:
        """Whether a length behind the note being written may still make it fit into its bar."""
        return bool(self.reader.sounding and following(self._lengths(), self.reader.length))

    def _can_break(self) -> bool:
        reader = self.reader
        ticks = reader.bar_time - reader.onset
        return (
            not reader.was_rest
            and reader.length in ("", "2", "/", "/2")
            and ticks // 2 % self.grid == 0
            and self.fits(self.full - reader.bar_time - ticks)
        )

    def _can_tie(self) -> bool:
        reader = self.reader
        if reader.was_rest or reader.last == "]" or not self.note or self.note[0].lower() in self.altered:
            return False
        return reader.bar_time != self.full or not self.last_bar

    def _element(self, time: int) -> set[str]:
        """Where one thing is over and the next can begin, the bar having lasted `time` ticks."""
        reader = self.reader
        last = reader.last
        if self.finished:
            return {END}
        spaced = last in " \n" or (last == '"' and not reader.mode) or reader.count == 0
        out: set[str] = set()
        if reader.slurs:
            out.add(")")
        if not spaced and last not in "><":
            out.add(" ")
        remaining = self.full - time
        if self.full_at(time) and time and last != '"' and not reader.slurs:
            out |= {option[0] for option in self._closings(time)}
        if remaining > 0:
            if self._wants_symbol(time):
                return (out & {" "}) | {'"'} if last != '"' else self._note_start()
            out |= self._sounding(remaining)
        fresh = (self.after_section or reader.count == 0) and not time and last != '"' and not self.tie
        if fresh and self.repeat != "must" and self._asked(0) is not False:
            out.add("|")
        return out

    def _sounding(self, remaining: int) -> set[str]:
        """What begins a note, a rest, a chord or a tuplet of at most so many ticks, or a chord symbol above one."""
        out = self._note_start()
        if not self.tie:
            out |= {"z", "["}
            if self.fits(remaining - 2 * self.grid) and self._triplet_fits(remaining):
                out.add("(")
        if self.chord_symbols and self.reader.last != '"':
            out.add('"')
        return out

    def _wants_symbol(self, time: int) -> bool:
        """Chord symbols were asked for and none has been written by the first full bar."""
        begun = bool(self.reader.bars) or self.reader.section_bar > 0
        return self.chord_symbols and not self.symbols and begun and time == 0

    def _triplet_fits(self, remaining: int) -> bool:
        return any(self.fits(remaining - length_ticks(2 * self.reader.unit, s)) for s in ("", "2", "/", "/2"))

    def _closings(self, time: int) -> tuple[str, ...]:
        """The barlines that may stand at the end of this bar."""
        if (self.opening and time < self.reader.full) or not self.last_bar:
            return ("|", "|1", "|[1") if self._ending_may_begin() else ("|",)
        if self.reader.ending == 1:
            return (":|2", ":|[2")
        second = self.reader.ending >= 2
        asked, after = self._asked(0), self._asked(1)
        repeated: tuple[str, ...] = () if second or self.repeat == "no" or asked is False else (":|",)
        plain: tuple[str, ...] = () if not second and (self.repeat == "must" or asked) and repeated else ("||", "|]")
        if self.last_section:
            return repeated + plain
        if repeated and after is not False:
            repeated += (":||:", ":|:")
            if self.reader.last not in NOTES:  # music21 takes "A::" for a field of a header
                repeated += ("::",)
        if plain and after is not False:
            plain = ("|:", "||:") if after else (*plain, "|:", "||:")
        return repeated + plain

    def _asked(self, ahead: int) -> bool | None:
        """Whether this section, or the one so many ahead, shall be repeated; None where that is open."""
        at = self.reader.section + ahead
        return self.repeats[at] if at < len(self.repeats) else None

    def _ending_may_begin(self) -> bool:
        """May the next bar begin a first ending: the last two bars of a section that can be repeated."""
        if self.repeat == "no" or self.reader.ending or self.tie or self._asked(0) is False:
            return False
        left = self.bars - self.reader.section_bar - 1
        return left in (1, 2) and self.reader.section_bar >= 1

    def _barline(self) -> set[str]:
        """Inside or after a barline."""
        out = following(self.closing, self.begun)
        if out and self.begun not in self.closing:
            return out
        if self.finished:
            return out | {END}
        return out | {"\n"} | (self._element(self.reader.bar_time) - {"|"})

    def preferred(self, allowed: list[str]) -> list[str]:
        """Those of the allowed characters with which the tune can end on its tonic; all of them before its last bar."""
        reader = self.reader
        if not (self.last_section and self.last_bar) or self.finished or reader.ending == 1 or reader.mode:
            return allowed
        tonic = "CDEFGAB"[reader.tonic]
        home = self.note[:1].upper() == tonic and self.note[:1].lower() not in self.altered
        remaining = self.full - reader.bar_time
        if 0 < remaining <= reader.unit:  # one note more is the last
            away = [c for c in allowed if c.upper() == tonic or (c not in NOTES and c not in "^_=z[(")]
        elif reader.sounding and not home:  # this note must not be the last
            away = [c for c in allowed if not c.isdigit() or not self._fills(c)]
            if remaining == 0:
                away = [c for c in away if c in "/<>,'"]
        else:
            away = allowed
        return away or allowed

    def _fills(self, digit: str) -> bool:
        reader = self.reader
        return reader.onset + length_ticks(reader.base, reader.length + digit) == self.full

    # Going on

    def feed(self, char: str) -> None:
        """The next character, allowed or typed by a person; the reader is fed too."""
        reader = self.reader
        writing = bool(self.closing) and bool(following(self.closing, self.begun) & {char})
        if not reader.mode and not reader.tuplet_text and (char in "|:" or (writing and char in "[]12")):
            self._feed_bar(char)
            return
        self.closing, self.begun = (), ""
        if reader.mode == "quote":
            self.symbol += char
            self.symbols += char == '"'
        elif char == '"':
            self.symbol = ""
        elif not reader.mode:
            self._feed_note(char)
        self.read(char)

    def _feed_bar(self, char: str) -> None:
        reader = self.reader
        if not self.closing:
            opener = (self.after_section or not reader.count) and not reader.bar_time
            self.closing = OPENERS if opener else self._closings(reader.bar_time)
            if not self.pickup and not reader.bars and 0 < reader.bar_time < reader.full:
                self.pickup = reader.bar_time
            self.altered.clear()
            self.pair = self.length = ""
        before = reader.section
        self.begun += char
        self.read(char)
        if reader.section > before:
            self.after_section, self.repeat = True, "maybe"
        if char == "1":
            self.repeat = "must"
        elif char == "2":
            self.after_section, self.repeat = False, "no"
        elif self.begun.endswith(":") and len(self.begun) > 1:
            self.after_section, self.repeat = False, "must"
        elif self.begun in ("||", "|]"):
            self.repeat = "no"

    def _feed_note(self, char: str) -> None:
        reader = self.reader
        if char in NOTES or char in "zx":
            self._begin_note(char)
        elif char in ",'":
            self.note += char
        elif char in "><":
            self.length, self.pair = reader.length, "first"
        elif char == "-":
            self.tie, self.note = self.note, ""
            return
        elif char == "]":
            self.chord = []
        if self.tie and self.note == self.tie:
            self.tie, self.sealed = "", True

    def _begin_note(self, char: str) -> None:
        """A note letter or a rest."""
        reader = self.reader
        if reader.in_tuplet and reader.tuplet_left and self._first_of_tuplet():
            self.length = reader.length
        elif reader.tuplet_left == reader.tuplet[1]:
            self.tuplet_rest = self.full - reader.bar_time
        if reader.bracket:
            self.chord = []
        if reader.bracket or reader.chord:
            self.chord.append(char)
        if reader.last in ACCIDENTALS:
            self.altered.add(char.lower())
        self.pair = "second" if self.pair == "first" else ""
        self.after_section = self.sealed = False
        self.note = char if char in NOTES else ""
        if not self.tie.startswith(char):
            self.tie = ""
