"""MIDI files: bytes to a song and back. smf.py scans what is read, mido writes; what events mean is decided here.

Events are taken as a General MIDI synthesiser takes them: a channel's pedal, controllers, kit and program count for all
tracks on it, a key struck again ends the note before, and tempo, meter and key signatures are maps. Uploads are
hostile: size is checked before parsing, notes and length after, and every refusal is one sentence.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import mido
import numpy as np

from engine import RequestError
from engine.core import smf
from engine.core.channels import DRUM_CHANNEL, Channels
from engine.core.song import TEMPI, Note, Song, Track, upbeat_of
from engine.core.upload import content_of

Value = TypeVar("Value", float, tuple[int, int])
Change = TypeVar("Change")

MAX_BYTES = 2 * 2**20  # of a file, looked at before it is parsed
MAX_NOTES = 50_000
MAX_BEATS = 8_000.0
TICKS = 480  # a beat, in what is written
_KEYS = (  # from seven flats to seven sharps, major and minor
    ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#"),
    ("Abm", "Ebm", "Bbm", "Fm", "Cm", "Gm", "Dm", "Am", "Em", "Bm", "F#m", "C#m", "G#m", "D#m", "A#m"),
)
FILM_TEMPO = 120.0  # at which a file that counts film frames is read


def without(what: str) -> str:
    """The remark on what a file holds that changes its sound and is not kept; who plays it leaves the remark out."""
    return f"It is read without its {what}."


def read_midi(source: bytes | Path | str, *, name: str = "The file", silent: bool = False) -> Song:
    """Read a Standard MIDI File of type 0, 1 or 2 (whose sequences follow one another), also in a RIFF.

    Each channel, program and kit of each file track becomes a track, with its name where it has one channel; tracks
    without notes are kept where `silent` ones are wanted. A note without an end lasts until its track ends.
    What is damaged or cut short is read as far as it goes, and `Song.remarks` says so. Refused: what is no MIDI file,
    is larger than 2 MiB, has no notes or more than 50,000, or lasts longer than 8,000 beats.
    """
    source, name = content_of(source, name, MAX_BYTES)
    try:
        file = smf.scan(source)
    except smf.ScanError as error:
        raise RequestError(f"{name} is {error}.") from None
    return _Reader(file, name, silent).song()


class _Reader:
    """Notes, maps and names of a scanned file. Times are ticks from the file's beginning."""

    def __init__(self, file: smf.Scan, name: str, silent: bool) -> None:
        self.file, self.name, self.silent = file, name, silent
        self.remarks: dict[str, None] = {}
        self.film = file.division >= 0x8000
        self.ticks = self._ticks()
        self.most = MAX_BEATS * self.ticks
        self.tempi: list[tuple[int, float]] = []
        self.meters: list[tuple[int, tuple[int, int]]] = []
        self.keys: list[tuple[int, tuple[int, bool]]] = []
        self.titles: dict[int, str] = {}
        self.channels = Channels()

    def _ticks(self) -> float:
        """Ticks a beat. Film frames are real time, which becomes beats at `FILM_TEMPO`."""
        if not self.film:
            if not self.file.division:
                raise RequestError(f"{self.name} gives a beat no ticks, so nothing says when its notes sound.")
            return self.file.division
        frames, ticks = 0x100 - (self.file.division >> 8), self.file.division & 0xFF
        if frames not in (24, 25, 29, 30) or not ticks:
            raise RequestError(f"{self.name} counts time in film frames of a kind that does not exist.")
        self.remarks[f"Time is counted in film frames; it is read at {FILM_TEMPO:g} beats a minute."] = None
        return (30 / 1.001 if frames == 29 else frames) * ticks * 60 / FILM_TEMPO

    def song(self) -> Song:
        """All that the file holds."""
        tracks = self._tracks()
        if self.meters and 0 < (tick := min(self.meters)[0]) < self.ticks / 8:  # a moment late is at the beginning
            self.meters = [(0 if at == tick else at, meter) for at, meter in self.meters]
        beats = max(note.end for track in tracks for note in track.notes)
        tempo, tempo_changes = self._map(self.tempi, FILM_TEMPO, beats)
        meter, meter_changes = self._map(self.meters, (4, 4), beats, restated=True)
        upbeat, meter, meter_changes = upbeat_of(meter, meter_changes)
        key, keys = self._map(self.keys, (0, False), beats)
        self._damage()
        title = self.titles.get(0, "") if len(self.file.tracks) > 1 else ""
        return Song(
            tracks, tempo, meter, title, tuple(self.remarks), upbeat, tempo_changes,
            meter_changes, ((0.0, key), *keys) if self.keys else (),
        )  # fmt: skip

    def _damage(self) -> None:
        """What is said of a file that is not as it should be."""
        file = self.file
        if file.cut:
            self.remarks["The file ends too early; what is there is read."] = None
        elif file.damaged:
            self.remarks["Part of the file is damaged; what can be read is read."] = None
        elif len(file.tracks) < file.promised:
            self.remarks[f"The file has {len(file.tracks)} of the {file.promised} tracks that it names."] = None

    def _map(
        self, changes: list[tuple[int, Change]], first: Change, beats: float, *, restated: bool = False
    ) -> tuple[Change, tuple[tuple[float, Change], ...]]:
        """A map from (tick, value): its value at the beginning, and its later changes in beats while notes sound."""
        latest = dict(sorted(changes, key=lambda change: change[0]))  # the last of a tick
        kept: list[tuple[float, Change]] = [(0.0, latest.pop(0, first))]
        for tick, value in latest.items():
            if tick / self.ticks < beats and (restated or value != kept[-1][1]):
                kept.append((tick / self.ticks, value))
        return kept[0][1], tuple(kept[1:])

    def _tracks(self) -> tuple[Track, ...]:
        """The file's tracks, one for each that a channel, program and kit play."""
        offset, begins = 0, []
        for index, events in enumerate(self.file.tracks):
            begins.append(offset)
            self._others(index, events, offset)
            if self.file.form == 2:
                offset += events.end
        self.channels.settle()
        self.remarks.update(dict.fromkeys(map(without, self.channels.left_out)))
        notes: dict[tuple[int, int, int, bool], list[Note]] = defaultdict(list)
        count = 0
        for index, (events, begin) in enumerate(zip(self.file.tracks, begins)):
            if not events.notes:
                continue
            if begin + events.notes[-1][0] > self.most:
                raise RequestError(f"{self.name} lasts longer than {MAX_BEATS:,.0f} beats, the most that is taken.")
            struck = _struck(events, begin, self.most)
            count += len(struck)
            if count > MAX_NOTES:
                raise RequestError(f"{self.name} has more than {MAX_NOTES:,} notes, the most that is taken.")
            self._sounded(index, struck, notes)
        if not count:
            raise RequestError(f"{self.name} has no notes.")
        for voice in self.channels.instruments() if self.silent else ():
            if voice[0] in self.titles and not self.file.tracks[voice[0]].notes:
                notes[voice] = []
        channels = Counter(index for index, _ in {voice[:2] for voice in notes})
        titles = {index: title for index, title in self.titles.items() if channels[index] == 1}  # else the song's
        return tuple(
            Track(titles.get(voice[0]) or f"Track {number}", *voice[2:], controls=self._controls(voice[1])).with_notes(
                notes[voice]
            )
            for number, voice in enumerate(sorted(notes), start=1)
        )

    def _controls(self, channel: int) -> tuple[tuple[float, str, float], ...]:
        """What a channel's controllers are set to, in beats."""
        return tuple((tick / self.ticks, name, value) for tick, name, value in self.channels.controls(channel))

    def _others(self, index: int, events: smf.Events, offset: int) -> None:
        """Everything of a track but its notes."""
        for tick, before, status, first, rest in events.others:
            if status == smf.META:
                self._meta(index, first, rest, offset + tick)
            else:
                self.channels.take(index, before, offset + tick, status, first, rest)

    def _meta(self, index: int, meta: int, data: bytes, tick: int) -> None:
        """A tempo, a meter, a key or a name; anything else says nothing about notes."""
        if meta == 0x51 and not self.film:
            tempo = 60e6 / (int.from_bytes(data[:3], "big") or 1)
            if self._holds(len(data) >= 3 and TEMPI[0] <= tempo <= TEMPI[1], "tempo"):
                self.tempi.append((tick, round(tempo, 3)))
        elif meta == 0x58:
            numerator, power = (*data[:2], 0, 0)[:2]
            if self._holds(len(data) >= 2 and 1 <= numerator <= 64 and power <= 5, "meter"):
                self.meters.append((tick, (numerator, 2**power)))
        elif meta == 0x59:
            sharps, minor = (*data[:2], 0, 0)[:2]
            sharps -= 256 * (sharps > 127)
            if self._holds(len(data) >= 2 and abs(sharps) <= 7 and minor <= 1, "key signature"):
                self.keys.append((tick, (sharps, bool(minor))))
        elif meta == 0x05:
            self.channels.left_out["lyrics"] = None
        elif meta == 0x03:
            self.titles.setdefault(index, _plain(data))

    def _holds(self, possible: bool, what: str) -> bool:
        """Whether a meta event says something that can be; where it cannot, it is left out and that is said."""
        if not possible:
            self.remarks[f"The file has an impossible {what}, which is left out."] = None
        return possible

    def _sounded(self, index: int, struck: np.ndarray, notes: dict[tuple[int, int, int, bool], list[Note]]) -> None:
        """Take in a track's notes, int [n, 6]: start, end, channel, pitch, velocity, place among its note events."""
        for channel in np.unique(struck[:, 2]).tolist():
            own = struck[struck[:, 2] == channel]
            starts, ends = own[:, 0], np.minimum(self.channels.ends(channel, own), int(self.most))
            times = starts / self.ticks, np.maximum(ends - starts, 1) / self.ticks
            voices = self.channels.voices(index, channel, own[:, 5], starts)
            columns = (*times, own[:, 3], own[:, 4], *voices)
            for onset, duration, pitch, velocity, program, drum in zip(*(column.tolist() for column in columns)):
                notes[index, channel, program, drum].append(Note(onset, duration, pitch, velocity))


def _struck(events: smf.Events, begin: int, most: float) -> np.ndarray:
    """The notes of a track, see `_Reader._sounded`. A key that is struck again ends the note before."""
    sounding: dict[tuple[int, int], list[int]] = {}
    struck: list[list[int]] = []
    for place, (tick, status, pitch, velocity) in enumerate(events.notes):
        key = status & 15, pitch
        note = sounding.pop(key, None)
        if note is not None:
            note[1] = begin + tick
        if status >= smf.NOTE_ON and velocity:
            if note is not None and note[0] == note[1]:  # twice at once is one note
                note[4] = max(note[4], velocity)
            else:
                note = [begin + tick, 0, key[0], pitch, velocity, place]
                struck.append(note)
            sounding[key] = note
    end = begin + (events.end if begin + events.end <= most else events.notes[-1][0])
    for note in sounding.values():  # a note without an end lasts until its track ends
        note[1] = end
    return np.array(struck, np.int64).reshape(-1, 6)


def longest(changes: list[tuple[int, Value]], end: int) -> tuple[Value, bool]:
    """The value that lasts the most ticks in a list of (tick, value), and whether another one lasts too."""
    lasting: dict[Value, int] = defaultdict(int)
    changes = sorted(changes, key=lambda change: change[0])
    ends = [tick for tick, _ in changes[1:]] + [max(end, changes[-1][0] + 1)]
    for (tick, value), until in zip(changes, ends):
        lasting[value] += until - tick
    kept = max(lasting, key=lambda value: lasting[value])
    return kept, sum(ticks > 0 for ticks in lasting.values()) > 1


def _plain(data: bytes) -> str:
    """A name from a file as printable text of at most 60 characters, whatever encoding it was in."""
    name = data.decode("latin-1")
    with contextlib.suppress(UnicodeError):
        name = data.decode("utf-8")
    return re.sub(r"\s+", " ", "".join(c for c in name if c.isprintable())).strip()[:60]


def write_midi(song: Song, markers: Sequence[tuple[float, str]] = ()) -> bytes:
    """A type 1 file at 480 ticks a beat: a track of tempo, meter, key and `markers` (beat, text), then one a track.
    Same song, same bytes.

    A note that is struck again while it sounds ends there. Beyond 15 pitched tracks, tracks share channels.
    """
    midi = mido.MidiFile(type=1, ticks_per_beat=TICKS, charset="utf-8")
    midi.tracks.append(_head(song, markers))
    pitched = [channel for channel in range(16) if channel != DRUM_CHANNEL]
    for index, track in enumerate(song.tracks):
        before = sum(not t.is_drum for t in song.tracks[:index])
        channel = DRUM_CHANNEL if track.is_drum else pitched[before % len(pitched)]
        midi.tracks.append(_events(track, channel))
    file = io.BytesIO()
    midi.save(file=file)
    return file.getvalue()


def _head(song: Song, markers: Sequence[tuple[float, str]]) -> mido.MidiTrack:
    """The track of title, tempo, meter, key and markers."""
    said = [(0.0, mido.MetaMessage("track_name", name=song.title or "Bandstand"))]
    for beat, tempo in ((0.0, song.tempo), *song.tempo_changes):
        said.append((beat, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo))))
    for beat, (beats, value) in song.signatures():
        said.append((beat, mido.MetaMessage("time_signature", numerator=beats, denominator=value)))
    for beat, (sharps, minor) in song.keys:
        said.append((beat, mido.MetaMessage("key_signature", key=_KEYS[minor][sharps + 7])))
    for beat, text in markers:
        said.append((beat, mido.MetaMessage("marker", text=text)))
    head, now = mido.MidiTrack(), 0
    for beat, message in sorted(said, key=lambda each: each[0]):
        tick = round(beat * TICKS)
        head.append(message.copy(time=tick - now))
        now = tick
    return head


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
