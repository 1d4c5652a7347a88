"""The sections that the webhook needs: it must answer soon after its start, and loads no others."""

from functions.settings.github import GithubSettings
from functions.settings.queues import QueueSettings
from functions.settings.section import Section
from functions.settings.telemetry import ObservabilitySettings


class EdgeSettings(Section):
    """What is configured for a function that GitHub calls and that calls nobody but the queue."""

    observability: ObservabilitySettings = ObservabilitySettings()
    github: GithubSettings = GithubSettings()
    queues: QueueSettings = QueueSettings()
