"""How Band's weights came to be: prepare, train, evaluate."""
