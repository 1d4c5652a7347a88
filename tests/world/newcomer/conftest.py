"""Fixtures of tests/clients: the command line with submit functions and an embedded API server."""

from tests.clients.conftest import cli, docs, functions, home, namespace, repository

__all__ = ["cli", "docs", "functions", "home", "namespace", "repository"]
