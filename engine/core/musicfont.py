"""verovio's signs of music as a font for text: the notes of tempi, the sharps and flats of chords.

verovio draws what stands on a staff, and writes what stands in words with a font of its own, which it has as outlines
only: they become an OpenType font of the signs that are asked for.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

FAMILY = "Leipzig"


def font_of(signs: Iterable[str]) -> bytes:
    """An OpenType font of these characters, of those that verovio has an outline of. Same signs, same bytes."""
    import verovio  # here, because few want a score
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.t2CharStringPen import T2CharStringPen
    from fontTools.svgLib.path import parse_path

    data = Path(verovio.__file__).with_name("data")
    table = ElementTree.parse(data / f"{FAMILY}.xml").getroot()
    outlines, advances = {".notdef": T2CharStringPen(0, None).getCharString()}, {".notdef": (0, 0)}
    known = {f"{ord(sign):04X}": sign for sign in sorted(set(signs))}
    names = {}
    for glyph in table.iter("g"):
        code = glyph.get("c", "")
        if code in known:
            advance = round(float(glyph.get("h-a-x", 0)))
            pen = T2CharStringPen(advance, None)
            for path in ElementTree.parse(data / FAMILY / f"{code}.xml").iter("path"):
                parse_path(path.get("d", ""), pen)
            names[ord(known[code])] = name = f"uni{code}"
            outlines[name], advances[name] = pen.getCharString(), (advance, 0)
    em = int(table.get("units-per-em", 1000))
    font = FontBuilder(em, isTTF=False)
    font.setupGlyphOrder([*outlines])
    font.setupCharacterMap(names)
    font.setupCFF(FAMILY, {}, outlines, {})
    font.setupHorizontalMetrics(advances)
    font.setupHorizontalHeader(ascent=em, descent=-em)
    font.setupNameTable({"familyName": FAMILY, "styleName": "Regular", "psName": FAMILY})
    font.setupOS2()
    font.setupPost()
    font.updateHead(created=0, modified=0)
    font.font.recalcTimestamp = False
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()
