"""The function `reconcile`: a watch event on a run drives that run one step towards its goal."""

from functions.cluster.kinds import RUNS
from functions.events.event import Hint
from functions.reconciler.reconciler import drive
from functions.runs.lifecycle.decide import quiet
from functions.runs.model.run import parse
from functions.serving.dependencies import Services
from functions.serving.http import ACKNOWLEDGED, Answer, Request
from functions.serving.watch_events import watched


def handle(services: Services, request: Request) -> Answer:
    """Acknowledges once the run is where it can be for now; an event for something else is acknowledged too."""
    found = watched(request)
    if found and found.kind in RUNS and not found.deleted and not _quiet(services, found):
        drive(services, found.kind, found.namespace, found.name)
    return ACKNOWLEDGED


def _quiet(services: Services, found: Hint) -> bool:
    try:
        return found.seen is not None and quiet(parse(found.seen), services.clock())
    except (KeyError, TypeError, ValueError):
        return False  # an object that no API server wrote decides nothing
