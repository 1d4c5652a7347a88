"""A fake GitHub for each test, and a client of the App, on a clock that the test advances.

`bench` delivers events to the functions; `reporting` has a run and the function that reports it to GitHub.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.cluster.transport import Transport
from functions.github.api.client import Github as Client
from functions.github.api.client import connect
from tests.github import report_bench
from tests.github.answers import is_listed
from tests.github.clock import Clock
from tests.github.delivery_bench import DeliveryBench
from tests.github.report_bench import ReportBench
from tests.support.api import api_server, transport
from tests.support.github import Github, serving

_numbers = itertools.count(1)


@pytest.fixture(scope="module", autouse=True)
def forgetting() -> Iterator[None]:
    """Drop the recorded answers of API servers after each module."""
    yield
    report_bench.past.cache_clear()


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
    """Yield one API server for all tests here."""
    folder: Path = tmp_path_factory.mktemp("api")
    with api_server(folder / "state.sqlite") as url:
        yield transport(url, folder)


@pytest.fixture
def namespace() -> str:
    """Return a new namespace for each test."""
    return f"test-{next(_numbers)}"


@pytest.fixture
def bench(api: Transport, namespace: str, github: Github, clock: Clock) -> Iterator[DeliveryBench]:
    yield DeliveryBench(api, namespace, github, clock)
    check_listed(github)


@pytest.fixture
def reporting() -> Iterator[ReportBench]:
    made = ReportBench()
    yield made
    check_listed(made.github)


def check_listed(github: Github) -> None:
    """Assert that every call of the functions is in the table of calls and answers."""
    assert {call for call in map(str, github.calls) if not is_listed(call)} == set()
