"""What is exported by OpenTelemetry: by the agent CLI of itself, and by the functions of themselves.

Two sections, because they are two places: an agent's pod and a function reach different collectors, and what one may
send the other need not.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from functions.settings.types import Section
from functions.settings.values import ProjectId, UrlOrNone


class TelemetrySettings(Section):
    """OpenTelemetry export by the agent CLI."""

    enabled: bool = False
    otlp_endpoint: UrlOrNone = ""
    otlp_protocol: Literal["grpc", "http/protobuf", "http/json"] = "grpc"
    logs_endpoint: UrlOrNone = ""
    logs_protocol: Literal["grpc", "http/protobuf", "http/json"] = "grpc"

    @model_validator(mode="after")
    def _sent_somewhere(self) -> Self:
        if self.enabled and not self.otlp_endpoint:
            raise ValueError("enabled is set without otlp_endpoint; set telemetry.otlp_endpoint too")
        return self


class ObservabilitySettings(Section):
    """What the functions tell of themselves: logs always; traces and metrics where there is a collector."""

    otlp_endpoint: Annotated[
        UrlOrNone, Field(description="Collector that takes OTLP over HTTP, without /v1/...; empty: nothing is sent.")
    ] = ""
    otlp_headers: Annotated[
        dict[str, SecretStr], Field(description="HTTP headers for the collector, such as its token.")
    ] = {}
    project: Annotated[
        ProjectId, Field(description="Google Cloud project of the traces; empty: that of the queues.")
    ] = ""
