"""The sections that the webhook needs. Its deployment configures no others, such as the agent's image."""

from functions.settings.auth import AuthSettings
from functions.settings.github import GithubSettings
from functions.settings.queues import QueueSettings
from functions.settings.sections import Configuration
from functions.settings.telemetry import ObservabilitySettings


class WebhookSettings(Configuration):
    """The configuration of a function that receives from GitHub and publishes to the queue, and does nothing else."""

    observability: ObservabilitySettings = ObservabilitySettings()
    github: GithubSettings = GithubSettings()
    queues: QueueSettings = QueueSettings()
    auth: AuthSettings = AuthSettings()
