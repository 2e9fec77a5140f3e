"""Trombone."""
