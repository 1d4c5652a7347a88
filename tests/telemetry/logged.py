"""The log of the functions, in the format of a deployed process."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from functions.telemetry.logs import JsonLines


class Logged:
    """The records logged so far."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def lines(self, run: str = "") -> list[dict[str, Any]]:
        """Return all lines, or those about the run of that name."""
        found = [json.loads(line) for line in self.text.splitlines()]
        return [line for line in found if not run or str(line.get("run", "")).endswith(f"/{run}")]

    def traces(self, run: str = "") -> set[str]:
        """Return the trace ids of the lines."""
        return {line["logging.googleapis.com/trace"] for line in self.lines(run)}


@contextmanager
def logging_to(level: int = logging.INFO) -> Iterator[Logged]:
    """Capture the log of this project until the block ends."""
    found, logger = Logged(), logging.getLogger("orchestrator")
    handler = logging.StreamHandler(found.stream)
    handler.setFormatter(JsonLines("tested"))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield found
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
