"""Find runs: by filter, or by name."""

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
"""The two kinds of work, as users name them."""

_KINDS = {name: RUNS[kind] for kind in RunKind for name in (kind.word, kind.lower(), kind.plural, kind.short_name)}


def kinds(work: Work | None) -> Sequence[Kind]:
    """Return the kinds of run that do this work; all kinds for None."""
    return [_KINDS[work]] if work else list(RUNS.values())


def find_all(
    target: ClusterTarget, work: Work | None = None, *, everywhere: bool = False, unfinished: bool = False
) -> Iterator[Object]:
    """Yield stored runs of one or both kinds, of the target's namespace or of all.

    Raises:
        CommandError: the cluster rejected a request or is unavailable.
    """
    labels = f"!{api_group.FINISHED}" if unfinished else ""
    with user_errors(target):
        for kind in kinds(work):
            yield from target.cluster.list(kind, None if everywhere else target.namespace, labels, cached=unfinished)


def find(target: ClusterTarget, reference: str) -> Run:
    """Return the run of that name; a prefix `docs/` or `code/` selects the kind.

    Raises:
        CommandError: no run has the name, or runs of both kinds have it.
    """
    prefix, slash, name = reference.rpartition("/")
    if slash and prefix.lower() not in _KINDS:
        raise CommandError(f"{reference}: write NAME, docs/NAME or code/NAME")
    candidates = [_KINDS[prefix.lower()]] if slash else list(RUNS.values())
    runs = [run for kind in candidates if name and (run := _read(target, kind, name))]
    if len(runs) > 1:
        raise CommandError(f"there is a docs run and a code run {name}; write docs/{name} or code/{name}")
    if not runs:
        kinds_text = " or ".join(kind.name for kind in candidates)
        raise CommandError(
            f"there is no {kinds_text} {name!r} in namespace {target.namespace}; `orchestrator runs list --all` "
            "shows all runs, --namespace names another namespace"
        )
    return runs[0]


def _read(target: ClusterTarget, kind: Kind, name: str) -> Run | None:
    """Return the run; None if it does not exist."""
    with user_errors(target):
        try:
            return parse(target.cluster.get(kind, target.namespace, name))
        except NotFound:
            return None


def read_again(target: ClusterTarget, run: Run) -> Run | None:
    """Return the current version of the run; None if it was deleted.

    Raises:
        CommandError: the cluster rejected the request or is unavailable.
    """
    return _read(target, RUNS[run.kind], run.name)


def queue_position(target: ClusterTarget, run: Run) -> Position | None:
    """Return the run's position in the queue; None, without a call, if it is not queued.

    Raises:
        CommandError: the unfinished runs could not be listed.
    """
    if not run.status.succeeded or run.status.succeeded.reason != Reason.QUEUED:
        return None
    here = ClusterTarget(target.cluster, run.namespace)
    return position(map(parse, find_all(here, unfinished=True)), run, None, datetime.now(UTC))
