"""How Trombone's weights came to be: prepare, train, evaluate."""
