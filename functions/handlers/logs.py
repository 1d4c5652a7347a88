"""Logs: one JSON object per line, as Cloud Logging reads it, with the words of the domain as fields."""

import json
import logging
from datetime import UTC, datetime
from typing import TextIO

FIELDS = ("run", "attempt", "reason", "code", "problems", "topic", "event")
"""What a log line may carry besides its message; anything else is left out, so that nothing slips in."""


class JsonLines(logging.Formatter):
    """A line per record: severity, time, message, and the known fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        line = {
            "severity": record.levelname,
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "message": record.getMessage(),
        }
        line |= {name: value for name in FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info:
            line["stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(stream: TextIO) -> None:
    """Sends the log of this project to `stream`."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("orchestrator")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
