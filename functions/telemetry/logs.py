"""Logs: one JSON object per line, in the structure that Cloud Logging reads.

The fields that say what a line is about are bound once (telemetry/context.py); a call may pass others as `extra`.
"""

import logging
from datetime import datetime
from typing import Any, TextIO

from opentelemetry.trace import format_span_id, format_trace_id
from pythonjsonlogger.core import LogData
from pythonjsonlogger.json import JsonFormatter

from functions.telemetry import context, tracing

FIELDS = ("run", "kind", "attempt", "delivery", "event", "reason", "code", "problems", "topic", "key")
"""The fields that a line may have besides its message; others are dropped, so that none reaches the log by accident."""

SPECIAL = "logging.googleapis.com/"
"""Prefix of the fields that Cloud Logging interprets (Structured logging: Special fields)."""

_ALWAYS = ("severity", "time", "message", "function", "stack_trace")


class JsonLines(JsonFormatter):
    """A line per record: severity, time, message, function, FIELDS and the trace.

    `project` is the Google Cloud project of the traces; without one a trace is named by its id alone.
    """

    def __init__(self, function: str = "", project: str = "") -> None:
        super().__init__(
            ["levelname", "message"],
            rename_fields={"levelname": "severity", "exc_info": "stack_trace"},
            static_fields={"function": function} if function else {},
            timestamp="time",
            json_default=_text,
        )
        self._trace_prefix = f"projects/{project}/traces/" if project else ""

    def process_log_record(self, log_data: LogData) -> LogData:
        """Return the line: what is bound, what the call passes, and the trace."""
        known = {**context.fields(), **{name: value for name, value in log_data.items() if value is not None}}
        line = {name: known[name] for name in (*_ALWAYS, *FIELDS) if known.get(name) is not None}
        return line | self._trace()

    def _trace(self) -> dict[str, Any]:
        span = tracing.current_span().get_span_context()
        if not span.is_valid:
            return {}
        names = {
            "trace": self._trace_prefix + format_trace_id(span.trace_id),
            "spanId": format_span_id(span.span_id),
            "trace_sampled": span.trace_flags.sampled,
        }
        return {SPECIAL + name: value for name, value in names.items()}


def _text(value: object) -> str:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else str(value)


def configure(stream: TextIO, function: str = "", project: str = "") -> None:
    """Write the log of this project to `stream`."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(function, project))
    logger = logging.getLogger("orchestrator")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
