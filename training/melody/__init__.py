"""Melody."""
