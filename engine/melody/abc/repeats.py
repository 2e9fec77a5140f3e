"""The order in which what is written is played: repeats, endings, parts, da capo, dal segno, fine and coda.

A sign :| leads back to the last |: or the end of the repeat before, else to the beginning; a :| that closes an ending
only ends it. Endings are played in the order of their numbers. After a jump repeats are not taken again, and of endings
the last is played, and what comes after a jump that names no end is played then, as notation programs do. ABC standard
2.1, sections 4.8 to 4.10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from engine.melody.abc.events import Mark, Voice
from engine.melody.abc.reading import Reading

Stretch = tuple[Fraction, Fraction]  # start and end, in quarter notes as written
MOST = 2000  # stretches of a tune; what is more is no music


@dataclass
class _Section:
    """What a repeat sign leads back over: a body, then endings."""

    start: Fraction
    passes: int = 1
    body_end: Fraction | None = None  # where its first ending begins
    endings: list[tuple[tuple[int, ...], Fraction, Fraction]] = field(default_factory=list)
    numbers: tuple[int, ...] = ()  # of the ending that is open
    ending_start: Fraction = Fraction(0)

    def close(self, time: Fraction) -> int:
        """End the ending that is open; returns its last number, 0 where none is open."""
        numbers, self.numbers = self.numbers, ()
        if numbers and time > self.ending_start:
            self.endings.append((numbers, self.ending_start, time))
        return max(numbers, default=0)

    def played(self, end: Fraction, *, once: bool) -> list[Stretch]:
        """Its stretches, up to `end`. once: without repeats, the last ending alone."""
        if self.body_end is None:
            return [(self.start, end)] * (1 if once else self.passes)
        body = (self.start, self.body_end)
        most = max([self.passes, *(max(numbers) for numbers, _, _ in self.endings)])
        out: list[Stretch] = []
        for number in range(most if once else 1, most + 1):
            out += [body, *((a, b) for numbers, a, b in self.endings if number in numbers)]
        return out


def unfolded(marks: Sequence[Mark], start: Fraction, end: Fraction, *, once: bool = False) -> list[Stretch]:
    """The stretches from `start` to `end` in the order in which they are played. once: repeats are not taken."""
    unfolder, inside = _followed(marks, start, end, once)
    ends = {mark.time for mark in inside if mark.name == "end"}
    out: list[Stretch] = []
    for a, b in unfolder.out[:MOST]:
        if out and out[-1][1] == a and a not in ends:  # no sign parts them
            out[-1] = (out[-1][0], b)
        elif b > a:
            out.append((a, b))
    return out


def returns(marks: Sequence[Mark], end: Fraction) -> set[Fraction]:
    """Where repeats lead back to, whether a sign says so or not."""
    return _followed(marks, Fraction(0), end, False)[0].returns


def _followed(marks: Sequence[Mark], start: Fraction, end: Fraction, once: bool) -> tuple[_Unfolder, list[Mark]]:
    """What has read the marks from `start` to `end`, and these."""
    unfolder = _Unfolder(start, once)
    inside = [mark for mark in marks if start <= mark.time <= end]
    for i, mark in enumerate(inside):
        ending_next = any(after.name == "ending" and after.time == mark.time for after in inside[i + 1 :])
        unfolder.mark(mark, ending_next)
    unfolder.section.close(end)
    unfolder.play(end)
    return unfolder, inside


class _Unfolder:
    """Marks in, stretches out."""

    def __init__(self, start: Fraction, once: bool) -> None:
        self.section, self.once, self.out = _Section(start), once, list[Stretch]()
        self.asked = 1  # how often the last |: asks to go back
        self.opened = False  # whether a |: waits for its :|
        self.returns: set[Fraction] = set()  # where sections begin that are played more than once

    def play(self, end: Fraction) -> None:
        """The section ends here; another begins."""
        stretches = self.section.played(end, once=self.once)
        self.returns.update(self.section.start for start, _ in stretches[1:] if start == self.section.start)
        self.out += stretches
        self.section, self.asked, self.opened = _Section(end), 1, False

    def mark(self, mark: Mark, ending_next: bool) -> None:
        """One mark; `ending_next`: an ending begins at the same time."""
        section, now = self.section, mark.time
        if mark.name == "ending":
            self._ending(mark)
        elif mark.name == "end":
            last = section.close(now)
            if last <= 1 or mark.count > 1:
                section.passes = max(section.passes, mark.count + 1, self.asked + 1)
            if not ending_next:
                self.play(now)
        elif mark.name == "double" and (section.numbers or not self.opened):
            section.close(now)
            if not ending_next:
                self.play(now)
        elif mark.name == "start":
            section.close(now)
            self.play(now)
            self.asked, self.opened = mark.count, True

    def _ending(self, mark: Mark) -> None:
        section, now = self.section, mark.time
        used = [*section.numbers, *(number for numbers, _, _ in section.endings for number in numbers)]
        if used and min(mark.numbers) <= max(used) and section.endings:  # the next section's: the last ending is as
            first = section.endings[0]  # long as the first
            cut = section.ending_start + first[2] - first[1]
            if section.numbers and cut < now:
                section.close(cut)
                self.play(cut)
                section = self.section
        if section.body_end is None:
            section.body_end = now
        section.close(now)
        section.numbers, section.ending_start = mark.numbers, now


def played(reading: Reading, voice: Voice) -> list[Stretch]:
    """The stretches of a voice in the order in which they are played."""
    first = reading.voices[0]
    marks = voice.marks
    if not any(mark.name in ("start", "end", "ending") for mark in marks) and voice.length == first.length:
        marks = first.marks  # repeats are often written in one voice for all
    starts = dict(reversed([(letter, time) for time, letter in reading.parts]))
    if reading.order and any(letter in starts for letter in reading.order):
        times = sorted([*starts.values(), voice.length])
        out = unfolded(marks, Fraction(0), min(times[0], voice.length))  # what stands before all parts
        for letter in reading.order:
            if letter in starts:
                end = next((time for time in times if time > starts[letter]), voice.length)
                out += unfolded(marks, starts[letter], min(end, voice.length))
        return out[:MOST]
    return _jumped(marks, next((v.marks for v in reading.voices if _jump(v.marks)), []), voice.length)


def _jump(marks: Sequence[Mark]) -> Mark | None:
    return next((mark for mark in reversed(marks) if mark.name in ("da capo", "dal segno")), None)


def upto(jump: Mark, signs: Sequence[Mark]) -> str:
    """Up to which sign a da capo or dal segno plays: "fine" or "coda", "" for all of it."""
    names = [mark.name for mark in signs]
    goes = "coda" in names and ("to coda" in names or names.count("coda") > 1)
    if goes and jump.suffix != "fine" and (jump.suffix == "coda" or "fine" not in names):
        return "coda"
    return "fine" if "fine" in names else ""


def _jumped(marks: Sequence[Mark], signs: Sequence[Mark], length: Fraction) -> list[Stretch]:
    """All stretches, and after a da capo or dal segno those that it leads to: up to the fine or the coda, else all."""
    jump = _jump(signs)
    if jump is None:
        return unfolded(marks, Fraction(0), length)
    out = unfolded(marks, Fraction(0), min(jump.until, length))
    segno = next((mark.time for mark in signs if mark.name == "segno"), Fraction(0))
    begin = segno if jump.name == "dal segno" else Fraction(0)
    fine = next((mark.until for mark in signs if mark.name == "fine"), None)
    codas = [mark for mark in signs if mark.name == "coda"]
    leave = [mark for mark in signs if mark.name == "to coda"] or codas[:-1]
    if upto(jump, signs) == "coda":
        out += unfolded(marks, begin, leave[0].until if leave[0].name == "to coda" else leave[0].time, once=True)
        return out + unfolded(marks, codas[-1].time, length)
    return out + unfolded(marks, begin, length if fine is None else min(fine, length), once=True)
