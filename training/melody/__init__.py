"""How Melody's weights came to be: prepare, train, evaluate."""
