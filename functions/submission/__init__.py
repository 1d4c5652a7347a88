"""Turns a request into exactly one run."""
