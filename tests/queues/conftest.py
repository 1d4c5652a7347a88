"""Fixtures of tests/contract/queue: a function that takes pushes."""

from tests.contract.queue.conftest import consumer

__all__ = ["consumer"]
