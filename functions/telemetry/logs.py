"""Logs: one JSON object per line, as Cloud Logging reads it, with the words of the domain as fields.

What a line is about is bound once, where it is known (telemetry/context.py); a call that knows better says so.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any, TextIO

from functions.telemetry import context

FIELDS = ("run", "kind", "attempt", "delivery", "event", "reason", "code", "problems", "topic", "key")
"""What a log line may carry besides its message; anything else is left out, so that nothing slips in."""

SPECIAL = "logging.googleapis.com/"
"""Begins the fields that Cloud Logging gives a meaning (Structured logging: Special fields)."""


ENCODER = json.JSONEncoder(default=str)


class JsonLines(logging.Formatter):
    """A line per record: severity, time, message, the function, the known fields, and the trace.

    `project` is the Google Cloud project of the traces; without one, the trace is its id alone.
    """

    def __init__(self, function: str = "", project: str = "") -> None:
        super().__init__()
        self._always = {"function": function} if function else {}
        self._traces = f"projects/{project}/traces/" if project else ""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        line: dict[str, Any] = {
            "severity": record.levelname,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "message": record.getMessage(),
            **self._always,
        }
        bound = context.current().fields
        said = {name: getattr(record, name, bound.get(name)) for name in FIELDS}
        line |= {name: value for name, value in said.items() if value is not None} | self._trace()
        if record.exc_info:
            line["stack_trace"] = self.formatException(record.exc_info)
        return ENCODER.encode(line)

    def _trace(self) -> dict[str, Any]:
        found = context.current().trace
        if not found:
            return {}
        names = {"trace": self._traces + found.id, "spanId": found.span, "trace_sampled": found.sampled}
        return {SPECIAL + name: value for name, value in names.items()}


def configure(stream: TextIO, function: str = "", project: str = "") -> None:
    """Sends the log of this project to `stream`."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(function, project))
    logger = logging.getLogger("orchestrator")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
