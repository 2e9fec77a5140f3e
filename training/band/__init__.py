"""Band."""
