"""Chord symbols as they are written above a staff, read by pychord."""

from __future__ import annotations

import re
from functools import lru_cache

SPELLINGS = (  # of ABC's chord symbols, as pychord has them
    (r"[()\s]", ""), ("♯", "#"), ("♭", "b"), ("Δ7?", "maj7"), ("ø7?", "m7b5"), ("Maj", "maj"), (r"Min|min(?=\d)", "m"),
    (r"^([A-G][#b]?)7\+", r"\1aug7"), (r"^([A-G][#b]?)\+", r"\1aug"), (r"^([A-G][#b]?)[do°](?=$|/|7)", r"\1dim"),
)  # fmt: skip


@lru_cache(maxsize=1024)
def chord_pitches(symbol: str) -> tuple[int, ...]:
    """MIDI pitches of a chord symbol: a bass note and the chord above it; none for what is no chord symbol."""
    from pychord import Chord

    for pattern, spelling in SPELLINGS:
        symbol = re.sub(pattern, spelling, symbol)
    symbol = re.sub(r"/([a-g])", lambda match: "/" + match[1].upper(), symbol).replace("+", "#")
    name, slash, bass = symbol.partition("/")
    try:
        chord = Chord(name)
        root = Chord(bass).components(visible=False)[0] if slash else chord.components(visible=False)[0]
    except (ValueError, TypeError, KeyError, IndexError):
        return ()
    return (36 + root % 12, *sorted({48 + pitch % 12 for pitch in chord.components(visible=False)}))
