"""The watch event in a request. A function acknowledges events that are for others.

Topics are not filtered (the Pub/Sub emulator stores filters and ignores them), so each function gets events that are
for others.
"""

import logging

from functions.events.event import Event
from functions.events.object_ref import ObjectRef, object_ref
from functions.serving.http import ACKNOWLEDGED, Answer, Request
from functions.telemetry.context import bind_event

log = logging.getLogger("orchestrator")


def object_of(request: Request) -> ObjectRef | None:
    """Return the object that the watch event in the request is about; None, and log it, for an event of another type.

    Raises:
        MalformedError: the request is not an event, or a watch event without its object.
    """
    event = bind_event(request.received.event())
    ref = object_ref(event)
    if not ref:
        ignored(event)
    return ref


def ignored(event: Event) -> Answer:
    """Log that an event is not for this function; return the acknowledgement."""
    log.info("ignored: an event of type %s is not for this function", event.type, extra={"event": event.id})
    return ACKNOWLEDGED
