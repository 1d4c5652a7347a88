"""Population: many runs in all states, created directly as they would be after days of operation."""

from collections import Counter
from typing import Any

from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN, CONFIG_MAP, JOB
from functions.manifests import attempt as manifest
from functions.manifests import ledger
from functions.manifests import run as requested
from functions.runs import api_group
from functions.runs.admission.capacity import Reservation, reservation
from functions.runs.admission.ledger import Ledger
from functions.runs.lifecycle import transitions
from functions.runs.lifecycle.states import State
from functions.runs.lifecycle.verdict import Verdict
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run, parse
from functions.runs.model.specs import SPECS
from functions.runs.model.status import Obstacle, RunStatus
from functions.runs.retention import Retention
from tests.support.api import Harness
from tests.support.builders import CODE_SPEC, NOW, with_attempt

STATES = (
    "finished",
    "finished",
    "finished",
    "finished",
    "finished",
    "finished",
    "queued",
    "queued",
    "working",
    "retrying",
)
"""States of the runs in turn; six of ten are finished."""


class Population:
    """`size` runs; `counts` has the number in each state."""

    def __init__(self, harness: Harness, size: int) -> None:
        self.harness, self.size = harness, size
        self.counts: Counter[str] = Counter(STATES[number % len(STATES)] for number in range(size))
        self._cluster: Cluster = harness.kubelet
        entries: dict[str, Reservation] = {}
        for number in range(size):
            state = STATES[number % len(STATES)]
            run = self._put(number, state)
            if state == "working":
                entries[run.uid] = reservation(run)
                self._job(run)
        self._cluster.create(CONFIG_MAP, ledger.new(Ledger(entries, last_rejected="a-run"), harness.namespace))

    def _put(self, number: int, state: str) -> Run:
        spec = {**CODE_SPEC, "taskId": number + 1, "service": f"s{number}"}
        item = requested.run(SPECS["CodeRun"].model_validate(spec), self.harness.namespace, f"run-{number}")
        run = parse(self._cluster.create(CODE_RUN, item))
        if state == "finished":
            mark = {"metadata": {"labels": {api_group.FINISHED: run.uid}}}
            run = parse(self._cluster.patch(CODE_RUN, run.namespace, run.name, mark))
        return parse(self._cluster.replace_status(CODE_RUN, run.to_status_update(_status(run, state))))

    def _job(self, run: Run) -> None:
        self._cluster.create(JOB, manifest.job(run, self.harness.services.settings))
        self.harness.job_ready(run.status.job_name or "")

    def ends(self, count: int) -> None:
        """End that many running Jobs successfully, without an event."""
        jobs = [job["metadata"]["name"] for job in self.harness.jobs()]
        for name in jobs[:count]:
            self.harness.job_ends(name, '{"outcome": "succeeded", "reason": "Completed", "message": "done"}')

    def pages(self, page: int) -> int:
        """Return the number of pages that a sweep must read: Jobs, pods, unfinished runs of both kinds."""
        unfinished = self.size - self.counts["finished"]
        return sum(
            max(1, -(-count // page)) for count in (self.counts["working"], self.counts["working"], unfinished, 0)
        )


def _status(run: Run, state: str) -> RunStatus:
    if state == "queued":
        return transitions.queued(run, Obstacle(message="waits"), NOW)
    working = with_attempt(run)
    if state == "working":
        return transitions.running(working, NOW)
    verdict = Verdict(state == "finished", Reason.COMPLETED if state == "finished" else Reason.NETWORK, "ended")
    gained: dict[str, Any] = transitions.evidence(working, verdict, NOW)
    if state == "finished":
        ended = transitions.end_run(working, State.SUCCEEDED, Reason.COMPLETED, "done", NOW, **gained)
        return ended.model_copy(update={"expire_at": Retention().expires(ended)})
    return transitions.wait(working, Reason.RETRYING, "again", NOW.replace(year=2100), NOW, **gained)
