"""The trace in the headers of an HTTP request: the standard's, or Google's older one."""

import re
from collections.abc import Mapping

from functions.runs.model.trace import Trace, parse

STANDARD = "traceparent"
GOOGLE = "x-cloud-trace-context"

_GOOGLE = re.compile(r"(?P<id>(?!0{32})[0-9a-f]{32})(/(?P<span>[0-9]{1,20}))?(;o=(?P<options>[0-9]))?")
"""`TRACE_ID/SPAN_ID;o=OPTIONS`, with the span id as a decimal number (Cloud Trace: Trace context)."""


def received(headers: Mapping[str, str]) -> Trace | None:
    """The trace that the request belongs to; `headers` have lower-case names."""
    return parse(headers.get(STANDARD)) or _google(headers.get(GOOGLE, ""))


def _google(text: str) -> Trace | None:
    found = _GOOGLE.fullmatch(text.strip())
    span = int(found["span"] or 0) if found else 0
    if not found or not 0 < span < 1 << 64:
        return None
    return Trace(found["id"], f"{span:016x}", sampled=found["options"] == "1")
