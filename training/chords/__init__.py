"""Training of the networks that hear chords, and that find them for a tune (engine/core/harmony.py)."""
