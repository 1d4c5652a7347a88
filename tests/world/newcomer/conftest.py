"""The command line on submit functions and an embedded API server, as in tests/clients."""

from tests.clients.conftest import cli, docs, functions, home, namespace, repository

__all__ = ["cli", "docs", "functions", "home", "namespace", "repository"]
