"""How Variation's weights came to be: prepare, train, evaluate."""
