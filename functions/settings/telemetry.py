"""What is exported by OpenTelemetry: by the agent CLI of itself, and by the functions of themselves.

Two sections, because they are two places: an agent's pod and a function reach different collectors, and what one may
send the other need not.
"""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from functions.settings.section import Section


class TelemetrySettings(Section):
    """OpenTelemetry export by the agent CLI."""

    enabled: bool = False
    otlp_endpoint: str = ""
    otlp_protocol: Literal["grpc", "http/protobuf", "http/json"] = "grpc"
    logs_endpoint: str = ""
    logs_protocol: Literal["grpc", "http/protobuf", "http/json"] = "grpc"


class ObservabilitySettings(Section):
    """What the functions tell of themselves: logs always; traces and metrics where there is a collector."""

    otlp_endpoint: Annotated[
        str,
        Field(
            pattern=r"^(https?://[^\s]+)?$",
            description="Collector that takes OTLP over HTTP, without /v1/...; empty: nothing is sent.",
        ),
    ] = ""
    otlp_headers: Annotated[
        dict[str, SecretStr], Field(description="HTTP headers for the collector, such as its token.")
    ] = {}
    project: Annotated[str, Field(description="Google Cloud project of the traces; empty: that of the queues.")] = ""
