"""For tests of Melody: the shipped weights' folder, and three tunes that differ in all that a header says."""

from engine import CHECKPOINTS
from engine.melody.abc.canonical import Tune

SHIPPED = CHECKPOINTS / "melody"

TUNES = [
    Tune("|:A|dfa fdf|gbg efg|fdf ABc|d3 d2:|\n|:g|fga fdf|gbg efg|fdf ABc|d3 d2:|", "D", "6/8", "1/8", "jig", "One"),
    Tune("G2BG dGBG|A2cA eAcA|G2BG dGBG|FGAF G4:|\n|:g2bg dgbg|a2fa d4|g2bg dgbg|fdef g4:|", "G", "C|", "1/8", "reel"),
    Tune('e|"Am"AB c|"E7"BA G|"Am"AB c/B/|"Am"A2:|\n|:e|"Am"ed c|"E7"BA G|"Am"AB c/B/|"Am"A2:|', "Am", "3/4", "1/4"),
]  # fmt: skip


def collection() -> str:
    """24 tunes as a file of ABC, of which every side of a split gets some: these three, each with other notes for c."""
    text = ""
    for i, tune in enumerate(TUNES * 8):
        body = tune.body.replace("c", "ABdef"[i % 5]) if i >= 3 else tune.body
        text += f"X:{i}\nT:Tune number {'abcdefghijklmnopqrstuvwxyz'[i] * 5}\n{tune.header}{body}\n\n"
    return text
