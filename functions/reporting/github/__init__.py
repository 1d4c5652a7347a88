"""Keeps people on GitHub informed about runs: comment, check run and pull request."""
