"""Import OpenTelemetry, or skip the test without it."""

import os
from importlib import import_module
from typing import Any

import pytest

HINT = "install orchestrator[telemetry]"


def needed(name: str) -> Any:
    """Return OTLP's messages, or a module; without OpenTelemetry skip the test, under CI=true fail it."""
    short = name.rsplit(".", 1)[-1]
    module = f"{name}.v1.{short}_service_pb2" if ".collector." in name else name
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{error}: {HINT}")
        pytest.skip(f"OpenTelemetry is not installed: {HINT}")
