"""Events as handlers take them: what a watch event hints at; an event for somebody else is acknowledged.

Topics are not filtered (an emulator stores filters and ignores them), so each function gets what is not for it.
"""

import logging

from functions.events.event import Event
from functions.events.object_ref import ObjectRef, object_ref
from functions.serving.http import ACKNOWLEDGED, Answer, Request
from functions.telemetry.context import bind_event

log = logging.getLogger("orchestrator")


def object_of(request: Request) -> ObjectRef | None:
    """What the watch event in the request is about; None, with a line in the log, for an event of another type.

    Raises:
        MalformedError: the request is no event, or a watch event without its object.
    """
    event = bind_event(request.received.event())
    found = object_ref(event)
    if not found:
        ignored(event)
    return found


def ignored(event: Event) -> Answer:
    """Acknowledges an event that is not for this function, and says so in the log."""
    log.info("ignored: an event of type %s is not for this function", event.type, extra={"event": event.id})
    return ACKNOWLEDGED
