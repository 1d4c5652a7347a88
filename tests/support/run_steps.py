"""Steps of a run's life: submit it, deliver events of the run and its Jobs, sweep.

Each step returns the function's answer; a test can leave a step out, repeat it, or delay it.
"""

import json
from typing import Any

from functions.cluster.kinds import EVENT, RUNS
from functions.events.event import RETENTION_DUE
from functions.handlers import job_finished, reconcile, sweep
from functions.manifests import run as requested
from functions.runs.model.run import Run, parse
from functions.runs.model.specs import SPECS
from functions.serving.http import Answer, Request, answer
from functions.submission.submit import submit
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC, DOCS_SPEC
from tests.support.node import warning

DONE = json.dumps({"outcome": "succeeded", "reason": "Completed", "message": "done", "commit": "b" * 40})
LOST = json.dumps({"outcome": "failed", "reason": "NetworkError", "message": "the network went away"})
"""Reports (termination messages) of a successful and of a failed attempt."""
VERBS = {"ADDED": "add", "MODIFIED": "update", "DELETED": "delete"}
"""Verb in the type of an event, by type of change."""
JSON = {"content-type": "application/json"}


def post(harness: Harness, body: Any, headers: dict[str, str] | None = None, kind: str = "DocsRun") -> Answer:
    """Request a run of that kind; a body of bytes is sent unchanged, any other as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request(JSON if headers is None else headers, raw)
    return answer(lambda asked: submit(harness.services, kind, asked), request)


def code_request(harness: Harness, **changes: Any) -> tuple[int, dict[str, str]]:
    """Request a code run with a changed spec; return the status code of the answer, and its errors by field."""
    found = post(harness, {**CODE_SPEC, **changes}, kind="CodeRun")
    assert found.body is not None
    return found.code, {error["field"]: error["message"] for error in found.body.get("errors", ())}


def submitted(harness: Harness, kind: str = "CodeRun", name: str = "run-1", **spec: Any) -> Run:
    """Create a run as submit does, without an event."""
    base = CODE_SPEC if kind == "CodeRun" else DOCS_SPEC
    item = requested.run(SPECS[kind].model_validate({**base, **spec}), harness.namespace, name)
    return parse(harness.kubelet.create(RUNS[kind], item))


def event(raw: Any, verb: str = "update") -> Request:
    """Return the watch event of an object, as Knative's ApiServerSource sends it."""
    headers = {
        "ce-id": "1",
        "ce-source": "s",
        "ce-specversion": "1.0",
        "ce-type": f"dev.knative.apiserver.resource.{verb}",
    }
    return Request(headers, json.dumps(raw).encode())


def run_event(harness: Harness, raw: Any, verb: str = "update") -> Answer:
    """Deliver the event of a run to reconcile."""
    return answer(lambda request: reconcile.handle(harness.services, request), event(raw, verb))


def working(harness: Harness, kind: str = "CodeRun", **spec: Any) -> tuple[Run, str]:
    """Create a run and start its agent; return the run and its Job's name."""
    run = submitted(harness, kind, **spec)
    run_event(harness, run.raw, "add")
    job = job_name(harness, run)
    harness.job_ready(job)
    return run, job


def job_event(harness: Harness, raw: Any, verb: str = "update") -> Answer:
    """Deliver the event of a Job to job_finished."""
    return answer(lambda request: job_finished.handle(harness.services, request), event(raw, verb))


def post_event(harness: Harness, kind: str, name: str, reason: str, message: str) -> None:
    """Create a warning Event about an object, as a controller does."""
    harness.kubelet.create(EVENT, warning(harness.namespace, kind, name, reason, message))


RETENTION = Request({"ce-id": "1", "ce-source": "s", "ce-specversion": "1.0", "ce-type": RETENTION_DUE}, b"")
"""The request that starts the hourly pass."""


def retained(harness: Harness) -> Answer:
    """Run the hourly pass and return its answer."""
    return answer(lambda request: sweep.handle(harness.services, request), RETENTION)


def swept(harness: Harness) -> Answer:
    """Sweep and return the answer."""
    return answer(lambda request: sweep.handle(harness.services, request), Request({}, b""))


def sweep_minutes(harness: Harness, count: int) -> None:
    """Run a sweep in each of `count` minutes."""
    for _ in range(count):
        harness.later(minutes=1)
        swept(harness)


def now(harness: Harness, run: Run) -> Run:
    """Return the present version of the run."""
    return parse(harness.kubelet.get(RUNS[run.kind], run.namespace, run.name))


def job_name(harness: Harness, run: Run) -> str:
    """Return the name of the present attempt's Job."""
    return now(harness, run).status.job_name or ""


def reason(run: Run) -> str | None:
    """Return the reason of the run's Succeeded condition."""
    return run.status.succeeded.reason if run.status.succeeded else None
