"""Variation."""
