"""Finds runs: all that are asked for, or the one a person names."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

from functions.clients.errors import CommandError
from functions.clients.runs.target import ClusterTarget, user_errors
from functions.cluster.client import Object
from functions.cluster.errors import NotFound
from functions.cluster.kinds import RUNS, Kind
from functions.runs import api_group
from functions.runs.admission.position import Position, position
from functions.runs.model.kinds import RunKind
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run, parse

Work = Literal["docs", "code"]
"""The two kinds of work, as people call them."""

_KINDS = {name: RUNS[kind] for kind in RunKind for name in (kind.word, kind.lower(), kind.plural, kind.short_name)}


def kinds(work: Work | None) -> Sequence[Kind]:
    """The kinds of run that do this work; None: all."""
    return [_KINDS[work]] if work else list(RUNS.values())


def find_all(
    place: ClusterTarget, work: Work | None = None, *, everywhere: bool = False, unfinished: bool = False
) -> Iterator[Object]:
    """Runs as they are stored, of one kind or of both, of this namespace or of all. Raises CommandError."""
    labels = f"!{api_group.FINISHED}" if unfinished else ""
    with user_errors(place):
        for kind in kinds(work):
            yield from place.cluster.list(kind, None if everywhere else place.namespace, labels)


def find(place: ClusterTarget, named: str) -> Run:
    """The run of that name, of either kind; `docs/NAME` or `code/NAME` says which. Raises CommandError."""
    prefix, slash, name = named.rpartition("/")
    if slash and prefix.lower() not in _KINDS:
        raise CommandError(f"{named}: write NAME, docs/NAME or code/NAME")
    looked = [_KINDS[prefix.lower()]] if slash else list(RUNS.values())
    found = [run for kind in looked if name and (run := _read(place, kind, name))]
    if len(found) > 1:
        raise CommandError(f"there is a docs run and a code run {name}; write docs/{name} or code/{name}")
    if not found:
        what = " or ".join(kind.name for kind in looked)
        raise CommandError(
            f"there is no {what} {name!r} in namespace {place.namespace}; `orchestrator runs list --all` shows what "
            "there is, --namespace names another namespace"
        )
    return found[0]


def _read(place: ClusterTarget, kind: Kind, name: str) -> Run | None:
    """The run; None where there is none of this kind and name."""
    with user_errors(place):
        try:
            return parse(place.cluster.get(kind, place.namespace, name))
        except NotFound:
            return None


def read_again(place: ClusterTarget, run: Run) -> Run | None:
    """The run as it is now; None where it is gone. Raises CommandError."""
    return _read(place, RUNS[run.kind], run.name)


def queue_position(place: ClusterTarget, run: Run) -> Position | None:
    """Return the run's position in the queue; None, without a call, if it is not queued.

    Raises:
        CommandError: the unfinished runs could not be listed.
    """
    if not run.status.succeeded or run.status.succeeded.reason != Reason.QUEUED:
        return None
    here = ClusterTarget(place.cluster, run.namespace)
    return position(map(parse, find_all(here, unfinished=True)), run, None, datetime.now(UTC))
