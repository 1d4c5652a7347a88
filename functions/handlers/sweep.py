"""The sweep function: the scheduled passes that repair what events missed."""

from functions.events.event import RETENTION_DUE, MalformedError
from functions.serving.dependencies import Dependencies
from functions.serving.http import Answer, Request
from functions.sweeper import minute_pass, retention


def handle(deps: Dependencies, request: Request) -> Answer:
    """Answer what was done, for which runs it failed, and where the next pass continues if time ran out.

    An event of the type RETENTION_DUE starts the hourly pass over all objects; any other request starts the pass over
    unfinished runs.

    Raises:
        ClusterError: the API server did not do as asked; the next pass continues.
    """
    if _event_type(request) == RETENTION_DUE:
        return retention.run_pass(deps)
    return minute_pass.run_pass(deps)


def _event_type(request: Request) -> str:
    try:
        return request.received.event().type
    except MalformedError:
        return ""
