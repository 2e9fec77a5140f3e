"""What can be asked of Variation, without PyTorch."""

from engine import CHECKPOINTS

PATH = CHECKPOINTS / "variation"
LATENTS = (8, 16, 32, 64)
DEFAULT_LATENT = 32
MAX_NOISE = 2.0
KEEPS = ("rhythm", "pitches")
MAX_BARS = 64  # of a continuation
