"""Melody: folk tunes in ABC by a character-level LSTM (see generate.py)."""

from engine.melody.abc.notes import read_abc

__all__ = ["read_abc"]
