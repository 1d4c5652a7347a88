"""The settings of all functions but the webhook."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator
from pydantic_settings import SettingsConfigDict

from functions.runs.model.fields import DnsLabel
from functions.settings.access import AccessSettings
from functions.settings.agent import AgentSettings, ModelSettings, PermissionSettings, SecretSettings, ToolSettings
from functions.settings.broker import BrokerSettings
from functions.settings.cluster import ClusterSettings
from functions.settings.console import ConsoleSettings
from functions.settings.job import JobSettings
from functions.settings.limits import LimitSettings
from functions.settings.model_provider import ModelProviderSettings
from functions.settings.retention import RetentionSettings
from functions.settings.telemetry import TelemetrySettings
from functions.settings.webhook import WebhookSettings

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
"""The templates of this project."""


class Settings(WebhookSettings):
    """All settings; an unknown section is an error."""

    model_config = SettingsConfigDict(extra="forbid")

    namespace: DnsLabel = "orchestrator"
    templates: Annotated[Path, AfterValidator(Path.absolute)] = TEMPLATES
    job: JobSettings = JobSettings()
    agent: AgentSettings
    broker: BrokerSettings
    secrets: SecretSettings = SecretSettings()
    retention: RetentionSettings = RetentionSettings()
    limits: LimitSettings = LimitSettings()
    permissions: PermissionSettings = PermissionSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    model: ModelProviderSettings = ModelProviderSettings()
    models: ModelSettings = ModelSettings()
    tools: ToolSettings = ToolSettings()
    access: AccessSettings = AccessSettings()
    cluster: ClusterSettings = ClusterSettings()
    console: ConsoleSettings = ConsoleSettings()
