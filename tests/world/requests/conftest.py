"""Requests to functions on an embedded API server, as in tests/life."""

from tests.life.conftest import api, world

__all__ = ["api", "world"]
