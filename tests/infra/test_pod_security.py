"""Pod Security "restricted": every pod of a cluster passes, and every rule can fail.

pods     the Job of an attempt (docs and code, for a user and an App), its fence; every workload in infra/kubernetes
rules    for each rule of the standard, changes to a valid pod that violate only that rule
"""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.infra import manifests
from tests.infra.restricted import RULES, problems

JOBS = dict(manifests.jobs())
Change = Callable[[Any], None]


@pytest.mark.parametrize("name", JOBS)
def test_the_jobs_of_runs_are_restricted(name: str) -> None:
    (pod,) = manifests.pods(JOBS[name])
    assert problems(pod) == {}


@pytest.mark.parametrize("folder", manifests.INSTALLATIONS)
def test_the_workloads_of_the_installation_are_restricted(kubectl: str, folder: str) -> None:
    items = manifests.rendered(kubectl, folder)
    found = {item["metadata"]["name"]: problems(pod) for item in items for pod in manifests.pods(item)}
    there = {"knative": 6, "cluster": 9, "rehearsal": 2}.get(folder, 1)
    assert len(found) == there
    assert found == {name: {} for name in found}
    (namespace,) = (item for item in items if item["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def in_spec(**fields: Any) -> Change:
    return lambda pod: pod["spec"].update(fields)


def in_context(**fields: Any) -> Change:
    return lambda pod: pod["spec"]["securityContext"].update(fields)


def in_container(**fields: Any) -> Change:
    return lambda pod: pod["spec"]["containers"][0].update(fields)


def in_container_context(**fields: Any) -> Change:
    return lambda pod: pod["spec"]["containers"][0]["securityContext"].update(fields)


def second(group: str, **context: Any) -> Change:
    """Return a change that adds another container, valid except for the given context."""
    good = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True}
    given = {key: value for key, value in (good | context).items() if value is not None}
    return lambda pod: pod["spec"].setdefault(group, []).append({"name": "second", "securityContext": given})


def without(name: str) -> Change:
    return lambda pod: pod["spec"]["securityContext"].pop(name)


def annotated(name: str, value: str) -> Change:
    return lambda pod: pod.setdefault("metadata", {}).setdefault("annotations", {}).update({name: value})


APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/agent"
PROBE = {"httpGet": {"host": "10.0.0.1", "port": 80}}
BROKEN: dict[str, list[Change]] = {
    "host_process": [in_context(windowsOptions={"hostProcess": True})],
    "host_namespaces": [in_spec(hostNetwork=True), in_spec(hostPID=True), in_spec(hostIPC=True)],
    "privileged": [in_container_context(privileged=True), second("initContainers", privileged=True)],
    "capabilities": [
        in_container_context(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
        in_container_context(capabilities={"drop": ["NET_RAW"]}),
        second("initContainers", capabilities=None),
    ],
    "volume_types": [
        in_spec(volumes=[{"name": "v", "hostPath": {"path": "/"}}]),
        in_spec(volumes=[{"name": "v", "nfs": {"server": "x", "path": "/"}}]),
    ],
    "host_ports": [in_container(ports=[{"containerPort": 80, "hostPort": 80}])],
    "host_of_probes": [
        in_container(livenessProbe=PROBE),
        in_container(readinessProbe={"tcpSocket": {"host": "10.0.0.1", "port": 80}}),
        in_container(lifecycle={"preStop": PROBE}),
    ],
    "app_armor": [annotated(APP_ARMOR, "unconfined"), in_context(appArmorProfile={"type": "Unconfined"})],
    "se_linux": [in_context(seLinuxOptions={"type": "spc_t"}), in_container_context(seLinuxOptions={"role": "r"})],
    "proc_mount": [in_container_context(procMount="Unmasked")],
    "sysctls": [in_context(sysctls=[{"name": "kernel.msgmax", "value": "1"}])],
    "seccomp": [
        without("seccompProfile"),
        in_context(seccompProfile={"type": "Unconfined"}),
        in_container_context(seccompProfile={"type": "Unconfined"}),
    ],
    "privilege_escalation": [
        in_container_context(allowPrivilegeEscalation=True),
        second("containers", allowPrivilegeEscalation=None),
        second("ephemeralContainers", allowPrivilegeEscalation=True),
    ],
    "running_as_non_root": [
        without("runAsNonRoot"),
        in_context(runAsNonRoot=False),
        in_container_context(runAsNonRoot=False),
    ],
    "running_as_user": [in_context(runAsUser=0), second("initContainers", runAsUser=0)],
}
CASES = [(rule, number) for rule, changes in BROKEN.items() for number in range(len(changes))]


@pytest.mark.parametrize(("rule", "number"), CASES)
def test_a_change_violates_only_its_rule(rule: str, number: int) -> None:
    (good,) = manifests.pods(JOBS["CodeRun-app"])
    pod = copy.deepcopy(good)
    BROKEN[rule][number](pod)
    assert list(problems(pod)) == [rule]


def test_every_rule_has_a_violation_and_allowed_changes_pass() -> None:
    assert {rule.__name__ for rule in RULES} == set(BROKEN)
    (good,) = manifests.pods(JOBS["CodeRun-app"])
    for change in (
        annotated(APP_ARMOR, "localhost/mine"),
        in_context(sysctls=[{"name": "net.ipv4.tcp_syncookies", "value": "1"}]),
        in_container_context(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}),
        in_container_context(seccompProfile={"type": "Localhost", "localhostProfile": "p"}),
        second("initContainers"),
    ):
        pod = copy.deepcopy(good)
        change(pod)
        assert problems(pod) == {}
