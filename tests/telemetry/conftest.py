"""An in-process API server for each test, and the log of the functions."""

from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from functions.telemetry import context
from tests.support.api import Harness
from tests.support.in_process_server import InProcessServer
from tests.telemetry.logged import Logged, logging_to


@pytest.fixture(autouse=True)
def no_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start without the fields that another test's handler bound outside of a request."""
    monkeypatch.setattr(context, "_FIELDS", ContextVar("fields", default={}))  # noqa: B039  (never mutated)


@pytest.fixture
def world() -> Harness:
    return Harness(InProcessServer(), "orchestrator")


@pytest.fixture
def logged() -> Iterator[Logged]:
    with logging_to() as found:
        yield found
