"""Final checks: what holds once kubelet and sweep find nothing more to do, whatever happened before.

Each run is finished and its lifecycle events are published, its Jobs are those of its attempts, and no object of a
deleted run is left.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from functions.manifests.attempt import CHECKSUM
from functions.runs.lifecycle import states
from functions.runs.lifecycle.lifecycle_events import LifecycleEvent, unpublished
from functions.runs.model.run import Run

Object = Mapping[str, Any]


@dataclass(frozen=True)
class FinalState:
    """The objects at rest, and the events published on the way."""

    runs: Sequence[Run]
    jobs: Sequence[Object]
    config_maps: Sequence[Object]
    published: Collection[str]
    """Ids of the events that were published."""
    expired: Collection[str]
    """Names of Jobs that were deleted at the end of their TTL."""

    def wrong(self) -> list[str]:
        """Return a message for each check that fails."""
        return self._left_over() + [word for run in self.runs for word in self._unfinished(run)]

    def _left_over(self) -> list[str]:
        uids = {run.uid for run in self.runs}
        owned = [(item, _owners(item)) for item in (*self.config_maps, *self.jobs)]
        lost = [item for item, owners in owned if owners and not owners & uids]
        return [f"{item['metadata']['name']} is left over" for item in lost]

    def _unfinished(self, run: Run) -> list[str]:
        wrong = []
        jobs = {job["metadata"]["name"] for job in self.jobs if run.uid in _owners(job)}
        named = {a.job_name for a in run.status.attempts if a.reason != "NameTaken"}
        if states.state(run.status) not in states.FINISHED or not run.is_marked_finished:
            wrong.append(f"{run.name} is not finished and marked so: {run.status.phase}, {run.status.message}")
        if run.status.open_attempt:
            wrong.append("an attempt is open for ever")
        carried = self._checksum(run.status.config_map_name or "")
        if carried and carried != run.status.templates_checksum:
            wrong.append("the status names other templates than the task files were made from")
        silent = {f"{run.uid}/{milestone}" for milestone in _milestones(run)} - {*self.published}
        if silent:
            wrong.append(f"no event was published for {sorted(silent)}")
        if not named - {*self.expired} <= jobs <= named:
            wrong.append(f"the Jobs are {sorted(jobs)}, the attempts {sorted(named)}")
        return wrong

    def _checksum(self, config_map: str) -> str | None:
        notes = [item["metadata"].get("annotations", {}) for item in self.config_maps if _name(item) == config_map]
        return notes[0].get(CHECKSUM) if notes else None


def _name(item: Object) -> str:
    return str(item["metadata"]["name"])


def _owners(item: Object) -> set[str]:
    return {owner["uid"] for owner in item["metadata"].get("ownerReferences") or ()}


def _milestones(run: Run) -> Sequence[LifecycleEvent]:
    """All lifecycle events of the run, including those that the status records as published."""
    return unpublished(run.status.model_copy(update={"reported": None}))
