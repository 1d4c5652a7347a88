"""The same API server for all tests here."""

from tests.life.conftest import api

__all__ = ["api"]
