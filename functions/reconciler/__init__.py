"""Moves one run towards its goal: observe, decide, act."""
