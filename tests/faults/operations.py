"""Operations: a call of a handler, or what a person does to a run."""

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
    """Deliver the first event of each run (again)."""
    bench.reconcile(bench.services(transport))


def job_finishes(bench: Bench, transport: Transport) -> None:
    """Deliver an event of each Job (again)."""
    bench.job_events(bench.services(transport))


def reports(bench: Bench, transport: Transport) -> None:
    """Deliver an event with each run's present state (again) to the report function."""
    bench.report(bench.services(transport))


def sweeps(bench: Bench, transport: Transport) -> None:
    bench.sweep(bench.services(transport))


def submits(bench: Bench, transport: Transport) -> None:
    """Send the request that creates the run (again)."""
    _request(bench, transport, {"idempotency-key": KEY})


def submits_another(bench: Bench, transport: Transport) -> None:
    """Send a request for the same task without an Idempotency-Key."""
    with suppress(Refused):  # 409: an unfinished run has this task
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
    """Delete the run as a person does, and deliver the event of the deletion."""
    services = bench.services(transport)
    try:
        run = services.cluster.get(bench.runs, NAMESPACE, bench.name)
        services.cluster.delete(bench.runs, NAMESPACE, bench.name, run["metadata"]["uid"])
        reconcile.handle(services, event(services.cluster.get(bench.runs, NAMESPACE, bench.name)))
    except NotFound:
        return


def _asks(bench: Bench, services: Dependencies, spec: dict[str, object]) -> None:
    """Change the run's spec as a person does, and deliver the event of the change."""
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
"""Operations by kind of run."""
