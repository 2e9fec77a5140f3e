"""MIDI files: bytes to a song and back (mido parses; this file decides what the events mean).

A song has one tempo and one meter: where a file changes them, the one that lasts longest stands and `Song.remarks` says
so. Uploads are hostile: size is checked before parsing, notes and length after, and every refusal is one sentence.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import mido

from engine import RequestError
from engine.core.request import File
from engine.core.song import Note, Song, Track
from engine.core.upload import content_of

Value = TypeVar("Value", float, tuple[int, int])

MAX_BYTES = 2 * 2**20  # of a file, looked at before it is parsed
MAX_NOTES = 50_000
MAX_BEATS = 8_000.0
TEMPI = (5.0, 1_000.0)  # quarter notes a minute
TICKS = 480  # a beat, in what is written
DRUM_CHANNEL = 9


def read_midi(source: bytes | Path | str, *, name: str = "The file") -> Song:
    """Read a Standard MIDI File of type 0, 1 or 2 (whose sequences follow one another).

    Each channel and program of each file track becomes a track; a note without an end lasts until its track ends.
    Refused: what is no MIDI file, is larger than 2 MiB, has no notes or more than 50,000, lasts longer than 8,000
    beats, or has a tempo outside 5-1000.
    """
    source, name = content_of(source, name, MAX_BYTES)
    if not source.startswith(b"MThd"):
        raise RequestError(f"{name} is not a MIDI file.")
    try:
        midi = mido.MidiFile(file=io.BytesIO(source), clip=True)
    except Exception as error:  # a parser met by hostile bytes may raise anything
        early = ": it ends too early" if isinstance(error, EOFError) else ""
        raise RequestError(f"{name} is a damaged MIDI file{early}.") from None
    if midi.ticks_per_beat <= 0 or midi.ticks_per_beat >= 0x8000:
        raise RequestError(f"{name} counts time in film frames (SMPTE), not in beats; export it with beats.")
    return _song(midi, name)


@lru_cache(maxsize=8)
def song_of(file: File) -> Song:
    """The song in a MIDI file that a person brought, read once."""
    return read_midi(file.content, name=file.name)


class _Reader:
    """Notes, tempi, meters and names of a file, event by event. Times are ticks from the file's beginning."""

    def __init__(self, midi: mido.MidiFile, name: str) -> None:
        self.midi, self.name = midi, name
        self.tempi: list[tuple[int, float]] = [(0, 120.0)]
        self.meters: list[tuple[int, tuple[int, int]]] = [(0, (4, 4))]
        self.notes: dict[tuple[int, int, int], list[Note]] = defaultdict(list)  # by file track, channel, program
        self.titles: dict[int, str] = {}
        self.end = self.count = 0

    def read(self) -> None:
        """All tracks; those of type 2 follow one another."""
        tick = 0
        for index, events in enumerate(self.midi.tracks):
            tick = self._track(index, events, tick if self.midi.type == 2 else 0)
            self.end = max(self.end, tick)

    def _track(self, index: int, events: mido.MidiTrack, tick: int) -> int:
        """One track from `tick` on; where it ends."""
        programs = dict.fromkeys(range(16), 0)
        sounding: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)  # start, velocity, program
        for event in events:
            tick += event.time
            if tick > MAX_BEATS * self.midi.ticks_per_beat:
                raise RequestError(f"{self.name} lasts longer than {MAX_BEATS:,.0f} beats, the most that is taken.")
            if event.type == "note_on" and event.velocity > 0:
                sounding[event.channel, event.note].append((tick, event.velocity, programs[event.channel]))
                self.count += 1
                if self.count > MAX_NOTES:
                    raise RequestError(f"{self.name} has more than {MAX_NOTES:,} notes, the most that is taken.")
            elif event.type in ("note_on", "note_off"):
                if waiting := sounding[event.channel, event.note]:
                    self._note(index, event.channel, event.note, waiting.pop(0), tick)
            elif event.type == "program_change":
                programs[event.channel] = event.program
            else:
                self._meta(index, event, tick)
        for (channel, pitch), waiting in sounding.items():  # a note without an end lasts until its track ends
            for begun in waiting:
                self._note(index, channel, pitch, begun, tick)
        return tick

    def _note(self, index: int, channel: int, pitch: int, begun: tuple[int, int, int], tick: int) -> None:
        start, velocity, program = begun
        beat = self.midi.ticks_per_beat
        self.notes[index, channel, program].append(Note(start / beat, max(tick - start, 1) / beat, pitch, velocity))

    def _meta(self, index: int, event: mido.MetaMessage, tick: int) -> None:
        """A tempo, a meter or a name; anything else says nothing about notes."""
        if event.type == "set_tempo":
            if event.tempo == 0 or not TEMPI[0] <= 60e6 / event.tempo <= TEMPI[1]:
                raise RequestError(f"{self.name} has an impossible tempo ({event.tempo} microseconds a beat).")
            self.tempi.append((tick, round(60e6 / event.tempo, 3)))
        elif event.type == "time_signature":
            if not (1 <= event.numerator <= 64 and event.denominator in (1, 2, 4, 8, 16, 32)):
                raise RequestError(f"{self.name} has an impossible meter ({event.numerator}/{event.denominator}).")
            self.meters.append((tick, (event.numerator, event.denominator)))
        elif event.type == "track_name":
            self.titles.setdefault(index, _plain(event.name))


def _song(midi: mido.MidiFile, name: str) -> Song:
    reader = _Reader(midi, name)
    reader.read()
    if not reader.count:
        raise RequestError(f"{name} has no notes.")
    tracks = tuple(
        Track(reader.titles.get(index) or f"Track {n + 1}", program, channel == DRUM_CHANNEL).with_notes(notes)
        for n, ((index, channel, program), notes) in enumerate(sorted(reader.notes.items()))
    )
    tempo, tempo_varies = longest(reader.tempi, reader.end)
    meter, meter_varies = longest(reader.meters, reader.end)
    remarks = []
    if tempo_varies:
        remarks.append(f"The tempo changes; {tempo:g}, which lasts longest, is kept throughout.")
    if meter_varies:
        remarks.append(f"The meter changes; {meter[0]}/{meter[1]}, which lasts longest, is kept throughout.")
    title = reader.titles.get(0, "") if len(midi.tracks) > 1 else ""
    return Song(tracks, tempo, meter, title, tuple(remarks))


def longest(changes: list[tuple[int, Value]], end: int) -> tuple[Value, bool]:
    """The value that lasts the most ticks in a list of (tick, value), and whether another one lasts too."""
    lasting: dict[Value, int] = defaultdict(int)
    changes = sorted(changes, key=lambda change: change[0])
    ends = [tick for tick, _ in changes[1:]] + [max(end, changes[-1][0] + 1)]
    for (tick, value), until in zip(changes, ends):
        lasting[value] += until - tick
    kept = max(lasting, key=lambda value: lasting[value])
    return kept, sum(ticks > 0 for ticks in lasting.values()) > 1


def _plain(name: str) -> str:
    """A name from a file as printable text of at most 60 characters, whatever encoding it was in."""
    with contextlib.suppress(UnicodeError):
        name = name.encode("latin-1").decode("utf-8")
    return re.sub(r"\s+", " ", "".join(c for c in name if c.isprintable())).strip()[:60]


def write_midi(song: Song) -> bytes:
    """A type 1 file at 480 ticks a beat: a track of tempo and meter, then one a track. Same song, same bytes.

    A note that is struck again while it sounds ends there. Beyond 15 pitched tracks, tracks share channels.
    """
    midi = mido.MidiFile(type=1, ticks_per_beat=TICKS, charset="utf-8")
    head = mido.MidiTrack()
    head.append(mido.MetaMessage("track_name", name=song.title or "Bandstand"))
    head.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(song.tempo)))
    head.append(mido.MetaMessage("time_signature", numerator=song.meter[0], denominator=song.meter[1]))
    midi.tracks.append(head)
    pitched = [channel for channel in range(16) if channel != DRUM_CHANNEL]
    for index, track in enumerate(song.tracks):
        before = sum(not t.is_drum for t in song.tracks[:index])
        channel = DRUM_CHANNEL if track.is_drum else pitched[before % len(pitched)]
        midi.tracks.append(_events(track, channel))
    file = io.BytesIO()
    midi.save(file=file)
    return file.getvalue()


def _events(track: Track, channel: int) -> mido.MidiTrack:
    spans: list[tuple[int, int, int, int]] = []  # start, end, pitch, velocity in ticks
    last: dict[int, int] = {}  # pitch → its latest span
    for note in sorted(track.notes, key=lambda note: (note.onset, note.pitch)):
        start = round(note.onset * TICKS)
        end = max(start + 1, round(note.end * TICKS))
        if note.pitch in last:
            s, e, p, v = spans[last[note.pitch]]
            if s == start:
                spans[last[note.pitch]] = (s, max(e, end), p, max(v, note.velocity))
                continue
            spans[last[note.pitch]] = (s, min(e, start), p, v)
        last[note.pitch] = len(spans)
        spans.append((start, end, note.pitch, min(127, max(1, int(note.velocity)))))
    # Ends before beginnings at the same tick, so that a repeated note is heard again.
    events = sorted([(s, 1, p, v) for s, e, p, v in spans] + [(e, 0, p, 0) for s, e, p, v in spans])
    written = mido.MidiTrack()
    written.append(mido.MetaMessage("track_name", name=track.name))
    written.append(mido.Message("program_change", channel=channel, program=track.program))
    now = 0
    for tick, on, pitch, velocity in events:
        message_type = "note_on" if on else "note_off"
        written.append(mido.Message(message_type, channel=channel, note=pitch, velocity=velocity, time=tick - now))
        now = tick
    return written
