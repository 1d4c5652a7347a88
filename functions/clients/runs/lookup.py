"""Find runs: by filter, or by name."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from functions.clients.errors import CommandError
from functions.clients.runs.target import ClusterTarget, user_errors
from functions.cluster.client import Object
from functions.cluster.errors import NotFound
from functions.cluster.kinds import RUNS, Kind
from functions.runs import api_group
from functions.runs.admission.position import Position, position
from functions.runs.model.kinds import BY_WORD, RunKind
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run, parse
from functions.views.titles import title

SHORTEST_PREFIX = 4
"""Fewest characters that may stand for a name, as git has it for commits."""

MOST_NAMED = 10
"""Most runs that an error text lists."""

_KINDS = {name: RUNS[kind] for kind in RunKind for name in (kind.word, kind.lower(), kind.plural, kind.short_name)}


def kinds(kind: RunKind | None) -> Sequence[Kind]:
    """Return the API kind of this kind of run; those of all kinds for None."""
    return [RUNS[kind]] if kind else list(RUNS.values())


def _alternatives(texts: Sequence[str]) -> str:
    """Return the texts as an enumeration with commas and `or`."""
    return " or ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def find_all(
    target: ClusterTarget,
    kind: RunKind | None = None,
    *,
    labels: str = "",
    everywhere: bool = False,
    unfinished: bool = False,
) -> Iterator[Object]:
    """Yield stored runs of one kind or of all, of the target's namespace or of all, that a label selector matches.

    Raises:
        CommandError: the cluster rejected a request or is unavailable.
    """
    selector = ",".join(filter(None, (labels, f"!{api_group.FINISHED}" if unfinished else "")))
    with user_errors(target):
        for each in kinds(kind):
            yield from target.cluster.list(each, None if everywhere else target.namespace, selector, cached=unfinished)


def find(target: ClusterTarget, reference: str) -> Run:
    """Return the run of that name, or whose name alone begins with it; `docs/` or `code/` before it selects the kind.

    Raises:
        CommandError: no run has the name, runs of several kinds have it, or several names begin with it.
    """
    prefix, slash, name = reference.rpartition("/")
    if slash and prefix.lower() not in _KINDS:
        raise CommandError(f"{reference}: write {_alternatives(['NAME', *(f'{word}/NAME' for word in BY_WORD)])}")
    candidates = [_KINDS[prefix.lower()]] if slash else list(RUNS.values())
    runs = [run for kind in candidates if name and (run := _read(target, kind, name))]
    runs = runs or _by_prefix(target, candidates, name)
    if len(runs) > 1:
        found = " and ".join(f"a {run.kind.word} run" for run in runs)
        exact = _alternatives([f"{run.kind.word}/{name}" for run in runs])
        raise CommandError(f"there is {found} {name}; write {exact}")
    if not runs:
        kinds_text = _alternatives([kind.name for kind in candidates])
        raise CommandError(
            f"there is no {kinds_text} {name!r} in namespace {target.namespace}; `orchestrator runs list --all` "
            f"shows all runs, --namespace names another namespace{_too_short(name)}"
        )
    return runs[0]


def _too_short(name: str) -> str:
    short = len(name) < SHORTEST_PREFIX
    return f"; a shortened name has at least {SHORTEST_PREFIX} characters" if short else ""


def _by_prefix(target: ClusterTarget, candidates: Sequence[Kind], prefix: str) -> list[Run]:
    """Return the one run whose name, with or without `run-`, begins with the prefix; none if no name does.

    Raises:
        CommandError: several names begin with it.
    """
    if len(prefix) < SHORTEST_PREFIX:
        return []
    with user_errors(target):
        stored = [raw for kind in candidates for raw in target.cluster.list(kind, target.namespace)]
    matches = [raw for raw in stored if raw["metadata"]["name"].startswith((prefix, f"run-{prefix}"))]
    if len(matches) > 1:
        lines = [f"  {raw['metadata']['name']}  {title(raw)}" for raw in matches[:MOST_NAMED]]
        more = [f"  and {len(matches) - MOST_NAMED} more"] if len(matches) > MOST_NAMED else []
        raise CommandError("\n".join([f"the names of {len(matches)} runs begin with {prefix!r}:", *lines, *more]))
    return [parse(raw) for raw in matches]


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
