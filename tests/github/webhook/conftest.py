"""The webhook between a delivery and a queue."""

import pytest

from functions.serving.dependencies import Dependencies
from tests.github.webhook.deliveries import Queue, services_over


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def services(queue: Queue) -> Dependencies:
    return services_over(queue)
