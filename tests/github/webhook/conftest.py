"""The webhook between a delivery and a queue."""

import pytest

from functions.serving.dependencies import Services
from tests.github.webhook.deliveries import Queue, services_over


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def services(queue: Queue) -> Services:
    return services_over(queue)
