"""A request for each function whose work is still to be done when it comes, and a look at whether it was."""

import itertools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from functions.cluster.kinds import CODE_RUN
from functions.events.event import RESOURCE, Event
from functions.events.publisher import encoded
from functions.handlers.driver import Known, advance
from functions.manifests import requested
from functions.runs import group
from functions.runs.lifecycle import FINISHED, state
from functions.runs.run import Run, parse
from functions.runs.specs import SPECS
from tests.benchmarks.deliveries import delivery
from tests.benchmarks.deployed import Post
from tests.benchmarks.server import Address
from tests.life.test_run import DONE
from tests.support.api import World
from tests.support.builders import CODE_SPEC, DOCS_SPEC

JSON = {"content-type": "application/json"}


class Work:
    """Makes work on one API server; numbers keep runs apart, each with a workspace of its own."""

    def __init__(self, address: Address) -> None:
        self.world = World(address.transport(), "orchestrator")
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
        }

    def run(self) -> Run:
        """A new CodeRun that nobody has looked at."""
        number = next(self._numbers)
        spec = SPECS["CodeRun"].model_validate({**CODE_SPEC, "service": f"s{number}"})
        item = requested.run(spec, self.world.namespace, f"bench-{number}")
        return parse(self.world.kubelet.create(CODE_RUN, item))

    def started(self) -> Run:
        """One whose Job is there."""
        run = self.run()
        advance(self.world.services, run, Known())
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
        return [job for job in self.world.jobs() if job["metadata"]["labels"][group.label("run")] == run.name]

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
    return Post(json.dumps(raw).encode(), encoded(event))
