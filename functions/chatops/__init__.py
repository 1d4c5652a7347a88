"""Executes the commands that people give on GitHub."""
