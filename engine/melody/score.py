"""Scores of tunes: MusicXML by music21, engraved as SVG by verovio, with the time at which each note is played.

verovio never sees ABC: its reader of ABC can abort the whole process. Both libraries keep state while they work, so one
lock serves them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from engine import RequestError
from engine.core.printing import LOCK, toolkit
from engine.melody.abc.canonical import Tune
from engine.melody.abc.notes import played_to_written, reading_of, usual_tempo
from engine.melody.abc.reading import Reading

WIDTH, NARROW, SCALE = 2100, 1050, 40  # of a page and of a phone's, in verovio's units; and in percent


@dataclass(frozen=True)
class Engraved:
    svg: str
    times: list[tuple[float, list[str]]]  # (beat as written, ids of the notes in the SVG that begin there)
    order: list[tuple[float, float, float]]  # (beat played, beat written, beats): where repeats lead


@lru_cache(maxsize=64)
def musicxml(tune: Tune, transpose: int = 0) -> bytes:
    """The tune as a MusicXML document. Refused when music21 cannot write it."""
    reading = reading_of(tune)
    with LOCK:
        from music21.musicxml.m21ToXml import GeneralObjectExporter

        from engine.melody.staff import notate, score_of  # here, because it brings music21

        try:
            stream = score_of(reading)
            if transpose:
                stream = stream.transpose(transpose)
            for part in stream.parts:
                _number(part)
            notate(stream)
            exporter = GeneralObjectExporter(stream)
            exporter.makeNotation = False
            content = bytes(exporter.parse())
        except Exception as error:  # music21 raises many kinds of its own for music that it cannot take
            raise RequestError(
                f"No score can be made of this tune: {type(error).__name__}: {str(error)[:120]}."
            ) from None
    # The day it was written and random part names would make every file another.
    text = re.sub(r"<encoding-date>.*?</encoding-date>", "<encoding-date>2000-01-01</encoding-date>", content.decode())
    for number, name in enumerate(dict.fromkeys(re.findall(r'id="([PI][0-9a-f]{32})"', text)), start=1):
        text = text.replace(name, f"{name[0]}{number}")
    if not any(mark.quarters and not time for time, mark in reading.tempi):  # what is heard, though no mark says so
        text = re.sub(r"(<measure [^>]*>)", rf'\1<sound tempo="{usual_tempo(tune):g}"/>', text, count=1)
    return text.encode()


def _number(part: Any) -> None:
    """Count bars as players do, from 1: a pickup is 0, and a short bar that completes the short one before it, as the
    pickup of a second section does, is part of that bar."""
    from music21.stream.enums import ShowNumber

    number, before = 0, 0.0
    for bar in part.getElementsByClass("Measure"):
        full, length = bar.barDuration.quarterLength, bar.duration.quarterLength
        if before and length and before + length == full:
            bar.numberSuffix, bar.showNumber = "a", ShowNumber.NEVER
            before = 0.0
        else:
            number += bool(number or length >= full)
            before = length if number and length < full else 0.0
        bar.number = number


@lru_cache(maxsize=64)
def engrave(tune: Tune, transpose: int = 0, width: int = WIDTH) -> Engraved:
    """The score on one page, `width` · `SCALE` / 100 pixels wide; kept for the tunes seen last. Refused when there can
    be none."""
    content = musicxml(tune, transpose)
    with LOCK:
        try:
            svg, entries = _drawn(content.decode(), width)
        except RequestError:
            raise
        except Exception as error:  # verovio is C++ behind generated code; what it raises is not documented
            words = str(error)[:120] or type(error).__name__
            raise RequestError(f"No score can be drawn of this tune: {words}.") from None
    return Engraved(svg, _times(entries, reading_of(tune)), played_to_written(tune))


def _drawn(content: str, width: int) -> tuple[str, list[dict[str, Any]]]:
    """A MusicXML document's picture, and when its notes begin."""
    kit = toolkit(
        pageWidth=width, pageHeight=60000, scale=SCALE, adjustPageHeight=True, header="none", footer="none",
        expandNever=True, pageMarginLeft=30, pageMarginRight=30, pageMarginTop=30, pageMarginBottom=30,
    )  # fmt: skip
    if not kit.loadData(content):
        raise RequestError("No score can be made of this tune: verovio does not take its MusicXML.")
    return kit.renderToSVG(1), kit.renderToTimemap({"includeMeasures": True})


def _times(entries: list[dict[str, Any]], reading: Reading) -> list[tuple[float, list[str]]]:
    """When notes begin as written. Verovio takes every bar for a full one, so its times count from the bar's start."""
    bars = max(reading.voices, key=lambda voice: len(voice.bars)).bars
    starts = [float(each.start) for each in bars] + [float(bars[-1].end)]
    out, bar, began = [], -1, 0.0
    for entry in entries:
        if "measureOn" in entry:
            bar, began = min(bar + 1, len(starts) - 1), float(entry["qstamp"])
        if entry.get("on"):
            out.append((starts[max(bar, 0)] + float(entry["qstamp"]) - began, list(entry["on"])))
    return out
