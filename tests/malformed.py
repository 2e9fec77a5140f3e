"""Files that went wrong: real ones, cut, flipped, overwritten, renamed, swollen. The same seed makes the same files.

    for how, name, content in mutants("mid", 200): ...

What comes out may by luck still be a good file; who reads it has to tell.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import lru_cache
from random import Random

import numpy as np
import soundfile

from engine.core.audio import Audio, write_flac, write_wav
from engine.core.midi import write_midi
from engine.core.musicxml import write_musicxml
from engine.core.song import Note, Song, Track
from engine.takes.archive import export
from engine.takes.library import Library
from tests.studio import kept_as, tune

RATE = 16_000  # Hz
ABC = """X:1
T:The morning bus
R:jig
M:6/8
L:1/8
Q:3/8=110
K:D
|: "D"A|dfa "G"gbg|"D"fad "A"ecA|"D"dfa "G"g2b|"A"a/g/f/e/ d2 :|
|: "Bm"B|(3ABA F2 A2|~d3 cBA|"G"[GB]2 z "A"c>ed|1 "D"d3 d2 :|2 "D"d3- d2 |]
"""
KINDS = ("mid", "musicxml", "mxl", "abc", "wav", "flac", "ogg", "mp3", "zip")


def tone(seconds: float = 0.4) -> np.ndarray:
    """float32 [frames]: an A with harmonics that comes and goes."""
    t = np.arange(int(seconds * RATE)) / RATE
    sound = sum(0.4**k * np.sin(2 * np.pi * 440 * (k + 1) * t) for k in range(5))
    return (0.4 * sound * np.sin(np.pi * t / seconds) ** 0.5).astype(np.float32)


@lru_cache
def original(kind: str) -> bytes:
    """A good file of this kind."""
    if kind == "mid":
        return write_midi(tune(5))
    if kind == "musicxml":
        return write_musicxml(Song((Track("Tune", 73).with_notes(Note(i / 2, 0.5, 60 + 2 * i) for i in range(12)),)))
    if kind == "mxl":
        container = b'<container><rootfiles><rootfile full-path="tune.xml"/></rootfiles></container>'
        return zipped({"META-INF/container.xml": container, "tune.xml": original("musicxml")})
    if kind == "abc":
        return ABC.encode()
    if kind == "zip":
        with tempfile.TemporaryDirectory() as folder:
            library = Library(folder)
            first = library.keep(kept_as(7, song=tune(5), texts={"abc": ABC.encode()}))
            sound = kept_as(3, "f" * 64, audio=Audio(tone(), RATE))
            library.keep(sound, parents=[first.id])
            return export(library, library.takes())
    if kind == "wav":
        return write_wav(Audio(tone(), RATE))
    if kind == "flac":
        return write_flac(Audio(tone(), RATE))
    file = io.BytesIO()
    soundfile.write(file, tone(), RATE, format=kind.upper())
    return file.getvalue()


# ---- what can go wrong with any file: (chance, content) -> content ---------------------------------------------------


def cut(chance: Random, content: bytes) -> bytes:
    return content[: chance.randrange(len(content))]


def headless(chance: Random, content: bytes) -> bytes:
    return content[chance.randrange(1, min(64, len(content))) :]


def flipped(chance: Random, content: bytes) -> bytes:
    out = bytearray(content)
    for _ in range(chance.choice((1, 3, 10, 40))):
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


def flipped_early(chance: Random, content: bytes) -> bytes:
    return flipped(chance, content[:64]) + content[64:]


def erased(chance: Random, content: bytes) -> bytes:
    at, size = chance.randrange(len(content)), chance.randrange(1, 200)
    return content[:at] + bytes([chance.choice((0, 255))]) * size + content[at + size :]


def noisy(chance: Random, content: bytes) -> bytes:
    at, size = chance.randrange(len(content)), chance.randrange(1, 400)
    return content[:at] + chance.randbytes(size) + content[at:]


def doubled(chance: Random, content: bytes) -> bytes:
    at, size = chance.randrange(len(content)), chance.randrange(1, len(content))
    return content[:at] + content[at : at + size] * chance.randrange(2, 5) + content[at + size :]


def wrong_number(chance: Random, content: bytes) -> bytes:
    """Four bytes that may be a length, a rate or a count say something enormous."""
    at = chance.randrange(max(1, min(len(content) - 4, 256)))
    return content[:at] + chance.choice((b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\x80")) + content[at + 4 :]


def random_after_the_head(chance: Random, content: bytes) -> bytes:
    return content[: chance.choice((4, 8, 14, 22, 44))] + chance.randbytes(chance.randrange(2_000))


def another_type(chance: Random, content: bytes) -> bytes:
    others = [original(kind) for kind in KINDS]
    foreign = [b"", b"\n" * 9, b"\xff\xd8\xff\xe0JFIF" + bytes(900), b"%PDF-1.7\n", b"<html>no</html>", bytes(999)]
    return chance.choice([*[other for other in others if other[:4] != content[:4]], *foreign])


ANY = (cut, headless, flipped, flipped_early, erased, noisy, doubled, wrong_number, random_after_the_head, another_type)


# ---- what can go wrong with one kind ---------------------------------------------------------------------------------


def odd_text(chance: Random, content: bytes) -> bytes:
    """Characters that do not belong there, and lines in another order."""
    lines = content.decode().split("\n")
    for _ in range(chance.randrange(1, 6)):
        line = chance.randrange(len(lines))
        at = chance.randrange(len(lines[line]) + 1)
        odd = chance.choice(("|", ":|", "[", "]", "(9", "/0", "999", "\0", "♪", "<b>", '"', "K:H", "M:0/0", "L:1/0"))
        lines[line] = lines[line][:at] + odd * chance.choice((1, 1, 60)) + lines[line][at:]
    if chance.random() < 0.3:
        chance.shuffle(lines)
    return "\n".join(lines).encode(chance.choice(("utf-8", "utf-16")))


def odd_events(chance: Random, content: bytes) -> bytes:
    """A MIDI file with an event in it that no music has."""
    at = content.index(b"MTrk", 20) + 8
    event = chance.choice((
        b"\0\xff\x51\x03\0\0\0", b"\0\xff\x51\x03\xff\xff\xff", b"\0\xff\x51\x03\0\0\1", b"\0\xff\x51\x00",
        b"\0\xff\x58\x04\0\0\0\0", b"\0\xff\x58\x04\x07\x08\x18\x08", b"\0\xff\x59\x02\x7f\x7f",
        b"\xff\xff\xff\x7f\x90\x3c\x40", b"\0\xff\x03\xff\xff\xff\x7f", b"\0\x90\xff\xff", b"\0\xf0\xff\xff", b"\0\xf4",
    ))  # fmt: skip
    size = int.from_bytes(content[at - 4 : at], "big") + len(event)
    return content[: at - 4] + size.to_bytes(4, "big") + event + content[at:]


def odd_sound(chance: Random, content: bytes) -> bytes:
    """A sound that is well written and no recording: not numbers, silent, many channels, an odd rate, too short."""
    sound, rate = tone(0.1), RATE
    what = chance.randrange(6)
    if what == 0:
        sound[chance.randrange(len(sound))] = chance.choice((np.nan, np.inf, -np.inf, 1e30))
    elif what == 1:
        sound = sound * np.float32(chance.choice((0, 1e-6)))
    elif what == 2:
        sound = np.tile(sound[:, None], (1, chance.randrange(3, 30)))
    elif what == 3:
        rate = chance.choice((1, 100, 3_999, 500_000))
    elif what == 4:
        sound = sound[: chance.randrange(40)]
    else:
        sound[:] = chance.random()
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format="WAV", subtype="FLOAT")
    return file.getvalue()


def odd_takes(chance: Random, content: bytes) -> bytes:
    """An export in which one field says something else, or one file holds something else."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    head = json.loads(files["takes.json"])
    entry = chance.choice(head["takes"])
    odd = (None, [], {}, -1, 2**70, 1e400, float("nan"), "", "\ud800", "../../x", "x" * 99_999, ["song.mid"] * 3)
    if (what := chance.randrange(6)) == 0:
        name = chance.choice([name for name in files if name != "takes.json"])
        files[name] = chance.choice(ANY)(chance, files[name])
    elif what == 1:
        head[chance.choice(("format", "takes"))] = chance.choice(odd)
    elif what == 2:
        head["takes"].append(entry if chance.random() < 0.5 else chance.choice(odd))
    elif what == 3:
        entry["settings"] = {"bars": chance.choice(odd)}
    elif what == 4:
        del entry[chance.choice(list(entry))]
    else:
        entry[chance.choice(list(entry))] = chance.choice(odd)
    return zipped({**files, "takes.json": json.dumps(head).encode()})


def bomb(chance: Random, content: bytes) -> bytes:
    """A zip whose directory says that one of its files unpacks to two gigabytes."""
    at = content.index(b"PK\1\2", content.index(b"PK\1\2") + chance.randrange(2)) + 24
    return content[:at] + b"\xff\xff\xff\x7f" + content[at + 4 :]


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


OWN: dict[str, tuple[Callable[[Random, bytes], bytes], ...]] = {
    "mid": (odd_events,),
    "abc": (odd_text, odd_text, odd_text),
    "wav": (odd_sound, odd_sound),
    "zip": (odd_takes, odd_takes, odd_takes, odd_takes, bomb),
}


def mutants(kind: str, count: int, seed: int = 7) -> Iterator[tuple[str, str, bytes]]:
    """(what was done, file name, content) of `count` files that were once a good file of this kind."""
    chance = Random(f"{kind} {seed}")
    ways = [*ANY, *OWN.get(kind, ())]
    for number in range(count):
        way = ways[number % len(ways)]
        content = way(chance, original(kind))
        yield way.__name__, f"<b>{number}</b>.{kind}", content
