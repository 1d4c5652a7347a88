"""All sections together."""

from pathlib import Path

from functions.settings.access import AccessSettings
from functions.settings.agent import (
    AgentSettings,
    ModelSettings,
    PermissionSettings,
    SecretSettings,
    ToolSettings,
)
from functions.settings.auth import AuthSettings
from functions.settings.cluster import ClusterSettings
from functions.settings.fleet import LimitSettings, RetentionSettings
from functions.settings.github import GithubSettings
from functions.settings.job import JobSettings
from functions.settings.queues import QueueSettings
from functions.settings.section import Section
from functions.settings.telemetry import ObservabilitySettings, TelemetrySettings

ROOT = Path(__file__).resolve().parents[2]


class Settings(Section):
    """Everything that can be configured."""

    namespace: str = "orchestrator"
    templates: Path = ROOT / "templates"
    job: JobSettings = JobSettings()
    agent: AgentSettings
    secrets: SecretSettings = SecretSettings()
    retention: RetentionSettings = RetentionSettings()
    limits: LimitSettings = LimitSettings()
    permissions: PermissionSettings = PermissionSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    observability: ObservabilitySettings = ObservabilitySettings()
    github: GithubSettings = GithubSettings()
    models: ModelSettings = ModelSettings()
    tools: ToolSettings = ToolSettings()
    auth: AuthSettings = AuthSettings()
    access: AccessSettings = AccessSettings()
    queues: QueueSettings = QueueSettings()
    cluster: ClusterSettings = ClusterSettings()
