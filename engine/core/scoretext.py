"""A MusicXML file's text as music21 takes it: out of its zip, in one encoding, mended where music21 would stumble."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from engine import RequestError

MAX_TEXT = 32 * 2**20  # bytes of a score that was packed
LETTERS = "CDEFGAB"


def unpacked(source: bytes, name: str) -> bytes:
    """The text of a score. Refused when it is damaged, or no XML."""
    text = _out_of_zip(source, name) if source.startswith(b"PK") else source
    if b"<!ENTITY" in text.replace(b"\0", b""):
        raise RequestError(f"{name} is not a MusicXML score: it defines entities.")
    try:
        root = ElementTree.fromstring(text)  # in whatever encoding it says
        if root.tag == "score-timewise":
            root = _partwise(root)
        _mend(root)
        return ElementTree.tostring(root)
    except Exception:  # a parser met by hostile bytes may raise anything
        raise RequestError(f"{name} is not a MusicXML score that can be read.") from None


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
    for part in root.iterfind("part"):
        measure = part.find("measure")
        if measure is not None and part.find(".//divisions") is None:
            measure.insert(0, attributes := Element("attributes"))
            ElementTree.SubElement(attributes, "divisions").text = "1"
    for harmony in root.iter("harmony"):
        step, kind = harmony.find("root/root-step"), harmony.find("kind")
        if step is not None and kind is not None and (step.text or "") not in tuple(LETTERS):
            step.text, kind.text = "C", "none"
    for part in root.iter("score-part"):
        _strike(root, part)
    _silence(root)


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
    own = [each for each in root.iterfind("part") if keys and each.get("id") == part.get("id")]
    for note in (note for each in own for note in each.iter("note")):
        stroke, player = note.find("unpitched"), note.find("instrument")
        if stroke is not None:
            key = keys.get(player.get("id") if player is not None else None, next(iter(keys.values())))
            stroke.clear()
            stroke.tag = "pitch"
            for tag, value in zip(("step", "alter", "octave"), _spelled(key)):
                ElementTree.SubElement(stroke, tag).text = str(value)


def _spelled(key: int) -> tuple[str, int, int]:
    """Step, alter and octave of a MIDI pitch."""
    step = "CCDDEFFGGAAB"[key % 12]
    return step, int(key % 12 in (1, 3, 6, 8, 10)), key // 12 - 1
