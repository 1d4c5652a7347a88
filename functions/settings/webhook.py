"""The sections that the webhook needs: it must answer soon after its start, and loads no others."""

from functions.settings.github import GithubSettings
from functions.settings.queues import QueueSettings
from functions.settings.telemetry import ObservabilitySettings
from functions.settings.types import Section


class WebhookSettings(Section):
    """What is configured for a function that GitHub calls and that calls nobody but the queue."""

    observability: ObservabilitySettings = ObservabilitySettings()
    github: GithubSettings = GithubSettings()
    queues: QueueSettings = QueueSettings()
