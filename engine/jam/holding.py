"""A bar that was written over one chord, moved into another that a hand holds: at once, without the network.

    held_from(bar, half=1, chord=14, meter=(4, 4))      its second half over D minor, its first as it was

The bass keeps the degree that it plays of its chord; all others go to the nearest note of the new one. What still
sounds where the chord begins and is not of it is struck again there, as on an arranger keyboard.
"""

from __future__ import annotations

from dataclasses import replace

from engine import player
from engine.core.chords import QUALITIES
from engine.core.pianoroll import TRACKS

DRUMS, BASS = TRACKS.index("drums"), TRACKS.index("bass")
STEPS = tuple(QUALITIES.values())


def held_from(bar: player.Bar, half: int, chord: int, meter: tuple[int, int]) -> player.Bar:
    """The bar (in C) with its halves from this one on moved into a chord (engine.core.chords)."""
    begin = half * player.steps_of(meter, bar.grid) // 2
    before = bar.chords[half]
    lanes = {}
    for lane, notes in bar.lanes.items():
        moved = []
        for step, length, pitch in notes:
            to = pitch if lane == DRUMS else _moved(pitch, before, chord, bass=lane == BASS)
            if step >= begin:
                moved.append((step, length, to))
            elif step + length > begin and to != pitch:
                moved += [(step, begin - step, pitch), (begin, step + length - begin, to)]
            else:
                moved.append((step, length, pitch))
        longest: dict[tuple[int, int], int] = {}
        for step, length, pitch in moved:
            longest[step, pitch] = max(longest.get((step, pitch), 0), length)
        lanes[lane] = sorted((step, length, pitch) for (step, pitch), length in longest.items())
    chords = (chord, chord) if half == 0 else (bar.chords[0], chord)
    return replace(bar, lanes=lanes, chords=chords)


def notes_of(chord: int) -> tuple[int, ...]:
    """A chord's pitch classes, its root first."""
    quality, root = divmod(chord, 12)
    return tuple((root + step) % 12 for step in STEPS[quality])


def _moved(pitch: int, before: int, chord: int, *, bass: bool) -> int:
    """The pitch over another chord."""
    notes = notes_of(chord)
    old = notes_of(before) if before >= 0 else ()
    if bass and pitch % 12 in old:
        degree = old.index(pitch % 12)
        notes = (notes[degree if degree < len(notes) else 0],)
    return min((pitch + by for by in range(-6, 6) if (pitch + by) % 12 in notes), key=lambda to: abs(to - pitch))
