"""A tune as music21 writes it: parts, measures, notes, words and signs, made from what was read (abc/reading.py).

music21 is the library of notation here, never the reader of ABC: its own reads other notes than the standard in many
tunes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from functools import lru_cache
from typing import Any

from music21 import (
    articulations,
    bar,
    chord,
    clef,
    duration,
    dynamics,
    expressions,
    harmony,
    interval,
    key,
    metadata,
    meter,
    note,
    pitch,
    repeat,
    spanner,
    stream,
    tempo,
    tie,
)
from music21.stream import makeNotation

from engine.core.chords import SILENCE, chord_of
from engine.melody.abc.events import Bar, Event, Mark, Pitch, Voice
from engine.melody.abc.fields import Key, Meter, Tempo
from engine.melody.abc.reading import Reading
from engine.melody.abc.repeats import returns, upto

SIGNS = {
    ".": articulations.Staccato, "staccato": articulations.Staccato, "L": articulations.Accent,
    ">": articulations.Accent, "accent": articulations.Accent, "emphasis": articulations.Accent,
    "tenuto": articulations.Tenuto, "marcato": articulations.StrongAccent, "u": articulations.UpBow,
    "upbow": articulations.UpBow, "v": articulations.DownBow, "downbow": articulations.DownBow,
    "snap": articulations.SnapPizzicato, "breath": articulations.BreathMark, "H": expressions.Fermata,
    "fermata": expressions.Fermata, "invertedfermata": expressions.Fermata, "T": expressions.Trill,
    "trill": expressions.Trill, "M": expressions.Mordent, "lowermordent": expressions.Mordent,
    "mordent": expressions.Mordent, "P": expressions.InvertedMordent, "uppermordent": expressions.InvertedMordent,
    "pralltriller": expressions.InvertedMordent, "turn": expressions.Turn, "~": expressions.Turn,
    "roll": expressions.Turn, "invertedturn": expressions.InvertedTurn,
}  # fmt: skip
DYNAMICS = ("pppp", "ppp", "pp", "p", "mp", "mf", "f", "ff", "fff", "ffff", "sfz", "fp")
JUMPS = {
    ("da capo", ""): repeat.DaCapo, ("da capo", "fine"): repeat.DaCapoAlFine, ("da capo", "coda"): repeat.DaCapoAlCoda,
    ("dal segno", ""): repeat.DalSegno, ("dal segno", "fine"): repeat.DalSegnoAlFine,
    ("dal segno", "coda"): repeat.DalSegnoAlCoda, ("segno", ""): repeat.Segno, ("fine", ""): repeat.Fine,
    ("coda", ""): repeat.Coda, ("to coda", ""): repeat.Coda,
}  # fmt: skip
CLEFS = {"treble": clef.TrebleClef, "bass": clef.BassClef, "alto": clef.AltoClef, "tenor": clef.TenorClef,
         "soprano": clef.SopranoClef, "mezzosoprano": clef.MezzoSopranoClef, "baritone": clef.CBaritoneClef,
         "perc": clef.PercussionClef, "percussion": clef.PercussionClef}  # fmt: skip


def score_of(reading: Reading) -> stream.Score:
    """The written tune, repeats as signs."""
    score = stream.Score()
    score.insert(0, metadata.Metadata(title=reading.title or "Untitled", movementName=reading.title or "Untitled"))
    most = max(len(voice.bars) for voice in reading.voices)
    for voice in reading.voices:
        part = _Part(voice, reading).made()
        part.partName = voice.label or (f"Voice {voice.name}" if len(reading.voices) > 1 else "")
        for missing in range(len(voice.bars), most):  # every part has as many bars
            part.append(stream.Measure([note.Rest(float(reading.voices[0].bars[missing].full) or 4.0)]))
        score.insert(0, part)
    return score


def notate(score: stream.Score) -> None:
    """Accidentals, split lengths, beams and tuplets, in place. What music21 does by itself also carries what a bar has
    beyond its meter into the next; but bars are as they were written."""
    for part in score.parts:
        # music21 would have the notes of a chord symbol heard before those of the tune, and warn of each other one.
        symbols = [(each, each.activeSite, each.offset) for each in part[harmony.Harmony]]
        for each, site, _ in symbols:
            site.remove(each)
        makeNotation.makeAccidentalsInMeasureStream(part)
        for each, site, offset in symbols:
            site.insert(offset, each)
        for measure in part.getElementsByClass(stream.Measure):
            measure.splitAtDurations(recurse=True)
        makeNotation.makeBeams(part, inPlace=True)
        for measure in part.getElementsByClass(stream.Measure):
            for voice in measure.voices or [measure]:
                makeNotation.makeTupletBrackets(voice, inPlace=True)


class _Part:
    """One voice as a part."""

    def __init__(self, voice: Voice, reading: Reading) -> None:
        self.voice = voice
        first = voice is reading.voices[0]  # above whose staff stands what concerns all
        self.tempi, self.parts = (reading.tempi, reading.parts) if first else ([], [])
        self.ties = _ties(voice)
        self.returns = returns(voice.marks, voice.length) - {Fraction(0)}
        self.measures: list[stream.Measure] = []

    def made(self) -> stream.Part:
        """The part, measure by measure."""
        part = stream.Part()
        number = int(not _upbeat(self.voice.bars))
        for each in self.voice.bars:
            measure = self._measure(each, number)
            part.append(measure)
            self.measures.append(measure)
            number += 1
        for bracket in self._endings():
            part.insert(0, bracket)
        return part

    def _measure(self, each: Bar, number: int) -> stream.Measure:
        measure = stream.Measure(number=number)
        if number == 0:
            measure.paddingLeft = float(each.full - (each.end - each.start))
        for place, thing in [*self._attributes(each), *self._texts(each)]:
            measure.insert(place, thing)
        layers: dict[int, list[Event]] = {}
        for event in self.voice.events:
            if each.start <= event.onset < each.end and event.beats:
                layers.setdefault(event.layer, []).append(event)
        for layer, events in layers.items():
            target = measure if len(layers) == 1 else stream.Voice(id=str(layer + 1))
            for event in events:
                for thing in self._written(event):
                    target.insert(event.onset - each.start, thing)
            if target is not measure:
                measure.insert(0, target)
        self._barlines(measure, each)
        return measure

    def _attributes(self, each: Bar) -> Iterator[tuple[Fraction, Any]]:
        """Keys, meters and clefs of a bar, with their place in it."""
        voice, inside = self.voice, _inside(each)
        for (time, signature), (_, before) in zip(voice.keys, [(Fraction(0), None), *voice.keys]):
            if inside(time):
                yield time - each.start, key_signature(signature)
                if before is None:
                    yield Fraction(0), _clef(voice.clef or signature.clef, signature.shift + voice.shift)
                elif signature.clef != before.clef:
                    yield time - each.start, _clef(signature.clef, signature.shift + voice.shift)
        for time, measured in voice.meters:
            if inside(time) and measured.beats:
                yield time - each.start, time_signature(measured)

    def _texts(self, each: Bar) -> Iterator[tuple[Fraction, Any]]:
        """Tempi, parts, chord symbols and jumps of a bar, with their place in it."""
        inside = _inside(each)
        for time, mark in self.tempi:
            if inside(time):
                yield time - each.start, tempo_mark(mark)
        for time, letter in self.parts:
            if inside(time):
                yield time - each.start, expressions.RehearsalMark(letter)
        for time, text in self.voice.symbols:
            if inside(time):
                yield time - each.start, symbol(text)
        codas, ends = [mark for mark in self.voice.marks if mark.name == "coda"], {each.end for each in self.voice.bars}
        leave = codas[0] if len(codas) > 1 else None  # which programs take to leave after its bar
        for jump in self.voice.marks:
            leads = jump.name in ("da capo", "dal segno")
            sign = JUMPS.get((jump.name, upto(jump, self.voice.marks) if leads else ""))
            if sign and (jump.time if jump is leave and jump.time in ends else jump.until) == each.end:
                yield min(jump.time, each.end) - each.start, sign()

    def _written(self, event: Event) -> Iterator[Any]:
        """Grace notes, then the note, chord or rest itself."""
        for pitches, beats in event.graces:
            yield _sounding(pitches, event.shift, beats).getGrace()
        if not event.pitches:
            rest = note.Rest(quarterLength=event.beats)
            rest.fullMeasure = False  # a bar's length is what stands in it, not what the meter asks
            rest.style.hideObjectOnPrint = event.hidden
            yield rest
            return
        written = _sounding(event.pitches, event.shift, event.beats)
        for place, sign in self.ties.get(id(event), {}).items():
            notes = written.notes if isinstance(written, chord.Chord) else [written]
            notes[place].tie = tie.Tie(sign)
        for verse, text in enumerate(event.words, 1):
            if text:
                written.addLyric(text.strip("_") or None, verse)
        for name in event.decorations:
            yield from _decorated(written, name)
        yield written

    def _barlines(self, measure: stream.Measure, each: Bar) -> None:
        at = {(mark.name, mark.time): mark for mark in self.voice.marks}
        if ("start", each.start) in at or each.start in self.returns:
            measure.leftBarline = bar.Repeat("start")
        end: Mark | None = at.get(("end", each.end))
        if end:
            measure.rightBarline = bar.Repeat("end", times=end.count + 1 if end.count > 1 else None)
        elif each.end == self.voice.length:
            measure.rightBarline = bar.Barline("final")
        elif ("double", each.end) in at:
            measure.rightBarline = bar.Barline("double")

    def _endings(self) -> Iterator[spanner.RepeatBracket]:
        """A bracket over the measures of each ending."""
        bars, marks, bracketed = self.voice.bars, self.voice.marks, set[int]()
        stops = [mark.time for mark in marks if mark.name in ("end", "ending", "double", "start")]
        for mark in marks:
            if mark.name == "ending":
                stop = min([time for time in stops if time > mark.time], default=self.voice.length)
                inside = [m for m, each in zip(self.measures, bars) if mark.time <= each.start and each.end <= stop]
                if inside and not set(map(id, inside)) & bracketed:  # music21 has one bracket over a measure
                    bracketed |= set(map(id, inside))
                    yield spanner.RepeatBracket(inside, number=list(mark.numbers))


def _inside(each: Bar) -> Any:
    return lambda time: each.start <= time < each.end


def _upbeat(bars: list[Bar]) -> bool:
    return bool(bars) and bars[0].end - bars[0].start < bars[0].full


def _ties(voice: Voice) -> dict[int, dict[int, str]]:
    """For events by id: which of their notes begin, go on or end a tie."""
    out: dict[int, dict[int, str]] = {}
    last: dict[int, Event] = {}
    for event in voice.events:
        before = last.get(event.layer)
        held = before.tied if before else set()
        signs: dict[int, str] = {}
        for place, each in enumerate(event.pitches):
            arrives = (each.letter, each.octave) in held
            leaves = (each.letter, each.octave) in event.tied
            if arrives or leaves:
                signs[place] = "continue" if arrives and leaves else "start" if leaves else "stop"
        out[id(event)] = signs
        last[event.layer] = event
    return out


def _sounding(pitches: list[Pitch], shift: int, beats: Fraction) -> Any:
    """A note or a chord of what sounds."""
    notes = []
    for each in dict.fromkeys(pitches):
        sounding = pitch.Pitch(step=each.letter, octave=each.octave, accidental=each.alter or None)
        notes.append(sounding.transpose(interval.Interval(shift)) if shift else sounding)
    if len(notes) == 1:
        return note.Note(notes[0], quarterLength=beats)
    return chord.Chord(notes, quarterLength=beats)


def _decorated(written: Any, name: str) -> Iterator[Any]:
    """A decoration on its note, or beside it what stands beside it."""
    sign = SIGNS.get(name)
    if sign and issubclass(sign, articulations.Articulation):
        written.articulations.append(sign())
    elif sign:
        written.expressions.append(sign())
    elif name in DYNAMICS:
        yield dynamics.Dynamic(name)
    elif name in ("0", "1", "2", "3", "4", "5"):
        written.articulations.append(articulations.Fingering(int(name)))
    elif len(name) > 1:
        yield expressions.TextExpression(name)


def key_signature(signature: Key) -> key.KeySignature:
    """As printed: so many sharps or flats, or the accidentals that were asked for one by one."""
    out = key.KeySignature(signature.fifths)
    altered = dict(signature.altered)
    if altered != {p.step: int(p.accidental.alter) for p in out.alteredPitches if p.accidental}:
        out = key.KeySignature(None)
        out.alteredPitches = [pitch.Pitch(step=k, accidental=v) for k, v in altered.items()]
        return out
    return out.asKey("minor") if signature.name.endswith("m") else out


def time_signature(measured: Meter) -> meter.TimeSignature:
    """As printed: 2+3/8, C, 6/8."""
    out = meter.TimeSignature(f"{measured.beats}/{measured.value}")
    if measured.symbol:
        out.symbol = "common" if measured.symbol == "C" else "cut"
    return out


def tempo_mark(mark: Tempo) -> Any:
    """Words, a metronome's number, or both."""
    if not mark.quarters:
        return tempo.TempoText(mark.words)
    beat = duration.Duration(mark.beat)
    if beat.type == "complex":  # no one note lasts as long
        return tempo.MetronomeMark(mark.words or None, round(mark.quarters, 2))
    number = round(mark.quarters / float(mark.beat), 2)
    return tempo.MetronomeMark(mark.words or None, number, beat)


def symbol(text: str) -> Any:
    """A chord symbol as it is written, or words above the staff."""
    if SILENCE.fullmatch(text):
        return harmony.NoChord(text)
    named = chord_of(text)
    if not named:
        return expressions.TextExpression(text)
    text = text.removeprefix("(").removesuffix(")") if text[0] == "(" else text
    root, *bass = map(_spelled, re.findall(r"(?:^|/)([A-Ga-g][#b♯♭]?)", text))
    suffix = re.sub(r"/[A-Ga-g].*", "", text[len(root) :])
    if quality := _qualities().get(named.notes):
        made = harmony.ChordSymbol(root=root, bass=bass[0] if bass else None, kind=quality)
        made.chordKindStr = suffix
        return made
    with suppress(Exception):  # what else music21 knows; it raises anything for the rest
        made = harmony.ChordSymbol(root + suffix + "".join(f"/{each}" for each in bass))
        if {(each - named.root) % 12 for each in made.pitchClasses} == named.notes:
            return made
    return expressions.TextExpression(text)


@lru_cache(maxsize=1)
def _qualities() -> dict[frozenset[int], str]:
    """music21's name of the chord of these semitones above a root."""
    return {frozenset(harmony.ChordSymbol(root="C", kind=each).pitchClasses): each
            for each in reversed(harmony.CHORD_TYPES)}  # fmt: skip


def _spelled(name: str) -> str:
    """A note's name as music21 has it."""
    return name[0].upper() + name[1:].replace("♯", "#").replace("b", "-").replace("♭", "-")


def _clef(name: str, shift: int) -> clef.Clef:
    base = name.rstrip("0123456789")
    if base in ("", "treble") and shift == -12:
        return clef.Treble8vbClef()
    if base == "bass" and shift == -12:
        return clef.Bass8vbClef()
    return CLEFS.get(base, clef.TrebleClef)()
