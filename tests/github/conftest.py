"""A GitHub of its own for each test, and a client of the App there, on a clock that the test moves."""

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from functions.cluster.transport import Transport
from functions.github.client import Github as Client
from functions.github.client import connect
from tests.support.api import api_server, transport
from tests.support.builders import NOW
from tests.support.github import Github, serving

_numbers = itertools.count(1)


class Clock:
    """The time, which a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def github(clock: Clock) -> Iterator[Github]:
    with serving(Github(clock)) as found:
        yield found


@pytest.fixture
def client(github: Github, clock: Clock) -> Client:
    return connect(github.settings(), clock)


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Transport]:
    """One API server for all tests here."""
    folder: Path = tmp_path_factory.mktemp("api")
    with api_server(folder / "state.sqlite") as url:
        yield transport(url, folder)


@pytest.fixture
def namespace() -> str:
    """A namespace of its own for each test."""
    return f"test-{next(_numbers)}"
