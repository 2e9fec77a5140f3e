"""How Translation's weights came to be: prepare, train, evaluate."""
