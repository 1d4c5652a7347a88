"""Twenty runs, in every state of a run, as kubectl and `orchestrator runs list` show them.

| of each run       | expected                                                                              |
|-------------------|---------------------------------------------------------------------------------------|
| phase, reason     | in both tables                                                                        |
| what it waits for | in both tables, with the cluster's message; `runs list` shows it after the reason, or |
|                   | instead of a reason that only repeats the phase                                       |
| the whole message | in the wide table of `runs list`                                                      |
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from functions.cluster.kinds import RUNS
from functions.local.dev.cluster import write_kubeconfig
from functions.runs.lifecycle import transitions
from functions.runs.lifecycle.retries import after
from functions.runs.lifecycle.states import State
from functions.runs.lifecycle.verdict import Verdict
from functions.runs.model.reasons import Reason
from functions.runs.model.run import Run
from functions.runs.model.status import Obstacle, RunStatus
from tests.clients.in_process_cli import command
from tests.cluster.kubectl import KubectlBench
from tests.support.api import Harness, api_server, transport
from tests.support.builders import NOW, POLICY, with_attempt
from tests.support.run_steps import submitted

NAMESPACE = "twenty"
Becomes = Callable[[Run], RunStatus]


def begun(run: Run) -> Run:
    return with_attempt(run)


def waits(reason: Reason, message: str) -> Becomes:
    """Return a status change: the attempt's pod cannot start, or has no room."""
    return lambda run: transitions.pending(begun(run), reason, message, NOW)


def says(message: str) -> Becomes:
    """Return a status change: the running attempt waits for something."""
    return lambda run: transitions.says(run.with_status(transitions.running(begun(run), NOW)), message)


def ends(to: State, reason: Reason, message: str) -> Becomes:
    def ended(run: Run) -> RunStatus:
        working = begun(run)
        gained = transitions.evidence(working, Verdict(to is State.SUCCEEDED, reason, message), NOW)
        return transitions.end_run(working, to, reason, message, NOW, **gained)

    return ended


def retries(reason: Reason, message: str) -> Becomes:
    def again(run: Run) -> RunStatus:
        return after(begun(run), Verdict(False, reason, message), NOW, POLICY)

    return again


@dataclass(frozen=True)
class Case:
    """A run with the phase, reason and part of the message that the tables show."""

    becomes: Becomes
    phase: str
    reason: str
    words: str
    kind: str = "CodeRun"

    @property
    def waits(self) -> bool:
        """Return whether the run waits for something; starting and running are not waits."""
        normal = ("attempt 1 is running", "starting attempt 1")
        return self.phase not in ("Succeeded", "Failed", "Cancelled") and self.words not in normal


POD = "code-run-0c9d4d1e5f0e4f1e8d8e0000-0c9d4-1-x7k2p"
QUOTA = f'pods "{POD}" is forbidden: exceeded quota: agents, requested: pods=1, used: pods=10, limited: pods=10'
CASES = [
    Case(
        lambda run: transitions.queued(run, Obstacle(message="4 of 4 runs work (limits.runs)"), NOW),
        "Queued",
        "Queued",
        "limits.runs",
    ),
    Case(waits(Reason.QUEUED, QUOTA), "Queued", "Queued", "exceeded quota"),
    Case(
        waits(Reason.QUEUED, "its Job is suspended: insufficient quota for cpu in flavor a"),
        "Queued",
        "Queued",
        "flavor a",
    ),
    Case(waits(Reason.QUEUED, "gated: kueue.x/admission"), "Queued", "Queued", "kueue.x/admission"),
    Case(lambda run: transitions.start(run, NOW), "Pending", "Starting", "starting attempt 1"),
    Case(
        waits(Reason.IMAGE_PULL_FAILED, "init container istio: no such image: istio:9"),
        "Pending",
        "ImagePullFailed",
        "istio:9",
    ),
    Case(waits(Reason.UNSCHEDULABLE, "0/3 nodes are available: 3 Insufficient cpu"), "Pending", "Unschedulable", "cpu"),
    Case(waits(Reason.MOUNT_FAILED, 'configmap "ca" not found'), "Pending", "MountFailed", '"ca" not found'),
    Case(waits(Reason.VOLUME_NOT_ATTACHED, "Multi-Attach error for pvc-1"), "Pending", "VolumeNotAttached", "pvc-1"),
    Case(waits(Reason.POD_REFUSED, "violates PodSecurity restricted"), "Pending", "PodRefused", "PodSecurity"),
    Case(waits(Reason.CONTAINER_NOT_STARTING, "no checkpoint c1"), "Pending", "ContainerNotStarting", "checkpoint c1"),
    Case(
        waits(Reason.MISSING_SECRET, "Secret claude-api-key lacks the key api-key"),
        "Pending",
        "MissingSecret",
        "api-key",
    ),
    Case(
        waits(Reason.TEMPLATE_ERROR, "prompt.md.j2, line 3: taks is undefined"),
        "Pending",
        "TemplateError",
        "line 3",
        "DocsRun",
    ),
    Case(lambda run: transitions.running(begun(run), NOW), "Running", "Running", "attempt 1 is running"),
    Case(says("attempt 1 waits until its pod is gone: node n7 has not confirmed it"), "Running", "Running", "node n7"),
    Case(retries(Reason.EVICTED, "low on disk"), "Retrying", "Retrying", "Evicted: low on disk"),
    Case(retries(Reason.RATE_LIMITED, "until 14:00"), "Retrying", "Retrying", "RateLimited", "DocsRun"),
    Case(ends(State.SUCCEEDED, Reason.COMPLETED, "done"), "Succeeded", "Completed", "done"),
    Case(ends(State.FAILED, Reason.OUT_OF_MEMORY, "raise memory"), "Failed", "OutOfMemory", "raise memory"),
    Case(ends(State.CANCELLED, Reason.CANCELLED, "cancelled"), "Cancelled", "Cancelled", "cancelled", "DocsRun"),
]
NAMES = [f"run-{number:02}" for number in range(1, len(CASES) + 1)]


@pytest.fixture(scope="module")
def twenty(
    tmp_path_factory: pytest.TempPathFactory, program: Callable[[str, str], str]
) -> Iterator[tuple[KubectlBench, Path]]:
    folder = tmp_path_factory.mktemp("twenty")
    kubectl = program("kubectl", "see kubernetes.io, Install Tools")
    with api_server(folder / "state.sqlite") as url:
        world = Harness(transport(url, folder), NAMESPACE)
        for name, case in zip(NAMES, CASES, strict=True):
            run = submitted(world, case.kind, name)
            world.kubelet.replace_status(RUNS[case.kind], run.to_status_update(case.becomes(run)))
        file = write_kubeconfig(folder, url, NAMESPACE)
        common = [kubectl, "--cache-dir", str(folder / "cache"), "-n", NAMESPACE, "--kubeconfig", str(file)]
        yield KubectlBench(world, common), file


def test_kubectl_shows_what_each_run_waits_for(twenty: tuple[KubectlBench, Path]) -> None:
    bench, _ = twenty
    shown = [line for kind in ("coderuns", "docsruns") for line in bench.get(kind)[1:]]
    for name, case in zip(NAMES, CASES, strict=True):
        (row,) = [line for line in shown if line.startswith(f"{name} ")]
        assert f" {case.phase} " in row
        assert f" {case.reason} " in row
        assert case.words in row


@pytest.mark.parametrize("wide", [False, True])
def test_runs_list_shows_what_each_run_waits_for(twenty: tuple[KubectlBench, Path], wide: bool) -> None:
    _, kubeconfig = twenty
    output = ("-o", "wide") if wide else ()
    shown = command("runs", "list", *output, KUBECONFIG=str(kubeconfig)).out.splitlines()[1:]
    assert len(shown) == len(CASES) == 20
    for name, case in zip(NAMES, CASES, strict=True):
        (row,) = [line for line in shown if line.endswith(f" {name}")]
        assert f" {case.phase} " in row
        assert case.reason == case.phase or f" {case.reason}" in row
        if wide or case.waits:
            assert case.words in row
