"""The dependencies of the webhook: few, so that a cold start answers within GitHub's limit of 10 s."""

from dataclasses import dataclass

from functions.queues.publisher import Publisher
from functions.settings.webhook import WebhookSettings


@dataclass(frozen=True, slots=True)
class WebhookDependencies:
    """Settings, and the queue that deliveries are published to."""

    settings: WebhookSettings
    publisher: Publisher | None = None
    """None if no queue is configured; then deliveries are refused."""
