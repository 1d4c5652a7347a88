"""Invariants of a fleet, checked on every change that the API server stores.

- Live Jobs, which may have a pod, never exceed a limit, and never share a workspace or docs directory.
- No run gets a slot while another that is shown as Queued, precedes it in the queue and would fit has none.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from functions.local.apiserver.store import Change, Key, Store
from functions.manifests import ledger as manifest
from functions.runs.admission.capacity import capacity_keys
from functions.runs.admission.ledger import Ledger
from functions.runs.admission.pending_queue import is_admissible, pending_run
from functions.runs.model.limits import Limits
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run, parse
from tests.faults.invariants import is_live

RUNS = ("coderuns.agents.platform", "docsruns.agents.platform")
JOB, POD, CONFIG_MAP = "jobs.batch", "pods", "configmaps"


class FleetInvariantChecker:
    """Checks changes; `violations` has a message for each violation, `most` the maximum of concurrent runs."""

    def __init__(self, store: Store, namespace: str, limits: Limits, clock: Callable[[], datetime]) -> None:
        self.violations: list[str] = []
        self.most = 0
        self._store, self._namespace, self._limits, self._clock = store, namespace, limits, clock
        self._held: dict[str, Sequence[str]] = {}
        store.observe(self._see)

    def _see(self, change: Change) -> None:
        if change.key.resource == JOB and change.previous is None:
            self._job_made(change.key.name, json.loads(change.body))
        elif change.key.resource == CONFIG_MAP and change.key.name == manifest.NAME:
            self.violations += self._overtaken(change)

    def _job_made(self, name: str, job: Mapping[str, Any]) -> None:
        key = self._store.by_uid(job["metadata"]["ownerReferences"][0]["uid"])
        if not is_live(job) or key is None:
            return
        run = self._run(key)
        self._held[name] = capacity_keys(run)
        alive = Counter(hold for other, held in self._held.items() if self._is_alive(other) for hold in held)
        over = {hold: count for hold, count in alive.items() if count > self._limits.capacity(hold)}
        self.most = max(self.most, alive["runs"])
        if over:
            self.violations.append(f"{name} was created, and {over} are over the limit")

    def _is_alive(self, name: str) -> bool:
        text = self._store.get(Key(JOB, self._namespace, name))
        if text and is_live(json.loads(text)):
            return True
        pod = self._store.get(Key(POD, self._namespace, f"{name}-pod"))
        return pod is not None and (json.loads(pod).get("status") or {}).get("phase") == "Running"

    def _run(self, key: Key) -> Run:
        return parse(json.loads(self._store.get(key) or "{}"))

    def _overtaken(self, change: Change) -> Iterator[str]:
        if change.type == "DELETED":
            return
        after = manifest.parse(json.loads(change.body))
        before = manifest.parse(json.loads(change.previous)) if change.previous else Ledger()
        queue = [run for run in self._runs() if self._is_queued(run) and run.uid not in after.entries]
        for uid in after.entries.keys() - before.entries.keys():
            key = self._store.by_uid(uid)
            run = self._run(key) if key else None
            without = Ledger({other: entry for other, entry in after.entries.items() if other != uid})
            for other in queue if run and not run.status.open_attempt else ():
                first = pending_run(other).order < pending_run(run).order if run else False
                if first and not without.obstacle(other.uid, capacity_keys(other), self._limits):
                    yield f"{run.name if run else uid} overtook {other.name}"

    def _is_queued(self, run: Run) -> bool:
        shown = run.status.succeeded
        return shown is not None and shown.reason == Reason.QUEUED and is_admissible(run, self._clock())

    def _runs(self) -> Iterator[Run]:
        for resource in RUNS:
            for text in self._store.bodies(resource, self._namespace):
                yield parse(json.loads(text))
