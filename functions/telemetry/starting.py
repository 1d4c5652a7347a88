"""Whether a process exports, and what it needs for that."""

from importlib.util import find_spec

from functions.settings import SettingsError
from functions.settings.webhook import WebhookSettings
from functions.telemetry import sink


def check(settings: WebhookSettings) -> None:
    """Raises SettingsError where export is asked for and cannot be."""
    if settings.observability.otlp_endpoint and not _installed():
        raise SettingsError(
            "setting observability.otlp_endpoint: OpenTelemetry is not installed; "
            "install orchestrator[telemetry], or leave the setting empty"
        )


def start(settings: WebhookSettings, function: str) -> None:
    """Exports from here on, if a collector is configured; called in the process that answers, not before a fork."""
    if settings.observability.otlp_endpoint:
        from functions.telemetry.otlp import Otlp

        sink.install(Otlp(settings.observability, function))


def _installed() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False
