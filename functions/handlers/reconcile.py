"""The function `reconcile`: a watch event on a run drives that run one step towards its goal."""

from functions.cluster.kinds import RUNS
from functions.events.object_ref import ObjectRef
from functions.reconciler.reconciler import reconcile
from functions.runs.lifecycle.decide import needs_no_reconcile
from functions.runs.model.run import parse
from functions.serving.dependencies import Dependencies
from functions.serving.http import ACKNOWLEDGED, Answer, Request
from functions.serving.watch_events import object_of


def handle(services: Dependencies, request: Request) -> Answer:
    """Acknowledges once the run is where it can be for now; an event for something else is acknowledged too."""
    found = object_of(request)
    if found and found.kind in RUNS and not found.deleted and not _quiet(services, found):
        reconcile(services, found.kind, found.namespace, found.name)
    return ACKNOWLEDGED


def _quiet(services: Dependencies, found: ObjectRef) -> bool:
    try:
        return found.snapshot is not None and needs_no_reconcile(parse(found.snapshot), services.clock())
    except (KeyError, TypeError, ValueError):
        return False  # an object that no API server wrote decides nothing
