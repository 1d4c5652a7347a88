"""The trace a run belongs to: one id from the request that asked for it to the agent that works on it. Pure.

It is written as in W3C Trace Context, `00-<trace id>-<span id>-<flags>`, wherever it goes: header, event, annotation,
environment. What nobody can read is no trace, and never an error: it comes from outside, and no work depends on it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.runs import api_group

ANNOTATION = api_group.label("traceparent")
"""Of a run: who asked for it. Of a Job: the same, so that its events tell without the run being read."""

VARIABLE = "TRACEPARENT"
"""In the agent's environment (OpenTelemetry: Environment Variables as Context Propagation Carriers)."""

_FORM = re.compile(
    r"(?P<version>(?!ff)[0-9a-f]{2})-(?P<id>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})"
    r"-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)
_SAMPLED = 0x01


@dataclass(frozen=True, slots=True)
class Trace:
    """A place in a trace: `id` has 32 hexadecimal digits, `span` 16; `sampled` says whether spans are exported."""

    id: str
    span: str
    sampled: bool

    def __str__(self) -> str:
        return f"00-{self.id}-{self.span}-{'01' if self.sampled else '00'}"


def parse(text: object) -> Trace | None:
    """The trace in a traceparent; a version we do not know is read as far as we know it (section 3.2.4)."""
    found = _FORM.fullmatch(text.strip()) if isinstance(text, str) else None
    if not found or (found["version"] == "00" and found["more"]):
        return None
    return Trace(found["id"], found["span"], bool(int(found["flags"], 16) & _SAMPLED))


def from_object(raw: Mapping[str, Any]) -> Trace | None:
    """The trace that an object of the API carries, whoever wrote that object."""
    metadata = raw.get("metadata")
    notes = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    return parse(notes.get(ANNOTATION)) if isinstance(notes, Mapping) else None


def to_annotations(found: Trace | None) -> dict[str, str]:
    """What an object that belongs to the trace carries."""
    return {ANNOTATION: str(found)} if found else {}
