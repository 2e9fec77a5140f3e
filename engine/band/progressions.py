"""Chords that are common in a style, in roman numerals, so that they go in any key."""

from __future__ import annotations

COMMON = {
    "Four chords": "I | V | vi | IV",
    "Fifties": "I | vi | IV | V",
    "Circle": "I | vi | ii | V7",
    "Minor four": "vi | IV | I | V",
    "Minor walk down": "vi | V | IV | III7",
}
BY_STYLE = {
    "jazz": {
        "Two five one": "iim7 | V7 | Imaj7 | %",
        "Minor two five one": "viidim | III7 | vim7 | %",
        "Turnaround": "Imaj7 vim7 | iim7 V7",
        "Jazz blues": "I7 | IV7 | I7 | % | IV7 | % | I7 | VI7 | iim7 | V7 | I7 VI7 | iim7 V7",
    },
    "soul": {
        "Seventh vamp": "iim7 | V7",
        "Soul ballad": "Imaj7 | iiim7 | IVmaj7 | Vsus4",
        "Minor vamp": "vim7 | iim7",
    },
    "country": {"Three chords": "I | % | IV | I | I | % | V7 | I", "Train": "I | IV | V7 | I", **COMMON},
    "rock": {
        "Twelve-bar blues": "I7 | % | % | % | IV7 | % | I7 | % | V7 | IV7 | I7 | V7",
        "Mixolydian": "I | bVII | IV | I",
        **COMMON,
    },
    "punk": {"Three chords": "I | IV | V | IV", **COMMON},
    "classical": {
        "Canon": "I | V | vi | iii | IV | I | IV | V",
        "Cadence": "I | IV | V7 | I",
        "Minor cadence": "vi | ii | III7 | vi",
    },
    "game": {"Heroic": "IV | V | vi | %", "Mystery": "vi | bVII | IV | V", **COMMON},
    "electronic": {"Loop": "vi | IV | I | V", "Minor pedal": "vi | % | IV | V", **COMMON},
}  # fmt: skip
"""Style → what a progression is called → its chords; another style has the `COMMON` ones."""
MINOR = "vi"  # or vii, from where it goes home to vi


def of_style(genre: str) -> dict[str, str]:
    """The progressions of a style by name."""
    return BY_STYLE.get(genre, COMMON)


def of_mode(genre: str, minor: bool) -> str:
    """The style's first progression that begins in minor, or in major."""
    known = [*of_style(genre).values(), *COMMON.values()]
    return next(chords for chords in known if chords.startswith(MINOR) == minor)
