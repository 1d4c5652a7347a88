"""Requests for each function whose work is not done yet, and checks that it was done."""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from functions.cluster.kinds import CODE_RUN
from functions.events.event import GITHUB_EVENT, RESOURCE, Event
from functions.events.http_binding import to_request
from functions.github.webhook.payload_filter import extract
from functions.manifests import run as requested
from functions.reconciler.reconciler import Preloaded, run_steps
from functions.runs import api_group
from functions.runs.lifecycle.states import FINISHED, state
from functions.runs.model.run import Run, parse
from functions.runs.model.specs import SPECS
from tests.benchmarks.deliveries import delivery
from tests.benchmarks.deployed import Post
from tests.benchmarks.server import Address
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC, DOCS_SPEC
from tests.support.github import Github, payloads
from tests.support.run_steps import DONE

JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Item:
    """A request for one function, and the check that its work was done.

    `number` has six digits and is part of the name of everything that belongs to the request. `uid` is that of the
    run; empty if there is none yet.
    """

    post: Post
    done: Callable[[], bool]
    number: str
    uid: str = ""


def answered() -> bool:
    """Return that the work is done: the code of the answer says so."""
    return True


class Work:
    """Makes work on one API server and one GitHub. Each run has a workspace of its own."""

    def __init__(self, address: Address, github: Github | None = None) -> None:
        """`github` must serve if a function is to call it."""
        self.address, self.github = address, github or Github()
        self._shop = self.github.repository()
        self._shop.files["main", ".github/orchestrator.yaml"] = b"githubUser: octocat\n"
        self._issue = self._shop.open_issue()["number"]
        self.world = Harness(address.transport(), "orchestrator")
        self.world.now = datetime.now(UTC)
        self._numbers = itertools.count(1)
        self.items: Mapping[str, Callable[[], Item]] = {
            "submit_docs": self._submit_docs,
            "submit_code": self._submit_code,
            "reconcile": self._reconcile,
            "job_finished": self._job_finished,
            "report": self._report,
            "sweep": self._sweep,
            "github_webhook": self._delivery,
            "github_event": self._comment,
        }

    def environ(self, target: str) -> Mapping[str, str]:
        """Return the environment of a function; github_event alone is given GitHub."""
        return {**self.address.environ, **(_app(self.github) if target == "github_event" else {})}

    def _number(self) -> str:
        return f"{next(self._numbers):06d}"

    def _run(self, number: str) -> Run:
        """Return a new CodeRun that no function has seen."""
        spec = SPECS["CodeRun"].model_validate({**CODE_SPEC, "service": f"s{number}"})
        item = requested.run(spec, self.world.namespace, f"bench-{number}")
        return parse(self.world.kubelet.create(CODE_RUN, item))

    def _started(self, number: str) -> Run:
        """Return a new CodeRun with its Job."""
        run = self._run(number)
        run_steps(self.world.services, run, Preloaded())
        return self._now(run)

    def _now(self, run: Run) -> Run:
        return parse(self.world.kubelet.get(CODE_RUN, run.namespace, run.name))

    def _submit_docs(self) -> Item:
        number = self._number()
        return _submission({**DOCS_SPEC, "workingDirectory": f"part-{number}"}, number)

    def _submit_code(self) -> Item:
        number = self._number()
        return _submission({**CODE_SPEC, "service": f"s{number}"}, number)

    def _reconcile(self) -> Item:
        number = self._number()
        run = self._run(number)
        post = changed(run.raw, "add")
        return Item(post, lambda: self._now(run).status.phase == "Pending" and self._has_job(run), number, run.uid)

    def _has_job(self, run: Run) -> bool:
        return run.name in [job["metadata"]["labels"][api_group.label("run")] for job in self.world.jobs()]

    def _job_finished(self) -> Item:
        number = self._number()
        run = self._started(number)
        self.world.job_ready(run.status.job_name or "")
        job = self.world.job_ends(run.status.job_name or "", DONE)
        return Item(changed(job, "update"), lambda: state(self._now(run).status) in FINISHED, number, run.uid)

    def _report(self) -> Item:
        number = self._number()
        run = self._started(number)
        post = changed(run.raw, "update")
        return Item(post, lambda: self._now(run).status.reported == "1/started", number, run.uid)

    def _sweep(self) -> Item:
        number = self._number()
        run = self._run(number)
        return Item(Post(b"{}", JSON, 200), lambda: self._has_job(run), number, run.uid)

    def _delivery(self) -> Item:
        return Item(delivery(), answered, self._number())

    def _comment(self) -> Item:
        """Return a command: GitHub is asked for permission and configuration; a run and a reaction are created."""
        number = self._number()
        service = f"s{number}"
        comment = self._shop.comment(self._issue, f"/code 3 service={service}")
        kept = extract("issue_comment", payloads.issue_comment(self._shop, self._issue, comment))
        what = f"{GITHUB_EVENT}issue_comment.v1"
        event = Event(f"delivery-{number}", "benchmark", what, self._shop.full_name, kept)
        post = Post(json.dumps(kept).encode(), to_request(event)[0])
        return Item(post, lambda: self._is_accepted(service), number)

    def _is_accepted(self, service: str) -> bool:
        specs = [raw["spec"] for raw in self.world.kubelet.list(CODE_RUN, self.world.namespace)]
        return bool(self._shop.reactions) and service in [spec["service"] for spec in specs]


def _submission(spec: Mapping[str, Any], number: str) -> Item:
    """Return a request with a key, so that the same request once more creates no other run."""
    return Item(Post(json.dumps(spec).encode(), {**JSON, "idempotency-key": number}, 201), answered, number)


def _app(github: Github) -> Mapping[str, str]:
    return {
        "ORCHESTRATOR_GITHUB__API_URL": github.url,
        "ORCHESTRATOR_GITHUB__APP_ID": str(github.app.id),
        "ORCHESTRATOR_GITHUB__PRIVATE_KEY": github.app.private_key,
        "ORCHESTRATOR_GITHUB__ALLOWED_USERS": json.dumps(["octocat"]),
    }


def changed(raw: Mapping[str, Any], how: str) -> Post:
    """Return the watch event of an object, as the bridge publishes it and the queue pushes it."""
    metadata = raw["metadata"]
    event = Event(
        id=f"{metadata['uid']}/{metadata['resourceVersion']}",
        source="benchmark",
        type=f"{RESOURCE}{how}",
        subject=f"{metadata['namespace']}/{metadata['name']}",
        data=raw,
    )
    return Post(json.dumps(raw).encode(), to_request(event)[0])
