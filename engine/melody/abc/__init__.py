"""ABC notation: read, made canonical, and turned into notes."""
