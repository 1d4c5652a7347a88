"""What may happen to a run at any moment: functions that are called, and people who change their minds."""

import json
from collections.abc import Callable
from contextlib import suppress

from functions.cluster.errors import NotFound
from functions.cluster.transport import Transport
from functions.handlers import reconcile
from functions.serving.dependencies import Dependencies
from functions.serving.http import Refused, Request
from functions.submission.submit import submit
from tests.faults.bench import KEY, NAMESPACE, Bench
from tests.support.builders import CODE_SPEC, DOCS_SPEC
from tests.support.run_steps import event

Operation = Callable[[Bench, Transport], None]


def reconciles(bench: Bench, transport: Transport) -> None:
    """The first event of each run comes (again)."""
    bench.reconcile(bench.services(transport))


def job_finishes(bench: Bench, transport: Transport) -> None:
    """An event of each Job comes (again)."""
    bench.job_events(bench.services(transport))


def reports(bench: Bench, transport: Transport) -> None:
    """The event of each run's present state is delivered (again) to the report function."""
    bench.report(bench.services(transport))


def sweeps(bench: Bench, transport: Transport) -> None:
    bench.sweep(bench.services(transport))


def submits(bench: Bench, transport: Transport) -> None:
    """The request that made the run comes (again)."""
    _request(bench, transport, {"idempotency-key": KEY})


def submits_another(bench: Bench, transport: Transport) -> None:
    """A request for the same work comes without a key."""
    with suppress(Refused):  # 409: a run is at work on it
        _request(bench, transport, {})


def _request(bench: Bench, transport: Transport, headers: dict[str, str]) -> None:
    body = json.dumps(dict(CODE_SPEC if bench.kind == "CodeRun" else DOCS_SPEC)).encode()
    request = Request({"content-type": "application/json", **headers}, body)
    submit(bench.services(transport), bench.kind, request)


def cancels(bench: Bench, transport: Transport) -> None:
    _asks(bench, bench.services(transport), {"cancel": True})


def retries(bench: Bench, transport: Transport) -> None:
    _asks(bench, bench.services(transport), {"contextVersion": 2})


def deletes(bench: Bench, transport: Transport) -> None:
    """A person deletes the run, and the event of that is delivered."""
    services = bench.services(transport)
    try:
        run = services.cluster.get(bench.runs, NAMESPACE, bench.name)
        services.cluster.delete(bench.runs, NAMESPACE, bench.name, run["metadata"]["uid"])
        reconcile.handle(services, event(services.cluster.get(bench.runs, NAMESPACE, bench.name)))
    except NotFound:
        return


def _asks(bench: Bench, services: Dependencies, spec: dict[str, object]) -> None:
    """A person changes the run, and the event of that change is delivered."""
    try:
        raw = services.cluster.patch(bench.runs, NAMESPACE, bench.name, {"spec": spec})
    except NotFound:
        return
    reconcile.handle(services, event(raw))


FUNCTIONS: list[Operation] = [reconciles, job_finishes, reports, sweeps]
PEOPLE: list[Operation] = [submits, submits_another, cancels, deletes]
OPERATIONS: dict[str, list[Operation]] = {
    "CodeRun": [*FUNCTIONS, *PEOPLE, retries],
    "DocsRun": [*FUNCTIONS, *PEOPLE],  # a docs run is retried by submitting it again
}
"""By kind of run."""
