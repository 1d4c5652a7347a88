"""The reconcile function: a watch event on a run moves the run towards its goal."""

from functions.cluster.kinds import RUNS
from functions.events.event import MalformedError
from functions.events.object_ref import ObjectRef, parse_object
from functions.reconciler.reconciler import reconcile
from functions.runs.lifecycle.event_filters import needs_no_reconcile
from functions.runs.model.run import parse
from functions.serving.dependencies import Dependencies
from functions.serving.http import ACKNOWLEDGED, Answer, Request
from functions.serving.watch_events import object_of


def handle(deps: Dependencies, request: Request) -> Answer:
    """Acknowledge once the run has gone as far as it can now; acknowledge events on other objects too.

    Raises:
        MalformedError: the request is not a watch event.
        ClusterError: the API server did not do as asked; the redelivered event continues.
    """
    ref = object_of(request)
    if ref and ref.kind in RUNS and not ref.deleted and not _needs_nothing(deps, ref):
        reconcile(deps, ref.kind, ref.namespace, ref.name)
    return ACKNOWLEDGED


def _needs_nothing(deps: Dependencies, ref: ObjectRef) -> bool:
    """Return whether the object in the event already shows that there is nothing to do."""
    try:
        return ref.snapshot is not None and needs_no_reconcile(parse_object(ref.snapshot, parse), deps.clock())
    except MalformedError:
        return False  # not written by an API server; the stored run decides
