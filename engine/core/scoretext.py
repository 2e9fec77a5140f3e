"""A MusicXML file's text as music21 takes it: out of its zip, in one encoding, mended where music21 would stumble."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from engine import RequestError
from engine.core.scorejumps import unfoldable

MAX_TEXT = 32 * 2**20  # bytes of a score that was packed
LETTERS = "CDEFGAB"
SNARE = 38
STAFF = {"D4": 44, "F4": 36, "G4": 41, "A4": 43, "D5": 47, "E5": 48, "F5": 51, "G5": 42, "A5": 49}
"""Where the drums of a kit are written, as General MIDI's keys; elsewhere is the snare."""


@dataclass(frozen=True)
class Player:
    """Who plays a part, as its score says."""

    programs: tuple[int, ...] = ()  # General MIDI, 0..127, in the order in which they play
    names: tuple[str, ...] = ()  # from sounds (the last word first) to the part's own
    drums: bool = False  # whether there are strokes without pitch


def unpacked(source: bytes, name: str) -> tuple[bytes, list[Player]]:
    """A score's text, and who plays its parts. Refused when it is damaged, or no XML."""
    text = _out_of_zip(source, name) if source.startswith(b"PK") else source
    if b"<!ENTITY" in text.replace(b"\0", b""):
        raise RequestError(f"{name} is not a MusicXML score: it defines entities.")
    try:
        root = ElementTree.fromstring(text.lstrip(b" \t\r\n"))  # in whatever encoding it says
        for each in root.iter():
            each.tag = each.tag.rpartition("}")[2]  # MusicXML has no namespace of its own
        if root.tag == "score-timewise":
            root = _partwise(root)
        players = [_player(root, part) for part in root.iterfind("part")]
        _mend(root)
        return ElementTree.tostring(root), players
    except Exception:  # a parser met by hostile bytes may raise anything
        raise RequestError(f"{name} is not a MusicXML score that can be read.") from None


def _player(root: Element, part: Element) -> Player:
    said = next((each for each in root.iter("score-part") if each.get("id") == part.get("id")), Element("score-part"))
    numbers = [each.text or "" for tree in (said, *part.iter("sound")) for each in tree.iter("midi-program")]
    programs = [int(each) - 1 for each in numbers if each.strip().isdigit() and 1 <= int(each) <= 128]
    names = [" ".join((each.text or "").split(".")[::-1]) for each in said.iter("instrument-sound")]
    names += [each.text or "" for tag in ("instrument-name", "part-name") for each in said.iter(tag)]
    drums = part.find(".//unpitched") is not None
    return Player(tuple(dict.fromkeys(programs)), tuple(names), drums)


def _out_of_zip(source: bytes, name: str) -> bytes:
    """The score that a packed file names as its own, or else the first that is in it."""
    try:
        with zipfile.ZipFile(io.BytesIO(source)) as archive:
            names = [name for name in archive.namelist() if name.lower().endswith((".xml", ".musicxml"))]
            chosen = next((path for path in _named(archive) if path in archive.namelist()), None)
            with archive.open(chosen or next(name for name in names if not name.startswith("META-INF"))) as file:
                if len(text := file.read(MAX_TEXT + 1)) <= MAX_TEXT:
                    return text
    except Exception:  # of a damaged zip anything may be raised
        pass
    raise RequestError(f"{name} is not a packed MusicXML score that can be read.")


def _named(archive: zipfile.ZipFile) -> Iterator[str]:
    """The files that a container names, its score first."""
    try:
        with archive.open("META-INF/container.xml") as file:
            container = ElementTree.fromstring(file.read(MAX_TEXT))
    except (KeyError, ElementTree.ParseError):
        return
    yield from (path for each in container.iter() if (path := each.get("full-path")))


def _partwise(root: Element) -> Element:
    """A score that is written bar by bar, part by part."""
    out = Element("score-partwise")
    parts: dict[str | None, Element] = {}
    for each in root:
        if each.tag != "measure":
            out.append(each)
            continue
        for part in each.findall("part"):
            whole = parts.setdefault(part.get("id"), Element("part", part.attrib))
            whole.append(measure := Element("measure", each.attrib))
            measure.extend(list(part))
    out.extend(parts.values())
    return out


def _mend(root: Element) -> None:
    """Say what a score leaves out and music21 asks for: N is no chord."""
    for transpose in root.iter("transpose"):
        semitones = transpose.findtext("chromatic") or "0"
        if transpose.find("diatonic") is None and semitones.strip().lstrip("-").isdigit():
            steps = Element("diatonic")
            steps.text = str(round(int(semitones) * 7 / 12))
            transpose.insert(0, steps)
    for note in root.iterfind(".//note[duration]"):
        for tied in [] if note.find("tie") is not None else note.findall(".//tied"):
            ElementTree.SubElement(note, "tie", type=tied.get("type", ""))
    for harmony in root.iter("harmony"):
        step, kind = harmony.find("root/root-step"), harmony.find("kind")
        if step is not None and kind is not None and (step.text or "") not in tuple(LETTERS):
            step.text, kind.text = "C", "none"
    for part in root.iter("score-part"):
        _strike(root, part)
    for mend in (_frame, _silence, _time, unfoldable):
        mend(root)


def _frame(root: Element) -> None:
    """A list of parts, and how long a duration is."""
    if root.find("part-list") is None:
        root.insert(0, parts := Element("part-list"))
        for each in root.iterfind("part"):
            ElementTree.SubElement(parts, "score-part", id=each.get("id", ""))
    for part in root.iterfind("part"):
        measure = part.find("measure")
        if measure is not None and part.find(".//divisions") is None:
            measure.insert(0, attributes := Element("attributes"))
            ElementTree.SubElement(attributes, "divisions").text = "1"


def _time(root: Element) -> None:
    """Let tempi be those that sound, where a mark says them with words or as a note that is as long as another."""
    for direction in root.iter("direction"):
        sound = direction.find("sound[@tempo]")
        for kind in direction.findall("direction-type"):
            mark = kind.find("metronome")
            said = mark.find("per-minute") if mark is not None else None
            if mark is not None and sound is not None:
                kind.remove(mark)
                ElementTree.SubElement(kind, "words")
            elif said is not None and (number := re.search(r"\d+(?:\.\d+)?", said.text or "")):
                said.text = number[0]


def _silence(root: Element) -> None:
    """Cues, which nobody plays, are rests."""
    for note in root.iterfind(".//note[cue]"):
        for child in list(note):
            if child.tag in ("cue", "pitch", "unpitched", "notations"):
                note.remove(child)
        note.insert(int(note.find("chord") is not None), Element("rest"))


def _strike(root: Element, part: Element) -> None:
    """Give drum strokes the pitch that is their key; music21 forgets which instrument a stroke is of."""
    keys = {
        each.get("id"): int(said) - 1  # MusicXML counts from 1
        for each in part.iter("midi-instrument")
        if (said := each.findtext("midi-unpitched") or "").isdigit() and 1 <= int(said) <= 128
    }
    own = [each for each in root.iterfind("part") if each.get("id") == part.get("id")]
    for note in (note for each in own for note in each.iter("note")):
        stroke, player = note.find("unpitched"), note.find("instrument")
        if stroke is not None:
            place = f"{stroke.findtext('display-step')}{stroke.findtext('display-octave')}"
            usual = next(iter(keys.values()), STAFF.get(place, SNARE))
            key = keys.get(player.get("id") if player is not None else None, usual)
            stroke.clear()
            stroke.tag = "pitch"
            for tag, value in zip(("step", "alter", "octave"), _spelled(key)):
                ElementTree.SubElement(stroke, tag).text = str(value)


def _spelled(key: int) -> tuple[str, int, int]:
    """Step, alter and octave of a MIDI pitch."""
    step = "CCDDEFFGGAAB"[key % 12]
    return step, int(key % 12 in (1, 3, 6, 8, 10)), key // 12 - 1
