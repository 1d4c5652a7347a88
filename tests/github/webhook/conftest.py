"""The webhook and its queue."""

import pytest

from functions.serving.webhook_dependencies import WebhookDependencies
from tests.github.webhook.deliveries import Queue, services_over


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def services(queue: Queue) -> WebhookDependencies:
    return services_over(queue)
