"""Fixtures of tests/life: requests to functions on an embedded API server."""

from tests.life.conftest import api, world

__all__ = ["api", "world"]
