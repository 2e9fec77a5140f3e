"""Repeats and jumps of a MusicXML file, so written that music21 plays them: in its words, and alike in all parts.

Programs write a D.C. or a Fine above the first part alone, in words of many languages; what is meant stands beside
them, as an attribute of a sound.
"""

from __future__ import annotations

import re
from copy import deepcopy
from xml.etree.ElementTree import Element, SubElement

SIGNS = ("segno", "coda")  # which stand for themselves
WORDS = {  # attribute of a sound → what is written where there is none, and what music21 understands
    "dacapo": (r"D\.?\s?C\b|da\s?capo\b", "D.C."), "dalsegno": (r"D\.?\s?S\b|dal\s?segno\b", "D.S."),
    "tocoda": (r"(?:to|da)\s?coda\b|al\s?coda\s*$", "To Coda"), "fine": (r"fine\s*\.?\s*$", "Fine"),
}  # fmt: skip
UPTO = re.compile(r"\bal(?:la)?\s+(fine|coda)", re.IGNORECASE)


def unfoldable(root: Element) -> None:
    """Write what orders the playing so that it is understood, in every part."""
    parts = [part.findall("measure") for part in root.iterfind("part")]
    jumps = [[_jumps(measure) for measure in part] for part in parts]
    names = {name for part in jumps for measure in part for name, _ in measure}
    usual = "Coda" if {"tocoda", "coda"} <= names else "Fine" if "fine" in names else ""
    for number in range(max(map(len, parts), default=0)):
        same = [(part[number], found[number]) for part, found in zip(parts, jumps) if number < len(part)]
        _jump_alike([measure for measure, _ in same], next((each for _, each in same if each), []), usual)
        _repeat_alike([measure for measure, _ in same])


def _jumps(measure: Element) -> list[tuple[str, str]]:
    """A bar's jumps and their goals, taken out of it: the attribute of each, and up to where it says to play."""
    out: list[tuple[str, str]] = []
    for each in list(measure):
        sound = each if each.tag == "sound" else each.find("sound") if each.tag == "direction" else None
        said = [name for name in (*WORDS, *SIGNS) if sound is not None and sound.get(name, "no") != "no"]
        text = " ".join("".join(words.itertext()).strip() for words in each.iter("words"))
        found = said or [name for name, (words, _) in WORDS.items() if re.match(words, text.strip(), re.IGNORECASE)][:1]
        signs = [name for name in SIGNS if each.find(f".//{name}") is not None or text.strip().lower() == name]
        found = found or (signs if each.tag == "direction" else [])
        upto = UPTO.search(text)
        out += [(name, upto[1].title() if upto else "") for name in found]
        if found and each.tag == "direction":
            for kind in each.findall("direction-type"):
                each.remove(kind)
            SubElement(SubElement(each, "direction-type"), "words")
    return out


def _jump_alike(measures: list[Element], jumps: list[tuple[str, str]], usual: str) -> None:
    """Write these into all bars of one time, goals at their beginning, jumps at their end."""
    for measure in measures:
        for name, upto in jumps:
            direction = Element("direction")
            kind = SubElement(direction, "direction-type")
            if name in SIGNS:
                SubElement(kind, name)
                measure.insert(0, direction)
                continue
            goes = f" al {upto or usual}" if name in ("dacapo", "dalsegno") and (upto or usual) else ""
            SubElement(kind, "words").text = WORDS[name][1] + goes
            measure.append(direction)


def _repeat_alike(measures: list[Element]) -> None:
    """Give all bars of one time the repeats and endings of the one that has most."""
    signs = [[line for line in bar.findall("barline") if line.find("repeat") is not None or line.find("ending")
              is not None] for bar in measures]  # fmt: skip
    counts = [sum(1 for line in lines for each in line if each.tag in ("repeat", "ending")) for lines in signs]
    most = max(counts, default=0)
    for measure, count in zip(measures, counts):
        if count < most:
            for line in measure.findall("barline"):
                measure.remove(line)
            for line in signs[counts.index(most)]:
                measure.insert(0 if line.get("location") == "left" else len(measure), deepcopy(line))
