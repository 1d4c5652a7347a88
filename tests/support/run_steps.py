"""A run's life by hand: it is submitted, the events of the run and of its Jobs are delivered, the sweep comes.

Every step answers as the function did, so that a test can leave one out, repeat it, or take it late.
"""

import json
from typing import Any

from functions.cluster.kinds import RUNS
from functions.events.event import RETENTION_DUE
from functions.handlers import job_finished, reconcile, sweep
from functions.manifests import run as requested
from functions.runs.model.run import Run, parse
from functions.runs.model.specs import SPECS
from functions.serving.http import Answer, Request, answer
from functions.submission.submit import submit
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC, DOCS_SPEC

DONE = json.dumps({"outcome": "succeeded", "reason": "Completed", "message": "done", "commit": "b" * 40})
LOST = json.dumps({"outcome": "failed", "reason": "NetworkError", "message": "the network went away"})
"""Reports of attempts, as their containers write them."""
VERBS = {"ADDED": "add", "MODIFIED": "update", "DELETED": "delete"}
"""What a change to an object is called in its event."""
JSON = {"content-type": "application/json"}


def post(harness: Harness, body: Any, headers: dict[str, str] | None = None, kind: str = "DocsRun") -> Answer:
    """A request for a run of that kind; bytes are sent as they are, anything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request(JSON if headers is None else headers, raw)
    return answer(lambda asked: submit(harness.services, kind, asked), request)


def submitted(harness: Harness, kind: str = "CodeRun", name: str = "run-1", **spec: Any) -> Run:
    """A run as submit makes it, without an event of it."""
    base = CODE_SPEC if kind == "CodeRun" else DOCS_SPEC
    item = requested.run(SPECS[kind].model_validate({**base, **spec}), harness.namespace, name)
    return parse(harness.kubelet.create(RUNS[kind], item))


def event(raw: Any, verb: str = "update") -> Request:
    """The watch event of an object, as Knative's ApiServerSource sends it."""
    headers = {
        "ce-id": "1",
        "ce-source": "s",
        "ce-specversion": "1.0",
        "ce-type": f"dev.knative.apiserver.resource.{verb}",
    }
    return Request(headers, json.dumps(raw).encode())


def run_event(harness: Harness, raw: Any, verb: str = "update") -> Answer:
    """The event of a run, delivered."""
    return answer(lambda request: reconcile.handle(harness.services, request), event(raw, verb))


def job_event(harness: Harness, raw: Any, verb: str = "update") -> Answer:
    """The event of a Job, delivered."""
    return answer(lambda request: job_finished.handle(harness.services, request), event(raw, verb))


RETENTION = Request({"ce-id": "1", "ce-source": "s", "ce-specversion": "1.0", "ce-type": RETENTION_DUE}, b"")
"""What starts the hourly pass."""


def retained(harness: Harness) -> Answer:
    """What the hourly pass answers."""
    return answer(lambda request: sweep.handle(harness.services, request), RETENTION)


def swept(harness: Harness) -> Answer:
    """What a sweep answers."""
    return answer(lambda request: sweep.handle(harness.services, request), Request({}, b""))


def now(harness: Harness, run: Run) -> Run:
    """The run as it is now."""
    return parse(harness.kubelet.get(RUNS[run.kind], run.namespace, run.name))


def reason(run: Run) -> str | None:
    """Why it stands as it does."""
    return run.status.succeeded.reason if run.status.succeeded else None
