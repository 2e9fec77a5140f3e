"""What the sixteen channels of a MIDI file are set to, and when: programs, kits, pedals, and what silences them.

    channels.take(track, place, tick, status, first, rest)     every channel event and sysex of the file, track by track
    channels.settle()                                          they are put in order
    channels.voices(...), channels.ends(...)                   what a channel's notes are played on, how long they sound

A channel is one, whichever tracks its events are in; but a track that sets a program has that program for itself.
Drums are channel 10, what GS and XG sysex make a rhythm part, and a bank of drums (XG 126 and 127, GM2 120).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from engine.core import smf

DRUM_CHANNEL = 9
BANK, MODULATION, VOLUME, EXPRESSION, PEDAL, SOSTENUTO = 0, 1, 7, 11, 64, 66
ALL_SOUND_OFF, RESET, ALL_NOTES_OFF = 120, 121, 123
CONTROLS = {MODULATION: "modulation", 2: "breath", EXPRESSION: "expression"}  # that a wind instrument may follow
_DATA, _NRPN, _RPN_LOW, _RPN_HIGH = 6, (98, 99), 100, 101  # what sets how far a bend goes, as registered parameter 0
_BEND_RANGE = 2.0  # semitones, where nothing sets it
BENDS, VIBRATO, SWELLS = "pitch bends", "vibrato", "changes of expression"  # what `left_out` calls what is followed
_NO_BEND = 0, 64  # low and high byte
_DOWN = 64  # from which value on a pedal is down
_XG_DRUMS, _GM2_DRUMS, _GM2_MELODY = (126, 127), 120, 121
_GS_PART, _XG_PART = b"\x42\x12\x40", b"\x4c\x08"  # in sysex of Roland's and Yamaha's, before which part and what of it


class Channels:
    """The state of all channels over a file. Times are ticks."""

    def __init__(self) -> None:
        self.left_out: dict[str, None] = {}  # what changes the sound and is not kept, in words
        self._volumes: dict[tuple[int, int], int] = {}  # (channel, control) → the last value
        self._events: list[tuple[int, int, int, int, int, bytes]] = []  # tick, track, place, status, first, rest
        self._own: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)  # (place, program), by both
        self._programs: dict[int, list[tuple[int, int]]] = defaultdict(list)  # (tick, program), by channel
        self._rhythm = [channel == DRUM_CHANNEL for channel in range(16)]  # whether drums where no bank says otherwise
        self._drums = {channel: [(-1, drums)] for channel, drums in enumerate(self._rhythm)}  # (tick, whether drums)
        self._pedal: dict[int, list[tuple[int, bool]]] = defaultdict(list)  # (tick, whether down)
        self._sostenuto: dict[int, list[tuple[int, bool]]] = defaultdict(list)  # the same of the middle pedal
        self._controls: dict[int, list[tuple[int, str, float]]] = defaultdict(list)  # (tick, which, value)
        self._parameter: dict[int, tuple[int, int]] = defaultdict(lambda: (127, 127))  # (high, low) that data sets
        self._range: dict[int, float] = defaultdict(lambda: _BEND_RANGE)  # semitones
        self._off: dict[int, list[tuple[int, bool]]] = defaultdict(list)  # (tick, whether the pedal holds no longer)

    def take(self, track: int, place: int, tick: int, status: int, first: int, rest: bytes) -> None:
        """One event; `place` says how many note events its track has before it."""
        if status >> 4 == smf.BEND >> 4 and (first, rest[0]) != _NO_BEND:
            self.left_out[BENDS] = None
        self._events.append((tick, track, place, status, first, rest))

    def settle(self) -> None:
        """Put the events in order and follow them."""
        banks: dict[int, int] = {}
        for tick, track, place, status, first, rest in sorted(self._events, key=lambda event: event[:2]):
            channel = status & 15
            if status == smf.SYSEX:
                self._sysex(rest, tick)
            elif status >> 4 == smf.PROGRAM >> 4:
                self._own[track, channel].append((place, first))
                self._programs[channel].append((tick, first))
                if channel in banks:
                    self._drums[channel].append((tick, self._is_kit(channel, banks[channel])))
            elif status >> 4 == smf.BEND >> 4:
                bend = ((rest[0] << 7) + first) / 8192 - 1
                self._controls[channel].append((tick, "bend", bend * self._range[channel]))
            elif status >> 4 == smf.CONTROL >> 4:
                if first == BANK:
                    banks[channel] = rest[0]
                self._control(channel, first, rest[0], tick)

    def _is_kit(self, channel: int, bank: int) -> bool:
        """Whether a program of this bank is a drum kit."""
        if bank in (*_XG_DRUMS, _GM2_DRUMS):
            return True
        return bank != _GM2_MELODY and self._rhythm[channel]

    def _control(self, channel: int, control: int, value: int, tick: int) -> None:
        if control == MODULATION and value:
            self.left_out[VIBRATO] = None
        if control in (VOLUME, EXPRESSION) and self._volumes.setdefault((channel, control), value) != value:
            self.left_out["changes of volume" if control == VOLUME else SWELLS] = None
        self._follow(channel, control, value, tick)
        if control in (PEDAL, RESET):
            self._pedal[channel].append((tick, control == PEDAL and value >= _DOWN))
        if control in (SOSTENUTO, RESET):
            self._sostenuto[channel].append((tick, control == SOSTENUTO and value >= _DOWN))
        if control == ALL_SOUND_OFF or control >= ALL_NOTES_OFF:
            self._off[channel].append((tick, control == ALL_SOUND_OFF))

    def _follow(self, channel: int, control: int, value: int, tick: int) -> None:
        """What a wind instrument may follow."""
        if control in CONTROLS:
            self._controls[channel].append((tick, CONTROLS[control], value / 127))
        elif control in (_RPN_LOW, _RPN_HIGH):
            high, low = self._parameter[channel]
            self._parameter[channel] = (value, low) if control == _RPN_HIGH else (high, value)
        elif control in _NRPN:
            self._parameter[channel] = 127, 127  # data sets one of the maker's own
        elif control == _DATA and self._parameter[channel] == (0, 0):
            self._range[channel] = float(value)
        elif control == RESET:
            self._controls[channel] += [(tick, "bend", 0.0), (tick, "modulation", 0.0), (tick, "expression", 1.0)]

    def _sysex(self, data: bytes, tick: int) -> None:
        """A part of GS or XG becomes one of rhythm, or of melody."""
        if data[:1] == b"\x41" and data[2:5] == _GS_PART and len(data) > 7 and data[5] >> 4 == 1 and data[6] == 0x15:
            part = data[5] & 15  # 0 is the tenth, which the others are counted around
            self._part(DRUM_CHANNEL if part == 0 else part - (part <= DRUM_CHANNEL), data[7] > 0, tick)
        elif data[:1] == b"\x43" and data[2:4] == _XG_PART[:2] and len(data) > 6 and data[4] < 16 and data[5] == 7:
            self._part(data[4], data[6] > 0, tick)

    def _part(self, channel: int, drums: bool, tick: int) -> None:
        self._rhythm[channel] = drums
        self._drums[channel].append((tick, drums))

    def controls(self, channel: int) -> list[tuple[int, str, float]]:
        """What a channel's controllers are set to, (tick, which, value), ascending: "bend" in semitones, "modulation",
        "breath" and "expression" from 0 to 1. What changes nothing is left out."""
        out, latest = [], {"bend": 0.0, "modulation": 0.0, "expression": 1.0}
        for tick, name, value in self._controls[channel]:
            if latest.get(name) != value:
                out.append((tick, name, value))
                latest[name] = value
        return out

    def voices(self, track: int, channel: int, places: np.ndarray, ticks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(programs int [n], whether drums bool [n]) of notes that are struck at `ticks`, ascending, int [n] both."""
        programs = _latest(self._programs[channel], ticks, 0)
        if own := self._own.get((track, channel)):
            mine = _latest(own, places, -1)
            programs = np.where(mine >= 0, mine, programs)
        return programs, _latest(self._drums[channel], ticks, channel == DRUM_CHANNEL).astype(bool)

    def instruments(self) -> Iterator[tuple[int, int, int, bool]]:
        """What each track sets its channels to in the end: (track, channel, program, whether drums)."""
        for (track, channel), own in self._own.items():
            yield track, channel, own[-1][1], self._drums[channel][-1][1]

    def ends(self, channel: int, struck: np.ndarray) -> np.ndarray:
        """When notes of a channel stop sounding, int [n]; `struck` int [n, 6] as in midi.py, ascending in time."""
        starts, ends, pitches = struck[:, 0], struck[:, 1], struck[:, 3]
        offs = self._off[channel]
        ends = _cut(starts, ends, [tick for tick, _ in offs])
        last = int(ends.max())
        sostenuto, sustain = _held(self._sostenuto[channel], last), _held(self._pedal[channel], last)
        for spans in (sostenuto, sustain):
            if spans:
                downs, ups = np.array(spans).T
                span = np.searchsorted(downs, ends) - 1  # the last that began before
                held = (span >= 0) & ((downs[span] >= starts) | (spans is sustain))  # sostenuto: what sounds already
                ends = np.where(held, np.maximum(ends, ups[span]), ends)
        if sostenuto or sustain:
            ends = _cut(starts, ends, [tick for tick, hard in offs if hard])
            order = np.lexsort((starts, pitches))
            again = pitches[order][1:] == pitches[order][:-1]
            following = np.where(again, starts[order][1:], np.iinfo(np.int64).max)
            ends[order[:-1]] = np.minimum(ends[order[:-1]], np.maximum(following, starts[order][:-1] + 1))
        return ends


def _held(pedal: list[tuple[int, bool]], last: int) -> list[tuple[int, int]]:
    """When a pedal is down: (from, until); one that never comes up until the last note is let go."""
    spans, since = [], None
    for tick, down in pedal:
        if down and since is None:
            since = tick
        elif not down and since is not None:
            spans.append((since, tick))
            since = None
    return spans + ([(since, max(since, last))] if since is not None else [])


def _cut(starts: np.ndarray, ends: np.ndarray, offs: list[int]) -> np.ndarray:
    """The ends of notes, int [n], none after the first of `offs`, ascending, that comes while the note sounds."""
    if not offs:
        return ends
    following = np.append(offs, np.iinfo(np.int64).max)[np.searchsorted(offs, starts, side="right")]
    return np.asarray(np.minimum(ends, following))


def _latest(changes: list[tuple[int, int]] | list[tuple[int, bool]], at: np.ndarray, before: int) -> np.ndarray:
    """The value that holds at each of `at`, int [n]; `before` where there is none yet."""
    if not changes:
        return np.full(len(at), before)
    values = np.array([before, *(value for _, value in changes)])
    return np.asarray(values[np.searchsorted([when for when, _ in changes], at, side="right")])
