"""Songs as MusicXML, for notation programs, and scores from them, read by music21 and heard with their repeats.

What a score says and a song does not hold (slurs, words, layout) is no loss to it; what would be heard is kept.
"""

from __future__ import annotations

import math
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import groupby
from typing import Any

from engine import RequestError
from engine.core.chords import CHORD_SYMBOLS, Chord
from engine.core.drumstaff import spans, staved
from engine.core.midi import MAX_BEATS, MAX_NOTES
from engine.core.request import File
from engine.core.scoretext import SNARE, Player, unpacked
from engine.core.song import GRACE, NEAR, TEMPI, Note, Song, Track, quarters, upbeat_of
from engine.core.upload import content_of

MAX_BYTES = 2 * 2**20  # of a file as it comes
MAX_SCORE_NOTES = 20_000  # for which music21 takes half a minute
COARSE, FINE = (4, 3), (8, 6)  # into how many a beat is divided in scores
EXACT = 1 / 200  # beats: no further off its grid is what was written on one
MAX_REPEATS = 16  # of a bar
GUITAR = 24  # General MIDI: who plays chord symbols
SYMBOL_VELOCITY = 58
VELOCITY = 80  # of a note of which no dynamic says how loud it is


def write_musicxml(song: Song) -> bytes:
    """The song as MusicXML for a notation program, at the pitch that sounds, engraved by music21 on a grid of
    sixteenths and triplets; a song that is written on a finer one, on that."""
    # here, because music21 takes a second to import
    from music21 import clef, key, metadata, meter, note, stream, tempo
    from music21.musicxml.m21ToXml import GeneralObjectExporter

    score = stream.Score()
    score.insert(0, metadata.Metadata(title=song.title or "Bandstand", composer="Bandstand"))
    divisors = FINE if _fine(song) else COARSE
    grid, shortest = math.lcm(*divisors), Fraction(1, max(divisors))
    only_drums = all(track.is_drum for track in song.tracks if track.notes)
    for number, track in enumerate(track for track in song.tracks if track.notes):
        part = stream.Part()
        part.partName = track.name
        part.insert(0, _player(track, number))
        for beat, bpm in ((0.0, song.tempo), *song.tempo_changes) if number == 0 else ():
            part.insert(beat, tempo.MetronomeMark(number=bpm))
        for beat, (beats, value) in song.signatures():
            part.insert(beat, meter.TimeSignature(f"{beats}/{value}"))
        for beat, (sharps, minor) in song.keys if not track.is_drum or only_drums else ():
            part.insert(beat, key.KeySignature(sharps).asKey("minor" if minor else "major"))
        if track.is_drum:
            part.insert(0, clef.PercussionClef())
        onsets = [Fraction(round(each.onset * grid), grid) for each in track.notes]
        strokes = spans(onsets) if track.is_drum else {}
        for onset, each in zip(onsets, track.notes):
            written = note.Note(midi=each.pitch)
            written.volume.velocity = each.velocity
            written.quarterLength = strokes.get(onset) or max(shortest, Fraction(round(each.duration * grid), grid))
            part.insert(onset, written)
        part.quantize(divisors, processOffsets=True, processDurations=True, inPlace=True)
        score.insert(0, part.chordify() if _polyphonic(track) else part)
    xml = GeneralObjectExporter(score).parse().decode("utf-8")
    # music21 writes today's date and ids of this run; the same song has to give the same bytes.
    xml = re.sub(r"\s*<encoding-date>.*?</encoding-date>", "", xml)
    for number, name in enumerate(dict.fromkeys(re.findall(r'id="([PI][0-9a-f]{16,})"', xml)), start=1):
        xml = xml.replace(name, f"{name[0]}{number}")
    parts = re.findall(r'<score-part id="(\w+)"', xml)
    for part_id, track in zip(parts, (track for track in song.tracks if track.notes)):
        if track.is_drum:
            xml = staved(xml, part_id)
    return xml.encode("utf-8")


def _player(track: Track, number: int) -> Any:
    """A track's instrument, of those that music21 knows. None transposes: notes are written as they sound."""
    from music21 import instrument

    try:
        player = instrument.Percussion() if track.is_drum else instrument.instrumentFromMidiProgram(track.program)
    except Exception:  # music21 knows no instrument of some programs
        player = instrument.Piano()
    if not track.is_drum and isinstance(player, instrument.UnpitchedPercussion):
        player = instrument.Instrument(track.name)
    if not track.is_drum:
        player.midiProgram = track.program
        player.midiChannel = channel = (*range(9), *range(10, 16))[number % 15]
        player.autoAssignMidiChannel = lambda **_: channel  # music21 complains of more than 15
    player.partName, player.transposition = track.name, None
    return player


def _fine(song: Song) -> bool:
    """Whether notes are written on the fine grid, and some are not on the coarse one."""
    onsets = [note.onset for track in song.tracks for note in track.notes]

    def off(divisors: tuple[int, ...]) -> float:
        """How far the furthest note is off all of these grids, in beats."""
        return max((min(abs(onset - round(onset * n) / n) for n in divisors) for onset in onsets), default=0.0)

    return off(COARSE) > EXACT >= off(FINE)


def _polyphonic(track: Track) -> bool:
    ends = 0.0
    for each in track.notes:
        if each.onset < ends - 1e-6:
            return True
        ends = max(ends, each.end)
    return False


def is_musicxml(file: File) -> bool:
    """Whether a file is a score, by its beginning or, where that says nothing, by its name."""
    head = file.content[:512].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    packed = file.content.startswith(b"PK") and b"META-INF/container.xml" in file.content
    return packed or head.startswith((b"<?xml", b"<score-", b"<!DOCTYPE score")) or file.ending in ("musicxml", "mxl")


def read_musicxml(source: bytes, *, name: str = "The file") -> Song:
    """Read a `.musicxml` or `.mxl` score: a track a part, its repeats played, its pitches as they sound.

    Refused: what is no such score, is larger than 2 MiB, has no notes or more than 20,000, or lasts longer than 8,000
    beats.
    """
    from music21 import converter  # here, because music21 takes a second to import

    source, name = content_of(source, name, MAX_BYTES)
    text, players = unpacked(source, name)
    if len(re.findall(rb"<note[ >]", text)) > min(MAX_SCORE_NOTES, MAX_NOTES):
        raise RequestError(f"{name} has more than {MAX_SCORE_NOTES:,} notes, the most that is taken of a score.")
    if any(int(times) > MAX_REPEATS for times in re.findall(rb"times\s*=\s*[\"'](\d+)", text)):
        raise RequestError(f"{name} repeats bars more than {MAX_REPEATS} times, the most that is taken.")
    try:
        with warnings.catch_warnings():  # music21 says of a bar that it cannot read where it is, and raises too
            warnings.simplefilter("ignore")
            return _Score(converter.parseData(text, format="musicxml"), players, name).song()
    except RequestError:
        raise
    except Exception:  # a parser met by hostile bytes may raise anything
        raise RequestError(f"{name} is not a MusicXML score that can be read.") from None


class _Score:
    """A music21 score as a song."""

    def __init__(self, score: Any, players: list[Player], name: str) -> None:
        self.name, self.players = name, players
        self.remarks: dict[str, None] = {}
        self.title = str(score.metadata.bestTitle or "") if score.metadata else ""
        try:
            score = score.expandRepeats()
        except Exception:  # music21 raises several kinds on signs that contradict each other
            self.remarks["The score's repeats contradict each other, so each bar is played once."] = None
        self.score = score.toSoundingPitch()

    def song(self) -> Song:
        """All parts; tempo, meter and key are those of the first that has them."""
        tracks: dict[str, Track] = {}
        notes: dict[str, list[Note]] = defaultdict(list)
        for number, part in enumerate(self.score.parts, start=1):
            voice = str(part.id).partition("-Staff")[0] if "-Staff" in str(part.id) else f"{part.id} {number}"
            if voice not in tracks:
                player = self.players[len(tracks)] if len(tracks) < len(self.players) else Player()
                tracks[voice] = self._track(part, player, number)
            notes[voice] += self._notes(part)
        if symbols := [note for part in self.score.parts for note in self._symbols(part)]:
            tracks[CHORD_SYMBOLS] = Track(CHORD_SYMBOLS, GUITAR)
            notes[CHORD_SYMBOLS] = list(dict.fromkeys(symbols))
        filled = tuple(track.with_notes(notes[voice]) for voice, track in tracks.items() if notes[voice])
        if not filled:
            raise RequestError(f"{self.name} has no notes.")
        if max(note.end for track in filled for note in track.notes) > MAX_BEATS:
            raise RequestError(f"{self.name} lasts longer than {MAX_BEATS:,.0f} beats, the most that is taken.")
        (_, tempo), *tempi = self._tempi()
        (_, first), *later = self._meters()
        upbeat, meter, meters = upbeat_of(first, later)
        return Song(
            filled, tempo, meter, self.title, tuple(self.remarks), upbeat, tuple(tempi), meters, self._keys()
        )  # fmt: skip

    def _track(self, part: Any, player: Player, number: int) -> Track:
        clef = next(iter(part.recurse().getElementsByClass("Clef")), None)
        drums = part.getInstrument(returnDefault=True).midiChannel == 9 or player.drums
        drums = drums or (clef is not None and "PercussionClef" in clef.classes)
        name = str(part.partName or f"Track {number}")[:60]
        if len(player.programs) > 1 and not drums:
            self.remarks[f"In {name} the instrument changes; the first plays all of it."] = None
        return Track(name, player.programs[0] if player.programs else _called(player.names), drums)

    def _notes(self, part: Any) -> list[Note]:
        """A part's notes: tied ones as one, as loud as the dynamics before them say. Grace notes take their time from
        the note behind them, of several that of the nearest pitch."""
        voice = _Voice([(float(each.getOffsetInHierarchy(part)), round(127 * each.volumeScalar))
                        for each in part.recurse().getElementsByClass("Dynamic")])  # fmt: skip
        written = [each for each in part.flatten().notes if "Harmony" not in each.classes]  # that is a chord symbol
        for at, group in groupby(written, key=lambda each: max(0.0, float(each.offset))):
            graces: list[Any] = []
            together: list[Any] = []
            for each in group:
                (graces if each.quarterLength <= 0 else together).append(each)
                if any(pitch.ps % 1 for pitch in getattr(each, "pitches", ())):
                    self.remarks["Quarter tones are played as the semitones beside them."] = None
            behind = min(together, key=lambda each: _away(each, graces[-1])) if graces and together else None
            room = float(behind.quarterLength) if behind is not None else 1.0
            taken = min(float(GRACE) * len(graces), room / 2)
            for number, each in enumerate(graces):
                voice.play(each, at + taken * number / len(graces), taken / len(graces))
            for each in together:
                late = taken if each is behind else 0.0
                voice.play(each, at + late, float(each.quarterLength) - late)
        return voice.notes

    def _symbols(self, part: Any) -> Iterator[Note]:
        """The chord symbols above a part, each until the next, which may be that of no chord."""
        symbols = [(float(each.offset), each) for each in part.flatten().getElementsByClass("ChordSymbol")]
        for (at, each), (end, _) in zip(symbols, [*symbols[1:], (float(part.duration.quarterLength), None)]):
            if each.pitches and end > at:
                root = each.root().pitchClass
                steps = frozenset((pitch.pitchClass - root) % 12 for pitch in each.pitches)
                for pitch in Chord("", root, steps, each.bass().pitchClass).pitches:
                    yield Note(at, end - at, pitch, SYMBOL_VELOCITY)

    def _tempi(self) -> list[tuple[float, float]]:
        """(beat, quarter notes a minute), the first at 0."""
        tempi: dict[float, float] = {0.0: 120.0}
        for begin, _, mark in self.score.metronomeMarkBoundaries():
            bpm = mark.getQuarterBPM()
            if bpm and TEMPI[0] <= bpm <= TEMPI[1]:
                tempi[max(0.0, float(begin))] = round(float(bpm), 3)
        return sorted(tempi.items())

    def _meters(self) -> list[tuple[float, tuple[int, int]]]:
        """(beat, meter), the first at 0, as written; a bar that its meter does not fill is followed by one more."""
        meters: list[tuple[float, tuple[int, int]]] = [(0.0, (4, 4))]
        expected = 0.0
        for measure in self.score.parts[0].getElementsByClass("Measure"):
            begin, said, meter = float(measure.offset), measure.timeSignature, meters[-1][1]
            value = (said.numerator, said.denominator) if said else meter
            if not (1 <= value[0] <= 64 and value[1] in (1, 2, 4, 8, 16, 32)):
                self.remarks[f"A meter of {value[0]}/{value[1]} is left out."] = None
                value = meter
            if begin <= 0:
                meters = [(0.0, value)]
            elif value != meter or abs(begin - expected) > NEAR:
                meters.append((begin, value))
            expected = begin + quarters(value)
        return meters

    def _keys(self) -> tuple[tuple[float, tuple[int, bool]], ...]:
        """(beat, (sharps, whether minor)) of the first part that has any: drums have none."""
        keys: dict[float, tuple[int, bool]] = {}
        found = ((part, part.recurse().getElementsByClass("KeySignature").stream()) for part in self.score.parts)
        part, signs = next(((part, signs) for part, signs in found if signs), (self.score, ()))
        for each in signs:
            if abs(each.sharps or 0) <= 7:
                minor = getattr(each, "mode", "") == "minor"
                keys[max(0.0, float(each.getOffsetInHierarchy(part)))] = (each.sharps or 0, minor)
        order = sorted(keys.items())
        return tuple(each for before, each in zip([(0.0, None), *order], order) if each[1] != before[1])


class _Voice:
    """Notes of a part in the making."""

    def __init__(self, dynamics: list[tuple[float, int]]) -> None:
        self.dynamics = dynamics  # (beat, velocity), ascending
        self.notes: list[Note] = []
        self.tied: dict[int, int] = {}  # pitch → which of `notes` goes on

    def play(self, each: Any, onset: float, length: float) -> None:
        """A note, a chord or a stroke, at a beat."""
        while len(self.dynamics) > 1 and self.dynamics[1][0] <= onset + NEAR:
            self.dynamics.pop(0)
        loud = self.dynamics[0][1] if self.dynamics and self.dynamics[0][0] <= onset + NEAR else VELOCITY
        notes = self.notes
        for pitch, stroke in _strokes(each):
            tie = stroke.tie.type if stroke.tie else ""
            before = self.tied.pop(pitch, None)
            if tie in ("continue", "stop") and before is not None and notes[before].end > onset - NEAR:
                notes[before] = replace(notes[before], duration=onset + length - notes[before].onset)
            else:
                before = len(notes)
                velocity = stroke.volume.velocity or each.volume.velocity or loud
                notes.append(Note(onset, length, pitch, min(127, max(1, velocity))))
            if tie in ("start", "continue"):
                self.tied[pitch] = before


def _called(names: Iterable[str]) -> int:
    """The General MIDI program of the first name that music21 knows; a piano's where it knows none."""
    from music21 import instrument

    for name in names:
        with suppress(Exception):  # it raises several kinds for what it does not know
            if (program := instrument.fromString(name).midiProgram) is not None:
                return int(program)
    return 0


def _away(one: Any, other: Any) -> int:
    """How many semitones the nearest pitches of two notes or chords are apart."""
    return min((abs(a - b) for a, _ in _strokes(one) for b, _ in _strokes(other)), default=128)


def _strokes(each: Any) -> list[tuple[int, Any]]:
    """MIDI pitches, or drum keys, of a note or chord, each with the music21 note that it is."""
    strokes = []
    for note in getattr(each, "notes", [each]):
        pitch = note.pitch.midi if hasattr(note, "pitch") else _drum(note)
        if 0 <= pitch <= 127:
            strokes.append((pitch, note))
    return strokes


def _drum(stroke: Any) -> int:
    """The General MIDI drum key of a stroke without pitch: its instrument's, or a snare's."""
    key = getattr(getattr(stroke, "storedInstrument", None), "percMapPitch", None)
    return SNARE if key is None else int(key)
