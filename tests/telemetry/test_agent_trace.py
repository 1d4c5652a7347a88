"""The real Claude Code continues the trace of its pod: its exported records belong to it."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.agent.conftest import PARTS
from tests.agent.model_server import Model, says, serving
from tests.telemetry.collector import collecting
from tests.telemetry.traces import FIRST, ONE, SPAN


def test_claude_code_continues_the_trace_of_its_run(program: Callable[[str, str], str], tmp_path: Path) -> None:
    claude = program(str(PARTS / "claude"), "make parts, with npm installed")
    with collecting() as collector, serving(Model([says("done")])) as model:
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "ANTHROPIC_BASE_URL": model.url,
            "ANTHROPIC_API_KEY": "dummy",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_ENABLE_TELEMETRY": "1",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/json",
            "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": f"{collector.url}/v1/logs",
            "TRACEPARENT": FIRST,
        }
        done = subprocess.run(
            [claude, "-p", "hello", "--output-format", "json"],
            env=environ,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    records = collector.records()
    assert "claude_code.api_request" in [name for name, _, _ in records]
    assert {(trace, span) for _, trace, span in records} == {(ONE, SPAN)}
