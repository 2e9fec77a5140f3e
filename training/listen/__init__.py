"""Training of the network that hears a line's notes (engine/listen)."""
