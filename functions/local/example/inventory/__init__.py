"""Keeps count of what is in a shop."""
