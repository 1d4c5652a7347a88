"""Counts the items in a shop."""
