"""Trace contexts for tests, a run with one, and a queue that keeps events."""

from dataclasses import dataclass, field

from opentelemetry.trace import SpanContext, format_span_id, format_trace_id

from functions.cluster.kinds import CODE_RUN
from functions.events.event import Event
from functions.manifests import run
from functions.runs.model import trace
from functions.runs.model.run import Run, parse
from functions.runs.model.specs import SPECS
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC

ONE, TWO = "0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
FIRST, SECOND = f"00-{ONE}-{SPAN}-01", f"00-{TWO}-{SPAN}-01"


def in_trace(world: Harness, text: str, name: str = "run-1") -> Run:
    """Create a run with that traceparent."""
    item = run.run(SPECS["CodeRun"].model_validate(CODE_SPEC), world.namespace, name, {trace.ANNOTATION: text})
    return parse(world.kubelet.create(CODE_RUN, item))


def ids(context: SpanContext | None) -> tuple[str, str]:
    """Return trace id and span id of a span context; None fails the test."""
    assert context
    return format_trace_id(context.trace_id), format_span_id(context.span_id)


@dataclass
class Kept:
    """A queue that keeps published events."""

    events: list[Event] = field(default_factory=list)

    def publish(self, topic: str, event: Event) -> None:
        self.events.append(event)
