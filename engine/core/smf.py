"""Standard MIDI Files as events, however they were written: cut short, in a RIFF, with foreign chunks, miscounted.

    scan(content) -> Scan       one `Events` a file track: its notes apart from all else, in file order, ticks absolute

What the events mean is midi.py. The libraries of the field stop at the first byte that is out of order; this one goes
on where a player would: a status byte is remembered across meta events and sysex, a chunk's length is believed only
where an event or another chunk agrees with it, and a file that ends early is what it holds so far.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NOTE_OFF, NOTE_ON, CONTROL, PROGRAM, BEND, SYSEX, META = 0x80, 0x90, 0xB0, 0xC0, 0xE0, 0xF0, 0xFF
_END_OF_TRACK = 0x2F
_SIZES = {0x00: 2, 0x20: 1, 0x21: 1, _END_OF_TRACK: 0, 0x51: 3, 0x54: 5, 0x58: 4, 0x59: 2}  # of meta events, by type
_TEXT = (*range(0x01, 0x10), 0x7F)  # meta events of text, and the sequencer's own
_ONE_BYTE = 0xC, 0xD  # what program changes and pressure have
_MOST = 0xFFFFFFF  # the largest number of variable length
_HIGHEST = 127  # of a note, as of all that is no status
_BEFORE = 1024  # bytes within which a file's head is looked for: of a MacBinary or a mail before it
_HEAD = 14  # bytes of a file's first chunk, with its name and length
_AGREE = 8  # events that tell where a text ends whose length is false
_FALSE = 16  # false lengths of text in a file that are looked into; what follows one more is text


class ScanError(ValueError):
    """The bytes are no MIDI file, or break off before its first track."""


@dataclass
class Events:
    """One file track."""

    notes: list[tuple[int, int, int, int]] = field(default_factory=list)  # tick, status byte, pitch, velocity
    others: list[tuple[int, int, int, int, bytes]] = field(default_factory=list)
    """tick, how many of `notes` came before, status byte (or META, SYSEX), first data byte or type, the rest"""
    end: int = 0  # tick of its end


@dataclass
class Scan:
    """A file: its form, its tracks, and whether bytes of it were missing or meant nothing."""

    form: int  # 0, 1 or 2
    division: int  # as written: ticks a beat, or frames and ticks a frame from 0x8000 on
    promised: int  # how many tracks its head names
    tracks: list[Events] = field(default_factory=list)
    cut: bool = False  # it ends inside of a track
    damaged: bool = False  # bytes in it are no event
    false: int = 0  # texts in it whose length reaches beyond the track


def scan(content: bytes) -> Scan:
    """All tracks of a file. Raises ScanError where there are none."""
    riff = content[:4] == b"RIFF" and content[8:12] == b"RMID"
    content = content[max(content.find(b"MThd", 0, None if riff else _BEFORE), 0) :]
    if content[:4] != b"MThd":
        raise ScanError("not a MIDI file")
    if len(content) < _HEAD:
        raise ScanError("a damaged MIDI file: it ends too early")
    size = int.from_bytes(content[4:8], "big")
    form, promised, division = (int.from_bytes(content[at : at + 2], "big") for at in (8, 10, 12))
    file = Scan(form, division, promised)
    at = 8 + size if 6 <= size <= 64 else _HEAD
    while 0 <= (at := _next_track(content, at)) < len(content):
        events = Events()
        at = _track(content, at, events, file)
        if any(pitch > _HIGHEST for _, _, pitch, _ in events.notes):
            events.notes, file.damaged = [note for note in events.notes if note[2] <= _HIGHEST], True
        file.tracks.append(events)
    if not file.tracks:
        raise ScanError("a damaged MIDI file: it has no tracks")
    return file


def _next_track(content: bytes, at: int) -> int:
    """Where the next track's chunk begins, foreign ones left out; -1 where there is none."""
    while content[at : at + 4] != b"MTrk":
        name, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "big")
        after = at + 8 + size
        if not (len(name) == 4 and name.isascii() and name.isalnum() and after < len(content)):
            return content.find(b"MTrk", at)
        at = after
    return at


def _track(content: bytes, at: int, events: Events, file: Scan) -> int:
    """The events of the chunk at `at`; where the next chunk is to be looked for."""
    begin, size = at + 8, int.from_bytes(content[at + 4 : at + 8], "big")
    stop = begin + size
    following = content.find(b"MTrk", min(stop, len(content)))
    limit = following if following >= 0 else len(content)  # a length that is too short is not believed
    wall = stop if stop == len(content) or content[stop : stop + 4] == b"MTrk" else 0
    try:
        end, ended = _events(content, begin, min(stop, len(content)), limit, events, file, wall)
    except IndexError:  # an event reaches past the last byte
        file.cut = True
        return len(content)
    except ValueError:  # bytes that are no event
        file.damaged = True
        return max(stop, begin) if content[stop : stop + 4] == b"MTrk" else begin
    if not ended and stop > len(content):
        file.cut = True
    return end if content[end : end + 4] == b"MTrk" else max(stop, end)


def _events(content: bytes, at: int, stop: int, limit: int, events: Events, file: Scan, wall: int) -> tuple[int, bool]:
    """Events from `at` on, past `stop` only where no chunk begins there: (where they end, whether they say so).
    No event reaches past `wall`, where that is known."""
    tick, status = 0, 0
    notes, others = events.notes, events.others
    while at < limit and (at < stop or content[at : at + 4].isalpha() is False):
        byte = content[at]
        at += 1
        if byte & 0x80:
            delta = byte & 0x7F
            while byte & 0x80:
                byte = content[at]
                at += 1
                delta = delta << 7 | byte & 0x7F
            if delta > _MOST:
                raise ValueError("no such number")
            tick += delta
        else:
            tick += byte
        events.end = tick
        byte = content[at]
        if byte & 0x80:
            at += 1
            if byte >= SYSEX:
                at, ended = _system(content, at, byte, tick, events, file, wall)
                if ended:
                    return at, True
                continue
            status = byte
        elif not status:
            raise ValueError("data without a status")
        first = content[at]
        if status < 0xA0:
            notes.append((tick, status, first, min(content[at + 1], 127)))
            at += 2
        else:
            rest = b"" if status >> 4 in _ONE_BYTE else bytes((min(content[at + 1], 127),))
            others.append((tick, len(notes), status, min(first, 127), rest))
            at += 1 + len(rest)
    return at, False


def _system(content: bytes, at: int, status: int, tick: int, events: Events, file: Scan, wall: int) -> tuple[int, bool]:
    """A meta event, sysex or system message whose status byte was read: (where it ends, whether the track ends). A
    length that reaches past `wall`, where that is known, is what its type has, a text's what there is before events go
    on, any other's what there is."""
    if status not in (META, SYSEX, 0xF7):
        return at + {0xF1: 1, 0xF2: 2, 0xF3: 1}.get(status, 0), False
    meta = content[at] if status == META else 0
    at += status == META
    size, byte = 0, 0x80
    while byte & 0x80:
        byte = content[at]
        at += 1
        size = size << 7 | byte & 0x7F
    if status == META and meta == _END_OF_TRACK:
        return at + size, True
    last = wall or len(content)
    if status == META and meta in _TEXT and at + size > last and (after := _text_ends(content, at, last, file)):
        size, file.damaged = after - at, True
    elif wall and at + size > wall:
        size, file.damaged = min(_SIZES.get(meta, wall) if status == META else wall, max(wall - at, 0)), True
    if at + size > len(content):
        raise IndexError
    events.others.append((tick, len(events.notes), META if status == META else SYSEX, meta, content[at : at + size]))
    return at + size, False


def _text_ends(content: bytes, at: int, last: int, file: Scan) -> int:
    """Where the events go on behind a text that begins at `at` and whose length reaches past `last`; 0 for nowhere."""
    file.false += 1
    places = range(at, min(at + _BEFORE, last)) if file.false <= _FALSE else ()
    return next((place for place in places if _agree(content, place, last)), 0)


def _agree(content: bytes, at: int, last: int) -> bool:
    """Whether bytes are events as they should be: the next `_AGREE`, or all up to the track's end before `last`."""
    status = 0
    for _ in range(_AGREE):
        for _ in range(4):
            at += 1
            if content[at - 1 : at] < b"\x80":
                break
        first = content[at : at + 1]
        if first >= b"\x80":
            at += 1
            if first[0] == META:
                head = content[at : at + 2] + b"\x80\x80"
                meta, size = head[0], head[1]
                at += 2 + size
                if meta == _END_OF_TRACK and at <= last:
                    return not size
                if size != _SIZES.get(meta, size) or size > _HIGHEST:
                    return False
                continue
            status = first[0]
        data = content[at : at + (1 if status >> 4 in _ONE_BYTE else 2)]
        at += len(data)
        if not NOTE_OFF <= status < SYSEX or at > last or any(byte > _HIGHEST for byte in data):
            return False
    return at <= last
