"""What Translation knows, without PyTorch."""

from engine import CHECKPOINTS

SYSTEM = "translation"
ROOT = CHECKPOINTS / SYSTEM
