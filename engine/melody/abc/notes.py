"""ABC to sound: what a tune's text says, as notes in time, and the Song that plays it.

`parse` takes a tune out of a text as a person brings it, `reading_of` says what it means (reading.py), `song` plays it,
repeats unfolded (repeats.py). Scores (MusicXML, SVG) are in engine/melody/score.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import TypeVar

from engine import RequestError
from engine.core.chords import CHORD_SYMBOLS
from engine.core.midi import MAX_BEATS, MAX_BYTES
from engine.core.reading import is_song, song_of
from engine.core.request import File
from engine.core.song import GRACE, Note, Song, Track, moved_key
from engine.core.upload import content_of
from engine.melody.abc.canonical import Tune, encoding_of, read_tunes
from engine.melody.abc.events import Bar, Event, Voice
from engine.melody.abc.fields import Meter
from engine.melody.abc.reading import Misread, Reading, Remark, book, read, text_of
from engine.melody.abc.repeats import played
from engine.melody.abc.symbols import chord_pitches, is_symbol

__all__ = [
    "Misread", "encoded", "parse", "played_to_written", "read_abc", "read_any", "reading_of", "song", "titles",
    "usual_tempo",
]  # fmt: skip

TEMPI = {  # quarter notes a minute at which a type of tune is usually played
    "reel": 200, "jig": 170, "slip jig": 165, "hornpipe": 168, "strathspey": 130, "waltz": 150, "march": 120,
    "polka": 130, "slide": 190, "air": 80, "clog": 160, "fling": 150, "walkaround": 150,
}  # fmt: skip
MAX_TUNE = 2**18  # characters of one tune of a book: 32 for each beat of the longest, and read within seconds
LEAST_TEMPO, MOST_TEMPO = 20.0, 400.0  # as a request may have it
ENCODINGS = {"cp1252": "Windows", "cp850": "DOS"}  # that are remarked on
Value = TypeVar("Value")
FLUTE = 73
ACCENT, PLAIN, CHORD = 88, 76, 58  # velocities


@lru_cache(maxsize=64)
def reading_of(tune: Tune) -> Reading:
    """What a tune says."""
    return read(tune.abc)


def played_to_written(tune: Tune) -> list[tuple[float, float, float]]:
    """(beat at which it is played, beat at which it is written, beats) of each stretch of the first voice."""
    reading = reading_of(tune)
    out, now = [], Fraction(0)
    for start, end in played(reading, reading.voices[0]):
        out.append((float(now), float(start), float(end - start)))
        now += end - start
    return out


def usual_tempo(tune: Tune) -> float:
    """Quarter notes a minute of the beginning: what a tempo field says, or what is usual for its type and meter."""
    marked = next((tempo.quarters for time, tempo in reading_of(tune).tempi if tempo.quarters and not time), 0.0)
    if marked:
        return _playable(marked)
    if tune.kind in TEMPI:
        return float(TEMPI[tune.kind])
    meter = reading_of(tune).meter
    if meter.value == 8:
        return 165.0
    if (meter.count, meter.value) == (2, 4):
        return 105.0 if tune.unit == "1/16" else 130.0
    return 150.0 if meter.count == 3 else 170.0


def song(
    tune: Tune, *, tempo: float = 0.0, program: int | None = None, transpose: int = 0, ornaments: bool = True
) -> Song:
    """The tune as it is played, repeats and endings unfolded: a track for each voice, and chords where symbols are.

    tempo: quarter notes a minute, 0 for the tune's own. program: General MIDI, 0..127, None for the voices' own or
    a flute. transpose: semitones.
    ornaments: whether grace notes sound and hornpipes swing.
    """
    reading = reading_of(tune)
    tracks: list[Track] = []
    chords: list[Note] = []
    swings = ornaments and tune.kind.startswith("hornpipe")
    for number, voice in enumerate(reading.voices):
        stretches = played(reading, voice)
        times = swung(voice, reading.meter) if swings else {}
        name = voice.label or (f"part {voice.name}" if number else "melody")
        names = [track.name for track in tracks]
        notes = list(_Player(voice, times, ornaments).notes(stretches))
        player = program if program is not None and not voice.drums else voice.program
        track = Track(
            name if name not in names else f"{name} {number + 1}", FLUTE if player is None else player, voice.drums
        )
        tracks.append(track.with_notes(notes))
        chords += _chords(voice, stretches)
    if chords:
        tracks.append(Track(CHORD_SYMBOLS, 24).with_notes(dict.fromkeys(chords)))
    meter = (reading.meter.count, reading.meter.value) if reading.meter.beats else (4, 4)
    made = replace(_mapped(reading, usual_tempo(tune), meter), tracks=tuple(tracks), title=tune.title)
    made = made.with_tempo(tempo) if tempo else made
    return made.transposed(transpose) if transpose else made


def _mapped(reading: Reading, tempo: float, meter: tuple[int, int]) -> Song:
    """A song without notes: its upbeat, and the tempi, meters and keys of the first voice as it is played."""
    voice = reading.voices[0]
    stretches = played(reading, voice)
    tempi = [(time, _playable(mark.quarters)) for time, mark in reading.tempi if mark.quarters]
    meters = [(time, (each.count, each.value)) for time, each in voice.meters if each.beats]
    keys = [(time, (moved_key(each.fifths, each.shift), each.name.endswith("m"))) for time, each in voice.keys]
    first = voice.bars[0] if voice.bars else None
    length = first.end - first.start if first else Fraction(0)
    upbeat = float(length) if first and length < first.full else 0.0
    return Song(
        tempo=tempo, meter=meter, upbeat=upbeat, tempo_changes=_changes(tempi, tempo, stretches),
        meter_changes=_changes(meters, meter, stretches),
        keys=((0.0, keys[0][1]), *_changes(keys, keys[0][1], stretches)),
    )  # fmt: skip


def _changes(
    marks: Sequence[tuple[Fraction, Value]], first: Value, stretches: list[tuple[Fraction, Fraction]]
) -> tuple[tuple[float, Value], ...]:
    """Where a value changes as it is played, and to what; the first is known."""
    out: list[tuple[float, Value]] = []
    now, value = Fraction(0), first
    for start, end in stretches:
        at_start = next((each for time, each in reversed(marks) if time <= start), first)
        for time, each in [(start, at_start), *((time, each) for time, each in marks if start < time < end)]:
            if each != value:
                value = each
                out = [change for change in out if change[0] != float(now + time - start)]
                out.append((float(now + time - start), value))
        now += end - start
    return tuple((beat, each) for beat, each in out if beat > 0)


def _playable(tempo: float) -> float:
    return min(max(tempo, LEAST_TEMPO), MOST_TEMPO)


class _Player:
    """A voice's events in, notes out, ties joined."""

    def __init__(self, voice: Voice, times: dict[int, tuple[Fraction, Fraction]], ornaments: bool) -> None:
        self.voice, self.times, self.ornaments = voice, times, ornaments
        self.out: list[Note] = []
        self.open: dict[tuple[int, int], int] = {}  # (layer, pitch) that a tie holds → its index

    def notes(self, stretches: list[tuple[Fraction, Fraction]]) -> Iterator[Note]:
        """All notes of the stretches, one behind the other."""
        now = Fraction(0)
        for start, end in stretches:
            for event in self.voice.events:
                if start <= event.onset < end:
                    accent = event.onset == start or event.onset.denominator == 1
                    self._play(event, now - start, ACCENT if accent else PLAIN)
            now += end - start
        yield from self.out

    def _play(self, event: Event, moved: Fraction, velocity: int) -> None:
        onset, beats = self.times.get(id(event), (event.onset, event.beats))
        if beats <= 0:
            return
        graces = min(GRACE * len(event.graces), beats / 2) if self.ornaments and event.pitches else Fraction(0)
        for number, (pitches, _) in enumerate(event.graces if graces else []):
            each = graces / len(event.graces)
            for pitch in pitches:
                at = float(onset + moved + number * each)
                self.out.append(Note(at, float(each), min(max(pitch.midi + event.shift, 0), 127), PLAIN))
        held = {key: index for key, index in self.open.items() if key[0] != event.layer}
        tied = {midi for pitch, midi in zip(event.pitches, _midi(event)) if (pitch.letter, pitch.octave) in event.tied}
        for midi in event.sounding:
            index = self.open.get((event.layer, midi))
            if index is None:
                index = len(self.out)
                self.out.append(Note(float(onset + graces + moved), float(beats - graces), midi, velocity))
            else:
                self.out[index] = replace(self.out[index], duration=self.out[index].duration + float(beats))
            if midi in tied:
                held[event.layer, midi] = index
        self.open = held


def _midi(event: Event) -> list[int]:
    return [min(max(pitch.midi + event.shift, 0), 127) for pitch in event.pitches]


def _chords(voice: Voice, stretches: list[tuple[Fraction, Fraction]]) -> Iterator[Note]:
    """The chord symbols of a voice as they are played, each until the next, which may be that of no chord."""
    now = Fraction(0)
    symbols = [(time, chord_pitches(text)) for time, text in voice.symbols if is_symbol(text)]
    for start, end in stretches:
        inside = [(time, pitches) for time, pitches in symbols if start <= time < end]
        for (time, pitches), after in zip(inside, [time for time, _ in inside[1:]] + [end]):
            if after > time:
                for pitch in pitches:
                    yield Note(float(time - start + now), float(after - time), pitch, CHORD)
        now += end - start


def swung(voice: Voice, meter: Meter) -> dict[int, tuple[Fraction, Fraction]]:
    """Hornpipes lilt: two notes that fill a beat, even or dotted, sound two to one. Event's id → (onset, quarters).

    A beat is a quarter note, in meters of sixteenths an eighth: twice the shortest value that most notes have.
    """
    beat = Fraction(1, 2) if (meter.count, meter.value) == (2, 4) and _sixteenths(voice) else Fraction(1)
    out: dict[int, tuple[Fraction, Fraction]] = {}
    for first, second in zip(voice.events, voice.events[1:]):
        if first.layer or second.layer or first.beats + second.beats != beat:
            continue
        bar = _bar_at(voice.bars, first.onset)
        shares = (first.beats / beat).limit_denominator(4)
        if (
            not bar
            or (first.onset - bar.start) % beat
            or shares not in (Fraction(1, 2), Fraction(3, 4), Fraction(1, 4))
        ):
            continue
        long = beat * (Fraction(1, 3) if shares < Fraction(1, 2) else Fraction(2, 3))
        out[id(first)] = (first.onset, long)
        out[id(second)] = (first.onset + long, beat - long)
    return out


def _sixteenths(voice: Voice) -> bool:
    short = sum(event.beats <= Fraction(3, 8) for event in voice.events)
    return 2 * short > len(voice.events)


def _bar_at(bars: list[Bar], time: Fraction) -> Bar | None:
    return next((bar for bar in bars if bar.start <= time < bar.end), None)


# Reading what a person brought


def titles(text: str | bytes) -> list[str]:
    """The tunes of a file by name, in order: its title, or where it begins."""
    out = []
    for line, tune in book(text_of(text)):
        title = re.search(r"^T:\s*(.*?)\s*(?:%.*)?$", tune, re.MULTILINE)
        first = line + tune[: tune.find("X:")].count("\n")
        out.append(title[1] if title and title[1] else f"Tune of line {first}")
    return out


def parse(text: str | bytes, number: int | None = None) -> tuple[Tune, list[str]]:
    """A tune of an ABC text, the first where no `number` (from 1) is given, and remarks on what is odd in it.

    Raises RequestError for a text without tunes or without one of this number and for a tune too long; Misread, with
    line and column of the text, for a tune without notes and a header's key, meter or note length that does not exist.
    """
    source = text_of(text)
    tunes = book(source)
    if not tunes:
        raise RequestError("The text holds no tune in ABC: none of its lines of music follows a header with X: or K:.")
    if number is not None and not 1 <= number <= len(tunes):
        many = f"{len(tunes)} tunes" if len(tunes) > 1 else "1 tune"
        raise RequestError(f"There is no tune {number}: the file holds {many}.")
    line, part = tunes[(number or 1) - 1]
    if len(part) > MAX_TUNE:
        raise RequestError(f"The tune's text is longer than {MAX_TUNE >> 10} KiB, the most that is taken of one tune.")
    reading = read(part, line)
    beats = max(sum(end - start for start, end in played(reading, voice)) for voice in reading.voices)
    if beats > MAX_BEATS:
        raise RequestError(f"The tune lasts longer than {MAX_BEATS:,.0f} beats, the most that is taken.")
    remarks = [str(remark) for remark in reading.remarks] + _tempo_remarks(reading) + _bar_remarks(reading)
    if isinstance(text, bytes) and (said := encoded(text)):
        remarks.insert(0, said)
    if number is None and len(tunes) > 1:
        remarks.insert(0, f"The file holds {len(tunes)} tunes; this is the first. Another is had by its number.")
    canonical = read_tunes(part)[0]
    tune = replace(
        canonical,
        key=reading.key.name,
        meter=reading.meter.text,
        title=reading.title or "Untitled",
        kind=reading.kind,
        text=part,
    )
    return tune, remarks


def encoded(content: bytes) -> str:
    """The remark on a file whose letters are not as ABC's standard has them; "" where they are."""
    encoding = ENCODINGS.get(encoding_of(content))
    return f"The text is not in UTF-8; its letters are read as those of {encoding}." if encoding else ""


def _tempo_remarks(reading: Reading) -> list[str]:
    """Tempi that are slower or faster than they can be played."""
    odd = dict.fromkeys(tempo.quarters for _, tempo in reading.tempi if tempo.quarters)
    return [f"A tempo of {tempo:g} quarter notes a minute is played as {_playable(tempo):g}."
            for tempo in odd if tempo != _playable(tempo)]  # fmt: skip


def _bar_remarks(reading: Reading) -> list[str]:
    """Bars that are not as long as the meter asks, unless they are upbeats or what upbeats leave over."""
    out: list[Remark] = []
    for voice in reading.voices:
        bars = voice.bars
        for i, bar in enumerate(bars):
            ticks, full = bar.end - bar.start, bar.full
            if not full or ticks == full:
                continue
            beside = [bars[j].end - bars[j].start for j in (i - 1, i + 1) if 0 <= j < len(bars)]
            first = bars[0].end - bars[0].start
            if ticks < full and (i in (0, len(bars) - 1) or full - ticks in [*beside, first]):
                continue
            out.append(
                Remark(f"The bar before this lasts {_quarters(ticks)}; the meter asks for {_quarters(full)}", bar.line,
                       bar.column)
            )  # fmt: skip
        if bars and not bars[-1].closed:
            out.append(Remark("The last bar is not closed; it is read as it stands", bars[-1].line, 1))
    return [str(remark) for remark in out]


def _quarters(beats: Fraction) -> str:
    """A length in quarters, 3/4 or 3.5/4."""
    return f"{float(beats):g}/4"


def read_abc(content: bytes, number: int | None = None) -> Song:
    """A tune of an ABC file as it is played, with remarks on what is odd in it. Refused when it cannot be."""
    tune, remarks = parse(content, number)
    whole = song(tune)
    return replace(whole, remarks=whole.remarks + tuple(remarks))


def read_any(file: File, number: int | None = None) -> Song:
    """The song in a MIDI file, a MusicXML score or an ABC tune (of a book, the one of this number), told apart by what
    they begin with. Refused when it is none of them."""
    name, content = file.name, file.content
    if is_song(file):
        return song_of(file)
    if not (name.lower().endswith(".abc") or any(line.startswith(b"K:") for line in content[:65536].splitlines())):
        raise RequestError(f"{name} is neither a MIDI file, a MusicXML score nor an ABC tune.")
    content, name = content_of(content, name, MAX_BYTES)
    return read_abc(content, number)
