"""Training: how every checkpoint came to be. ``python -m training prepare|train|evaluate SYSTEM --help``."""
