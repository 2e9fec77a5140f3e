"""Training: how every checkpoint came to be. ``python -m training.<system> prepare|train|evaluate --help``."""
