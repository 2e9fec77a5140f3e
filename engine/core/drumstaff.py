"""A drum part as drummers read it: every stroke in its drum's place on the staff, cymbals with crosses, each with the
drum that plays it; and as long as it takes to the next stroke, for a stroke has no end of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from engine.core.scoretext import STAFF

PLACES = {key: place for place, key in STAFF.items()} | {
    35: "F4", 46: "G5", 45: "B4", 50: "F5", 51: "F5", 53: "F5", 59: "F5", 55: "A5", 57: "A5", 52: "A5",
}  # fmt: skip
"""General MIDI's keys → places; elsewhere is the snare's."""
SNARE_PLACE = "C5"
CROSSED = frozenset({37, 39, 42, 44, 46, 49, 51, 52, 53, 54, 55, 57, 59, *range(69, 78)})
"""What is written with a cross: cymbals, and what is clapped, shaken or struck on wood."""
CHANNEL = 10
AFTER_HEAD = ("staff", "beam", "notations", "lyric")


def spans(onsets: Sequence[Fraction]) -> dict[Fraction, Fraction]:
    """How long strokes that begin at these beats are written: to the next one, or to the beat's end."""
    order = sorted(set(onsets))
    ends = [*order[1:], *(onset + 1 for onset in order[-1:])]
    return {onset: min(end, Fraction(onset // 1 + 1)) - onset for onset, end in zip(order, ends)}


def staved(xml: str, part: str) -> str:
    """A MusicXML document whose part of this id has pitches for strokes, with those strokes in their places."""
    from pretty_midi import note_number_to_drum_name  # here, because it takes a moment

    said = re.search(rf'<score-part id="{part}">.*?</score-part>', xml, re.DOTALL)
    bars = re.search(rf'<part id="{part}">.*?</part>', xml, re.DOTALL)
    assert said and bars
    struck: set[int] = set()
    written = re.sub(r"<note\b.*?</note>", lambda note: _stroke(note[0], part, struck), bars[0], flags=re.DOTALL)
    drums, keys = Element("drums"), Element("keys")
    for key in sorted(struck):
        drum = SubElement(drums, "score-instrument", id=f"{part}-{key}")
        SubElement(drum, "instrument-name").text = note_number_to_drum_name(key) or f"Drum {key}"
        played = SubElement(keys, "midi-instrument", id=f"{part}-{key}")
        SubElement(played, "midi-channel").text = str(CHANNEL)
        SubElement(played, "midi-unpitched").text = str(key + 1)  # MusicXML counts from 1
    kit = "".join(ElementTree.tostring(each, "unicode") for each in (*drums, *keys))
    head = re.sub(r"<score-instrument\b.*(?=</score-part>)", lambda _: kit, said[0], flags=re.DOTALL)
    return xml.replace(said[0], head).replace(bars[0], written)


def _stroke(text: str, part: str, struck: set[int]) -> str:
    """A note of a document, with its pitch as a drum; rests as they are. Its key is added to `struck`."""
    note = ElementTree.fromstring(text)
    pitch = note.find("pitch")
    if pitch is None:
        return text
    key = _key(pitch)
    struck.add(key)
    place = PLACES.get(key, SNARE_PLACE)
    pitch.clear()
    pitch.tag = "unpitched"
    for tag, value in zip(("display-step", "display-octave"), place):
        SubElement(pitch, tag).text = value
    for accidental in note.findall("accidental"):
        note.remove(accidental)
    tags = [each.tag for each in note]
    note.insert(tags.index("duration") + 1 + tags.count("tie"), Element("instrument", id=f"{part}-{key}"))
    if key in CROSSED:
        cross = Element("notehead")
        cross.text = "x"
        tags = [each.tag for each in note]
        note.insert(next((n for n, tag in enumerate(tags) if tag in AFTER_HEAD), len(tags)), cross)
    return ElementTree.tostring(note, "unicode")


def _key(pitch: Element) -> int:
    """The MIDI pitch that a note is written as."""
    step = "C.D.EF.G.A.B".index(pitch.findtext("step") or "C")
    return step + int(float(pitch.findtext("alter") or 0)) + 12 * (int(pitch.findtext("octave") or 4) + 1)
