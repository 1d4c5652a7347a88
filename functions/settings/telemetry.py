"""OpenTelemetry export: by the agent CLI in its pod, and by the functions.

There are two sections because an agent's pod and a function reach different collectors and may send different data.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from functions.settings.types import Endpoint, ProjectId, Section


def _full_name(protocol: Any) -> Any:
    """Return OpenTelemetry's name of the protocol; `http` alone stands for http/protobuf."""
    return "http/protobuf" if protocol == "http" else protocol


Protocol = Annotated[Literal["grpc", "http/protobuf", "http/json"], BeforeValidator(_full_name)]


class TelemetrySettings(Section):
    """OpenTelemetry export by the agent CLI."""

    enabled: bool = False
    otlp_endpoint: Annotated[Endpoint, Field(description="Collector of metrics, as URL or host:port.")] = ""
    otlp_protocol: Annotated[Protocol, Field(description="grpc, http/protobuf (or http), http/json.")] = "grpc"
    logs_endpoint: Annotated[Endpoint, Field(description="Collector of logs; empty: otlp_endpoint.")] = ""
    logs_protocol: Annotated[Protocol, Field(description="As otlp_protocol.")] = "grpc"

    @model_validator(mode="after")
    def _has_endpoint(self) -> Self:
        if self.enabled and not self.otlp_endpoint:
            raise ValueError("enabled is set without otlp_endpoint; set telemetry.otlp_endpoint too")
        return self


class ObservabilitySettings(Section):
    """Export of traces and metrics; logs are always written to standard error."""

    otlp_endpoint: Annotated[
        Endpoint,
        Field(description="Collector of OTLP over HTTP, as URL without /v1/... or host:port; empty: no export."),
    ] = ""
    otlp_headers: Annotated[
        dict[str, SecretStr], Field(description="HTTP headers for the collector, such as its token.")
    ] = {}
    project: Annotated[
        ProjectId, Field(description="Google Cloud project of the traces; empty: that of the queues.")
    ] = ""
