"""One jam in the making: what was asked for, how far it has sounded, and the bars that are ahead of that.

    session = Session(model, request)
    session.write()                      the next bar that is wanted, as JSON; None while enough are ahead
    session.sounds(3)                    bar 3 has begun to sound
    session.change({"tempo": 140}, 5)    acts from bar 5 on; what was written of it and after is written again
    session.hear(4, [[0.5, 1, 72, 90, 0]])     what a person played in bar 4: it is answered, and may be followed
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine import RequestError, jam, player
from engine.core.song import Note
from engine.jam import following
from engine.jam.changes import changed, cue_of, placed
from engine.jam.generate import played
from engine.jam.musician import Bar, Musician
from engine.jam.trading import FOURS, MOST_NOTES, Own, note_of, tracks_of

AHEAD = 3  # bars written beyond the one that sounds: the next, and two in stock
STEPS = 16  # that are remembered
SOONEST = 1e-3  # of a bar that sounds, at which something may change: its line is past


class Session:
    """Safe for two threads: one that writes, one that listens."""

    def __init__(self, model: player.Model, request: jam.Request) -> None:
        self.request = request
        self._musician = Musician(model, request.seed, request.meter)
        self._steps = [request.steps[0]]
        self._sounding = self._most = 0  # the bar that sounds, and the last that was ever written
        self._own: deque[tuple[int, list[tuple[int, Note]]]] = deque(maxlen=2 * FOURS)  # bar, (program, note)
        self._led: dict[str, Any] | None = None  # what holds while nobody plays, where the band follows
        self._last: int | None = None  # the ending's bar, once it is written
        self._leads_on: dict[int, bool] = {}
        self._lock = threading.Lock()

    def write(self) -> dict[str, Any] | None:
        """The next bar, or None where enough are ahead or the jam has ended."""
        with self._lock:
            number = self._musician.number + 1
            if number > self._sounding + AHEAD or (self._last is not None and number > self._last):
                return None
            cue = cue_of(self._steps, number)
            heard = self._own[-1][0] if self._own else 0
            if cue.turn == "answer" and heard < number - FOURS and number > self._sounding + 1:
                return None  # what it answers is still awaited
            last = cue.end and self._leads_on.get(number - 1, False)
            bar = played(self._musician, cue, self._yours(), last=last)
            self._most = max(self._most, number)
            self._leads_on[number] = bar.leads_on
            self._leads_on.pop(number - 16, None)
            self._last = number if last else None
            return {**said(bar), "last": last, "turn": cue.turn}

    def sounds(self, number: int) -> None:
        """A bar has begun to sound."""
        with self._lock:
            self._sounding = max(self._sounding, min(number, self._most))

    def change(self, change: Mapping[str, Any], bar: float) -> float:
        """Other settings from a bar on, or the first that does not sound yet; a chord that is held from a half bar on,
        or the middle of the one that sounds; a tempo from any part of one on. Which that is. RequestError where they
        are none."""
        with self._lock:
            if self._led is not None:
                self._led |= {name: change[name] for name in self._led if name in change}
            return self._changed(change, bar)

    def _changed(self, change: Mapping[str, Any], bar: float) -> float:
        own_tempo = set(change) == {"tempo"}
        bar = placed(max(bar, self._sounding + SOONEST, 1, 0 if own_tempo else self._steps[-1].bar), change)
        now = next(step for step in reversed(self._steps) if step.bar <= bar)
        step = changed(replace(now, bar=bar), change, jam.Request.learned()["genre"])
        before = [each for each in self._steps if each.bar < bar]
        later = [replace(each, settings=replace(each.settings, tempo=step.settings.tempo))
                 for each in self._steps if each.bar > bar]  # fmt: skip
        self._steps = [*before[-STEPS:], step, *later]
        self._musician.back_to(int(bar))
        if self._last is not None and bar <= self._last:
            self._last = None
        return bar

    def follow(self, follows: bool) -> list[tuple[dict[str, Any], float]]:
        """Whether busyness and loudness come from what a person plays; what changes therefore, and from which bar."""
        with self._lock:
            now = self._steps[-1]
            led, self._led = self._led, {"density": now.settings.density, "loudness": now.loudness} if follows else None
            return self._followed(led) if led and not follows else []

    def hear(self, bar: int, notes: Sequence[Any]) -> list[tuple[dict[str, Any], float]]:
        """What a person played in a bar, each note as [onset, duration, pitch, velocity, program] in quarter notes from
        its line; what changes therefore. RequestError where they are none."""
        begin = (bar - 1) * self._musician.beats
        own = [(program, replace(note, onset=begin + note.onset)) for program, note in map(note_of, notes[:MOST_NOTES])]
        with self._lock:
            if not self._sounding - FOURS <= bar <= self._sounding or any(number == bar for number, _ in self._own):
                raise RequestError(f"Bar {bar} is not one that has just been played.")
            self._own.append((bar, own))
            if self._led is None:
                return []
            last = [note for number, notes in self._own for _, note in notes if number > bar - following.BARS]
            return self._followed(following.settings(last, self._musician.beats) or self._led)

    def _followed(self, wanted: Mapping[str, Any]) -> list[tuple[dict[str, Any], float]]:
        """Change to these settings, where they are others."""
        now = self._steps[-1]
        before = {"density": now.settings.density, "loudness": now.loudness}
        change = {name: value for name, value in wanted.items() if before[name] != value}
        return [(change, self._changed(change, self._sounding + 1))] if change else []

    def _yours(self) -> Own:
        """What was played of late."""
        return Own(tuple(tracks_of(each for _, notes in self._own for each in notes)))


def said(bar: Bar) -> dict[str, Any]:
    """A bar as JSON: each track's notes as [onset, duration, pitch, velocity], and where its tempo becomes another as
    [onset, tempo], in beats from its bar line."""
    tracks = [
        {"name": track.name, "program": track.program, "drum": track.is_drum,
         "notes": [[round(n.onset, 4), round(n.duration, 4), n.pitch, n.velocity] for n in track.notes]}
        for track in bar.tracks
    ]  # fmt: skip
    return {"bar": bar.number, "section": bar.section, "leadsOn": bar.leads_on, "chords": list(bar.chords),
            "key": bar.key, "tempo": bar.tempo, "turns": bar.turns, "beats": bar.beats,
            "tracks": tracks}  # fmt: skip
