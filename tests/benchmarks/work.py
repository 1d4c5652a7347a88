"""A request for each function whose work is still to be done when it comes, and a look at whether it was."""

import itertools
import json
from collections.abc import Callable, Mapping
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


class Work:
    """Makes work on one API server and one GitHub; numbers keep runs apart, each with a workspace of its own."""

    def __init__(self, address: Address, github: Github | None = None) -> None:
        """`github` serves, where a function is to call it."""
        self._address, self._github = address, github or Github()
        self._shop = self._github.repository()
        self._shop.files["main", ".github/orchestrator.yaml"] = b"githubUser: octocat\n"
        self._issue = self._shop.open_issue()["number"]
        self.world = Harness(address.transport(), "orchestrator")
        self.world.now = datetime.now(UTC)
        self._numbers = itertools.count(1)
        self.made: Mapping[str, Callable[[], tuple[Post, Callable[[], bool]]]] = {
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
        """What the function is given: its GitHub too, where it cannot do without."""
        return {**self._address.environ, **(_app(self._github) if target == "github_event" else {})}

    def run(self) -> Run:
        """A new CodeRun that nobody has looked at."""
        number = next(self._numbers)
        spec = SPECS["CodeRun"].model_validate({**CODE_SPEC, "service": f"s{number}"})
        item = requested.run(spec, self.world.namespace, f"bench-{number}")
        return parse(self.world.kubelet.create(CODE_RUN, item))

    def started(self) -> Run:
        """One whose Job is there."""
        run = self.run()
        run_steps(self.world.services, run, Preloaded())
        return self.now(run)

    def now(self, run: Run) -> Run:
        """The run as it is."""
        return parse(self.world.kubelet.get(CODE_RUN, run.namespace, run.name))

    def _submit_docs(self) -> tuple[Post, Callable[[], bool]]:
        spec = {**DOCS_SPEC, "workingDirectory": f"part-{next(self._numbers)}"}
        return Post(json.dumps(spec).encode(), JSON, 201), lambda: True  # 201 is the run

    def _submit_code(self) -> tuple[Post, Callable[[], bool]]:
        spec = {**CODE_SPEC, "service": f"s{next(self._numbers)}"}
        return Post(json.dumps(spec).encode(), JSON, 201), lambda: True

    def _reconcile(self) -> tuple[Post, Callable[[], bool]]:
        run = self.run()
        return changed(run.raw, "add"), lambda: self.now(run).status.phase == "Pending" and bool(self._job(run))

    def _job(self, run: Run) -> Any:
        return [job for job in self.world.jobs() if job["metadata"]["labels"][api_group.label("run")] == run.name]

    def _job_finished(self) -> tuple[Post, Callable[[], bool]]:
        run = self.started()
        self.world.job_ready(run.status.job_name or "")
        job = self.world.job_ends(run.status.job_name or "", DONE)
        return changed(job, "update"), lambda: state(self.now(run).status) in FINISHED

    def _report(self) -> tuple[Post, Callable[[], bool]]:
        run = self.started()
        return changed(run.raw, "update"), lambda: self.now(run).status.reported == "1/started"

    def _sweep(self) -> tuple[Post, Callable[[], bool]]:
        run = self.run()
        return Post(b"{}", JSON, 200), lambda: bool(self._job(run))

    def _delivery(self) -> tuple[Post, Callable[[], bool]]:
        return delivery(), lambda: True  # 200 with "accepted" is an event on the queue

    def _comment(self) -> tuple[Post, Callable[[], bool]]:
        """Permission, configuration, the run, a reaction: what most comments come to that come to anything."""
        service = f"s{next(self._numbers)}"
        comment = self._shop.comment(self._issue, f"/code 3 service={service}")
        kept = extract("issue_comment", payloads.issue_comment(self._shop, self._issue, comment))
        what = f"{GITHUB_EVENT}issue_comment.v1"
        event = Event(f"delivery-{service}", "benchmark", what, self._shop.full_name, kept)
        return Post(json.dumps(kept).encode(), to_request(event)[0]), lambda: self._is_taken_up(service)

    def _is_taken_up(self, service: str) -> bool:
        specs = [raw["spec"] for raw in self.world.kubelet.list(CODE_RUN, self.world.namespace)]
        return bool(self._shop.reactions) and service in [spec["service"] for spec in specs]


def _app(github: Github) -> Mapping[str, str]:
    return {
        "ORCHESTRATOR_GITHUB__API_URL": github.url,
        "ORCHESTRATOR_GITHUB__APP_ID": str(github.app.id),
        "ORCHESTRATOR_GITHUB__PRIVATE_KEY": github.app.private_key,
        "ORCHESTRATOR_GITHUB__ALLOWED_USERS": json.dumps(["octocat"]),
    }


def changed(raw: Mapping[str, Any], how: str) -> Post:
    """The watch event of an object, as the bridge publishes it and the queue pushes it."""
    metadata = raw["metadata"]
    event = Event(
        id=f"{metadata['uid']}/{metadata['resourceVersion']}",
        source="benchmark",
        type=f"{RESOURCE}{how}",
        subject=f"{metadata['namespace']}/{metadata['name']}",
        data=raw,
    )
    return Post(json.dumps(raw).encode(), to_request(event)[0])
