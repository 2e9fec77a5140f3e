"""For tests of Melody: the shipped weights' folder, and three tunes that differ in all that a header says."""

from engine import CHECKPOINTS
from engine.melody_text import Tune

SHIPPED = CHECKPOINTS / "melody"

TUNES = [
    Tune("|:A|dfa fdf|gbg efg|fdf ABc|d3 d2:|\n|:g|fga fdf|gbg efg|fdf ABc|d3 d2:|", "D", "6/8", "1/8", "jig", "One"),
    Tune("G2BG dGBG|A2cA eAcA|G2BG dGBG|FGAF G4:|\n|:g2bg dgbg|a2fa d4|g2bg dgbg|fdef g4:|", "G", "C|", "1/8", "reel"),
    Tune('e|"Am"AB c|"E7"BA G|"Am"AB c/B/|"Am"A2:|\n|:e|"Am"ed c|"E7"BA G|"Am"AB c/B/|"Am"A2:|', "Am", "3/4", "1/4"),
]  # fmt: skip
