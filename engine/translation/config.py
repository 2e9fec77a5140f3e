"""What Translation knows, without PyTorch."""

from engine import CHECKPOINTS

SYSTEM = "translation"
ROOT = CHECKPOINTS / SYSTEM
INSTRUMENTS = ("trombone", "trumpet", "flute", "clarinet", "saxophone", "violin", "cello")
