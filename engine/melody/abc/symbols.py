"""Chord symbols as they are written above a staff."""

from __future__ import annotations

from engine.core.chords import SILENCE, chord_of


def chord_pitches(symbol: str) -> tuple[int, ...]:
    """MIDI pitches of a chord symbol: a bass note and the chord above it; none for what is no chord symbol."""
    chord = chord_of(symbol)
    return chord.pitches if chord else ()


def is_symbol(text: str) -> bool:
    """Whether it names a chord, or says that none is played."""
    return bool(SILENCE.fullmatch(text) or chord_of(text))
