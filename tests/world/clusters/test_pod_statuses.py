"""Random pod statuses: containers of every kind, in every state, with unknown reasons."""

import json
import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from functions.runs.lifecycle import actions
from functions.runs.lifecycle.decide import decide
from functions.runs.lifecycle.observed import NOT_READ, Job, NotRead, Observed, Pod
from functions.runs.lifecycle.pod_status import parse_pod
from functions.runs.model.run import Run
from tests.conftest import SCALE
from tests.support.builders import NOW, POLICY, job
from tests.unit.deciding import name_of, running, started

COUNT = round(5000 * SCALE)
"""Number of pod statuses; a failing assertion names its seed."""
REASONS = ["", "ContainerCreating", "PodInitializing", "ErrImagePull", "CrashLoopBackOff", "FromTheFuture"]
ENDS = ["Completed", "Error", "OOMKilled", "ContainerStatusUnknown", "StartError", "FromTheFuture"]
CONDITIONS = ["Ready", "ContainersReady", "Initialized", "PodReadyToStartContainers", "DisruptionTarget", "Custom"]
REPORT = json.dumps({"outcome": "succeeded", "reason": "Completed", "message": "done"})

Object = dict[str, Any]


def waiting(draw: random.Random) -> Object:
    reason = draw.choice(REASONS)
    message = draw.choice(["", "no such thing"]) if reason not in REASONS[:3] else ""
    return {"waiting": {"reason": reason, "message": message} if draw.random() < 0.9 else {}}


def terminated(draw: random.Random, message: str = "") -> Object:
    found = {"exitCode": draw.choice([0, 0, 1, 137, 255]), "reason": draw.choice(ENDS), "message": message}
    return {"terminated": found | draw.choice([{}, {"finishedAt": NOW.isoformat()}])}


def state(draw: random.Random) -> Object:
    return draw.choice([waiting, lambda _: {"running": {}}, terminated, lambda _: {}])(draw)


def conditions(draw: random.Random) -> list[Object]:
    scheduled = draw.choice([[], [{"type": "PodScheduled", "status": "True"}], [unscheduled(draw)]])
    others = [
        {"type": name, "status": draw.choice(["True", "False", "Unknown"]), "reason": draw.choice(REASONS)}
        for name in CONDITIONS
        if draw.random() < 0.4
    ]
    return [*scheduled, *others]


def unscheduled(draw: random.Random) -> Object:
    reason = draw.choice(["Unschedulable", "SchedulingGated", "FromTheFuture"])
    return {"type": "PodScheduled", "status": "False", "reason": reason, "message": "0/3 nodes"}


def pod(draw: random.Random, agent: Object) -> Object:
    """Return a pod of Kubernetes 1.20 to 1.36 with this state of its agent; the phase is omitted, as it may lag."""
    others = [{"name": name, "state": state(draw)} for name in ("adot", "proxy", "zeta") if draw.random() < 0.4]
    inits = [{"name": f"init-{number}", "state": state(draw)} for number in range(draw.choice([0, 0, 1, 2]))]
    containers = [*others, {"name": "agent", "state": agent}]
    draw.shuffle(containers)
    status = {"containerStatuses": containers, "initContainerStatuses": inits, "conditions": conditions(draw)}
    phase = draw.choice([{}, {"phase": "Pending"}, {"phase": "Running"}, {"phase": "Unknown"}])
    return {"metadata": {"name": "the-pod"}, "spec": {}, "status": status | phase}


@dataclass
class Driver:
    """A run with its Job and pod, advanced by `decide` alone."""

    run: Run
    job: Job
    pod: Pod
    stopped: bool = False

    @property
    def is_open(self) -> bool:
        return self.run.status.open_attempt is not None

    def sweeps(self, at: datetime) -> None:
        """Apply the decisions of a sweep at that time."""
        pods: list[Pod] | NotRead = [self.pod]
        for _ in range(12):
            action = decide(Observed(self.run, self.job, pods), at, POLICY)
            match action:
                case actions.WriteStatus(status) | actions.Close(status):
                    self.run = self.run.with_status(status)
                case actions.ReadEvents():
                    self.pod = replace(self.pod, unexplained=False)
                    pods = [self.pod]
                case actions.ReadPods():
                    pods = [self.pod]
                case actions.Stop():
                    self.stopped, self.job = True, replace(self.job, is_being_stopped=True)
                case _:
                    return
            if not self.is_open:
                return
        raise AssertionError(f"{action} has no end")


def driver(draw: random.Random, raw: Object) -> Driver:
    found = draw.choice([started, running])()
    facts = parse_pod(raw)
    return Driver(found, replace(job(name_of(found), ready=int(facts.running)), has_no_pod=False, active=True), facts)


def test_state_of_another_container_never_ends_an_attempt() -> None:
    for seed in range(COUNT):
        draw = random.Random(seed)
        driven = driver(draw, pod(draw, {"running": {}}))
        for minute in (1, 20, 60):
            driven.sweeps(NOW + timedelta(minutes=minute))
        ends = (driven.is_open, driven.stopped, driven.run.status.phase)
        assert ends == (True, False, "Running"), f"seed {seed}"


def test_attempt_ends_within_two_minutes_after_its_agent() -> None:
    for seed in range(COUNT):
        draw = random.Random(seed)
        succeeded = draw.random() < 0.5
        driven = driver(draw, pod(draw, terminated(draw, REPORT if succeeded else "")))
        for minute in (1, 2):
            driven.sweeps(NOW + timedelta(minutes=minute))
        assert (driven.is_open, driven.stopped) == (False, True), f"seed {seed}"
        assert not succeeded or driven.run.status.phase == "Succeeded", f"seed {seed}"


def test_status_says_what_a_pod_that_has_not_started_waits_for() -> None:
    for seed in range(COUNT):
        draw = random.Random(seed)
        fresh = started()
        facts = parse_pod(pod(draw, waiting(draw)))
        driven = Driver(fresh, replace(job(name_of(fresh)), has_no_pod=False, active=True), facts)
        driven.sweeps(NOW + timedelta(minutes=2))
        status = driven.run.status
        words = facts.waiting[1] if facts.waiting else "the-pod"
        assert status.phase in ("Pending", "Queued"), f"seed {seed}"
        assert words, f"seed {seed}"
        assert status.succeeded, f"seed {seed}"
        assert words in (status.message or ""), f"seed {seed}"
        assert words in status.succeeded.message, f"seed {seed}"


def test_pods_that_were_not_read_are_not_treated_as_missing() -> None:
    fresh = running()
    looks = decide(Observed(fresh, replace(job(name_of(fresh)), has_no_pod=False, active=True), NOT_READ), NOW, POLICY)
    assert looks == actions.ReadPods()
