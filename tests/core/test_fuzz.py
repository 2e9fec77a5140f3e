"""MIDI and MusicXML that nobody wrote: files made of parts that fit and parts that do not, ten seconds of each kind.

Whatever comes, it is a song that everything after it can take, or one sentence.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from engine import RequestError
from engine.core.midi import read_midi, write_midi
from engine.core.musicxml import read_musicxml
from engine.core.song import Song
from engine.trombone.phrasing import melody
from engine.variation.bars import read

SECONDS, LONG = 10.0, 180.0
EXAMPLES = 100  # of one seed


def sound(song: Song) -> None:
    """A song is what everything after its reading relies on."""
    notes = [note for track in song.tracks for note in track.notes]
    assert notes and all(
        n.onset >= 0 and n.duration > 0 and 0 <= n.pitch <= 127 and 1 <= n.velocity <= 127 for n in notes
    )
    lines = song.bar_lines()
    assert lines[-1] >= song.beats - 1e-6 and (np.diff(lines) > 0).all() and song.seconds > 0
    again = read_midi(write_midi(song))
    assert again.bars >= len({round(480 * line) for line in lines}) - 2 and 0 < again.notes <= song.notes
    for use in (read, melody):
        try:
            assert use(song)
        except RequestError as refusal:
            assert_sentence(refusal)


def assert_sentence(refusal: RequestError) -> None:
    assert re.fullmatch(r"\S[^\n]{10,250}[.)]", str(refusal)) and "Error" not in str(refusal)


def fuzz(files: st.SearchStrategy[bytes], reader: Callable[[bytes], Song], seconds: float) -> None:
    """Read files for this long, a hundred a seed; how many were songs has to be more than none."""
    songs, number, until = 0, 0, time.monotonic() + seconds

    def one(content: bytes) -> None:
        nonlocal songs
        try:
            song = reader(content)
        except RequestError as refusal:
            assert_sentence(refusal)
        else:
            sound(song)
            songs += 1

    quick = settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
                     suppress_health_check=list(HealthCheck))  # fmt: skip
    while time.monotonic() < until:
        seed(number)(quick(given(files)(one)))()
        number += 1
    assert songs


# ---- MIDI ------------------------------------------------------------------------------------------------------------


def length(number: int) -> bytes:
    """A number as MIDI writes it, seven bits a byte."""
    out = [number & 127]
    while number := number >> 7:
        out.append(number & 127 | 128)
    return bytes(reversed(out))


BYTE = st.integers(0, 255)
DATA = st.integers(0, 127)
DELTA = st.one_of(
    st.sampled_from([0, 0, 0, 1, 120, 160, 240, 480]), st.integers(0, 2000), st.integers(0, 2**28 - 1)
).map(length)
VOICE = st.builds(lambda s, a, b: bytes((s, a, b)), st.sampled_from([0x90, 0x80, 0x99, 0x91, 0xB0, 0xE0]), DATA, DATA)
NOTE = st.builds(
    lambda channel, pitch, loud, ticks: bytes((0x90 | channel, pitch, loud))
    + length(ticks) + bytes((0x80 | channel, pitch, 0)),
    st.integers(0, 15), DATA, DATA, st.integers(0, 2000),
)  # fmt: skip
CONTROL = st.builds(lambda c, v: bytes((0xB0, c, v)), st.sampled_from([0, 64, 120, 121, 123, 126]), DATA)
PROGRAM = st.builds(lambda c, p: bytes((0xC0 | c, p)), st.integers(0, 15), DATA)
META = st.builds(
    lambda kind, body: bytes((0xFF, kind)) + length(len(body)) + body,
    st.one_of(st.sampled_from([0x51, 0x58, 0x59, 0x03, 0x2F, 0x54]), DATA),
    st.one_of(
        st.binary(max_size=8), st.sampled_from([b"\x07\xa1\x20", b"\x03\x02\x18\x08", b"\x07\x03\x18\x08", b"\xfe\1"])
    ),
)
SYSEX = st.builds(
    lambda body: b"\xf0" + length(len(body)) + body,
    st.one_of(st.binary(max_size=12), st.just(b"\x41\x10\x42\x12\x40\x11\x15\x01\x19\xf7")),
)
RUNNING = st.builds(lambda a, b: bytes((a, b)), DATA, DATA)
EVENT = st.builds(lambda d, e: d + e, DELTA, st.one_of(NOTE, NOTE, NOTE, VOICE, CONTROL, PROGRAM, META, SYSEX, RUNNING))


@st.composite
def chunk(draw: st.DrawFn) -> bytes:
    body = b"".join(draw(st.lists(EVENT, max_size=30))) + draw(st.sampled_from([b"\0\xff\x2f\0", b"\0\xff\x2f\0", b""]))
    size = draw(
        st.one_of(st.just(len(body)), st.just(len(body)), st.integers(0, 2 * len(body)), st.integers(0, 2**32 - 1))
    )
    return draw(st.sampled_from([b"MTrk", b"MTrk", b"MTrk", b"MTrk", b"XFIH"])) + size.to_bytes(4, "big") + body


@st.composite
def midi(draw: st.DrawFn) -> bytes:
    """A MIDI file, mostly well formed, then now and then cut or overwritten."""
    division = draw(st.one_of(st.sampled_from([480, 96, 1, 0xE728, 0xE250]), st.integers(0, 65535)))
    tracks = draw(st.lists(chunk(), min_size=1, max_size=4))
    count = draw(st.one_of(st.just(len(tracks)), st.integers(0, 9)))
    head = b"MThd\0\0\0\6" + b"".join(n.to_bytes(2, "big") for n in (draw(st.integers(0, 2)), count, division))
    content = bytearray(head + b"".join(tracks))
    for at, byte in draw(st.lists(st.tuples(st.integers(0, 400), BYTE), max_size=3)):
        if at < len(content):
            content[at] = byte
    return bytes(content[: draw(st.one_of(st.none(), st.integers(0, len(content))))])


# ---- MusicXML --------------------------------------------------------------------------------------------------------

NUMBER = st.sampled_from([*"12345678"] * 8 + ["0", "-2", "300", "x"])
PITCH = st.builds(
    lambda s, a, o: f"<pitch><step>{s}</step><alter>{a}</alter><octave>{o}</octave></pitch>",
    st.sampled_from("CDEFGAB" * 4 + "H"), st.sampled_from(["0", "1", "-1", "0.5"] * 4 + ["9"]),
    st.sampled_from(["4", "5", "0"] * 8 + ["12", "-3"]),
)  # fmt: skip
SOUND = st.one_of(PITCH, PITCH, PITCH, st.sampled_from(["<rest/>", "<unpitched/>", "<chord/>", "<grace/>", ""]))
INSIDE = st.sampled_from([
    "", '<tie type="start"/>', '<tie type="stop"/>', "<dot/>", "<voice>2</voice>", "<type>eighth</type>",
    "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>",
    "<notations><ornaments><trill-mark/></ornaments></notations>", "<lyric><text>la</text></lyric>",
])  # fmt: skip
XML_NOTE = st.builds(lambda s, d, i: f"<note>{s}<duration>{d}</duration>{i}</note>", SOUND, NUMBER, INSIDE)
ATTRIBUTES = st.builds(
    lambda d, f, b, t: f"<attributes><divisions>{d}</divisions><key><fifths>{f}</fifths></key>"
    f"<time><beats>{b}</beats><beat-type>{t}</beat-type></time></attributes>",
    NUMBER, NUMBER, st.one_of(NUMBER, st.just("3+2")), st.sampled_from(["4", "8", "2"] * 8 + ["3", "0"]),
)  # fmt: skip
MARK = st.sampled_from([
    '<direction><sound tempo="90"/></direction>', '<direction><sound tempo="0"/></direction>',
    '<barline location="right"><repeat direction="backward"/></barline>',
    '<barline><repeat direction="forward"/></barline>',
    '<barline location="left"><ending number="1" type="start"/></barline>', "<backup><duration>4</duration></backup>",
    '<barline location="right"><ending number="1" type="stop"/><repeat direction="backward" times="3"/></barline>',
    "<forward><duration>9</duration></forward>", "<backup><duration>900</duration></backup>", "<print/>",
    "<direction><direction-type><metronome><beat-unit>quarter</beat-unit><per-minute>c. 80</per-minute></metronome>"
    "</direction-type></direction>", '<direction><sound dacapo="yes"/></direction>', "<harmony><root/></harmony>",
])  # fmt: skip
MEASURE = st.builds(
    lambda n, parts: f'<measure number="{n}">{"".join(parts)}</measure>',
    NUMBER, st.lists(st.one_of(XML_NOTE, XML_NOTE, XML_NOTE, XML_NOTE, ATTRIBUTES, MARK), max_size=8),
)  # fmt: skip


@st.composite
def musicxml(draw: st.DrawFn) -> bytes:
    """A score, mostly well formed, then now and then cut or overwritten."""
    measures = "".join(draw(st.lists(MEASURE, min_size=1, max_size=4)))
    first = draw(st.sampled_from(["<attributes><divisions>2</divisions></attributes>", ""]))
    name = draw(st.sampled_from(["Flute", "", "<b>x</b>", "ﬂ"]))
    text = (
        '<?xml version="1.0"?><score-partwise><part-list>'
        f'<score-part id="P1"><part-name>{name}</part-name></score-part></part-list>'
        f'<part id="{draw(st.sampled_from(["P1", "P1", "P1", "P2"]))}">'
        f'<measure number="0">{first}{draw(XML_NOTE)}</measure>{measures}</part></score-partwise>'
    ).encode()
    content = bytearray(text)
    for at, byte in draw(st.lists(st.tuples(st.integers(0, 2000), BYTE), max_size=draw(st.sampled_from([0, 0, 0, 2])))):
        if at < len(content):
            content[at] = byte
    return bytes(content[: draw(st.one_of(st.none(), st.none(), st.integers(0, len(content))))])


KINDS = {"midi": (midi(), read_midi), "musicxml": (musicxml(), read_musicxml)}


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_comes_is_a_song_or_a_sentence(kind):
    fuzz(*KINDS[kind], SECONDS)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_comes_for_minutes_is_a_song_or_a_sentence(kind):
    fuzz(*KINDS[kind], LONG)
