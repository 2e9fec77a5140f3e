"""Chord symbols as they are written above a staff."""

from __future__ import annotations

from engine.core.chords import chord_of


def chord_pitches(symbol: str) -> tuple[int, ...]:
    """MIDI pitches of a chord symbol: a bass note and the chord above it; none for what is no chord symbol."""
    chord = chord_of(symbol)
    return chord.pitches if chord else ()
