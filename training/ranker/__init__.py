"""Trains and measures the ranker of candidates."""
