"""Trains and measures the planner of Band's pieces."""
