"""Starts runs that were waiting for a place, as soon as one is free and in any case with each sweep."""

from collections.abc import Iterable
from functools import partial

from functions.handlers import admission
from functions.handlers.driver import drive, isolated
from functions.handlers.services import Services
from functions.runs.admission import Candidate


def promote(services: Services) -> None:
    """Gives free places to whoever waits, and starts them. Raises a ClusterError of the ledger or the lists."""
    found = admission.free_places(services)
    if found:
        start(services, found.admitted)


def start(services: Services, candidates: Iterable[Candidate]) -> list[str]:
    """Drives each; answers those that could not be driven: their places stay theirs, and the sweep comes to them."""
    return [
        each.key
        for each in candidates
        if not isolated(each.key, partial(drive, services, each.entry.kind, each.namespace, each.entry.name))
    ]
