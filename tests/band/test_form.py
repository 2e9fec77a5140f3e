"""The letters of a piece's parts: phrases that come again have the letter of what they come from."""

from __future__ import annotations

import numpy as np

from engine.band.form import parts, returning

NEW, REST = 0, -1


def form(*phrases: list[int]) -> np.ndarray:
    """Four bars of each phrase, what it says of every player."""
    return np.array([phrase for phrase in phrases for _ in range(4)])


def test_a_phrase_of_which_half_comes_again_has_the_letter_of_its_source() -> None:
    assert returning(form([NEW, NEW], [4, 4], [NEW, NEW], [NEW, 12])) == ["A", "A", "B", "A"]
    assert returning(form([NEW, NEW], [4, REST], [NEW, REST], [4, REST])) == ["A", "A", "B", "B"]
    assert returning(form([NEW] * 3, [4, NEW, NEW])) == ["A", "B"], "one of three players does not make it the same"
    assert returning(form([1, 2])) == ["A"], "what repeats within itself is one phrase"


def test_parts_begin_at_bar_lines_and_are_none_where_nothing_comes_again() -> None:
    lines = [3.0 * bar for bar in range(11)]
    assert parts(["A", "B", "A"], lines) == [[0.0, "A"], [12.0, "B"], [24.0, "A"]]
    assert parts(["A", "B", "C"], lines) == []
