"""Whether a process exports traces and metrics, and the start of the export."""

from importlib.util import find_spec

from functions.settings.errors import SettingsError
from functions.settings.webhook import WebhookSettings
from functions.telemetry import current_telemetry
from functions.telemetry.current_telemetry import Telemetry


def check(settings: WebhookSettings) -> None:
    """Raise SettingsError if a collector is configured and the exporter is not installed."""
    if settings.observability.otlp_endpoint and not _is_installed():
        raise SettingsError(
            "setting observability.otlp_endpoint: the OpenTelemetry exporter is not installed; "
            "install orchestrator[telemetry], or leave the setting empty"
        )


def start(settings: WebhookSettings, function: str) -> None:
    """Export from now on, if a collector is configured. Call this in the process that answers, after a fork."""
    if settings.observability.otlp_endpoint:
        from functions.telemetry.otlp import OtlpExport  # needs the extra `telemetry`, which may not be installed

        current_telemetry.install(OtlpExport(settings.observability, function).telemetry())
    else:
        current_telemetry.install(Telemetry(function))


def _is_installed() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False
