"""All sections together."""

from pathlib import Path

from functions.runs.model.fields import DnsLabel
from functions.settings.access import AccessSettings
from functions.settings.agent import AgentSettings, ModelSettings, PermissionSettings, SecretSettings, ToolSettings
from functions.settings.auth import AuthSettings
from functions.settings.cluster import ClusterSettings
from functions.settings.job import JobSettings
from functions.settings.limits import LimitSettings, RetentionSettings
from functions.settings.telemetry import TelemetrySettings
from functions.settings.webhook import WebhookSettings

ROOT = Path(__file__).resolve().parents[2]


class Settings(WebhookSettings):
    """Everything that can be configured."""

    namespace: DnsLabel = "orchestrator"
    templates: Path = ROOT / "templates"
    job: JobSettings = JobSettings()
    agent: AgentSettings
    secrets: SecretSettings = SecretSettings()
    retention: RetentionSettings = RetentionSettings()
    limits: LimitSettings = LimitSettings()
    permissions: PermissionSettings = PermissionSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    models: ModelSettings = ModelSettings()
    tools: ToolSettings = ToolSettings()
    auth: AuthSettings = AuthSettings()
    access: AccessSettings = AccessSettings()
    cluster: ClusterSettings = ClusterSettings()
