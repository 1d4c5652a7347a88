"""A GitHub whose webhook answers as a test configures, and a sweep that may request redelivery."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from functions.github.api.client import connect
from tests.support.api import Harness
from tests.support.github import Github, serving
from tests.support.github.content import Repository
from tests.support.in_process_server import InProcessServer


@pytest.fixture
def world() -> Harness:
    return Harness(InProcessServer(), "orchestrator")


@pytest.fixture
def github(world: Harness) -> Iterator[Github]:
    with serving(Github(lambda: world.now)) as found:
        found.hook.send = lambda *_: 200
        world.services = replace(world.services, github=connect(found.settings(), lambda: world.now))
        yield found


@pytest.fixture
def shop(github: Github) -> Repository:
    return github.repository("acme/shop")
