"""One API server for all tests here; each test has its own namespace."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from functions.cluster.transport import Transport
from tests.support.api import Harness, api_server, transport

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Transport]:
    folder: Path = tmp_path_factory.mktemp("api")
    with api_server(folder / "state.sqlite") as url:
        yield transport(url, folder)


@pytest.fixture
def world(api: Transport) -> Harness:
    return Harness(api, f"test-{next(_numbers)}")
