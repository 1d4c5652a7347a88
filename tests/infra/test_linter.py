"""Findings of checkov in infra/kubernetes and in the Jobs of runs.

findings        each is fixed, or accepted below with its reason
accepted        each entry is still needed
the linter      works: it finds the mistakes of a bad workload
"""

import json
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from tests.infra import manifests

NO_POD = "a fence only reserves a name and never starts a pod"
OWN_CHOICE = "an installation chooses its images; tags are fixed in the example"
ASKS = "its schedule only sends requests; the kubelet restarts it after an exit"
ACCEPTED = (
    ("CKV_K8S_8", "kind-Deployment-*", ASKS),
    ("CKV_K8S_9", "kind-Deployment-*", ASKS),
    ("CKV_K8S_8", "rehearsal-Deployment-orchestrator-functions", ASKS),
    ("CKV_K8S_9", "rehearsal-Deployment-orchestrator-functions", ASKS),
    ("CKV_K8S_40", "rehearsal-Deployment-git", "its image is the agent's, whose user has uid 1000"),
    ("CKV_K8S_10", "*-fence", NO_POD),
    ("CKV_K8S_11", "*-fence", NO_POD),
    ("CKV_K8S_12", "*-fence", NO_POD),
    ("CKV_K8S_13", "*-fence", NO_POD),
    ("CKV_K8S_14", "*-fence", NO_POD),
    ("CKV_K8S_14", "base-Deployment-*", "the base is incomplete; an installation names the image"),
    ("CKV_K8S_15", "*-Deployment-*", OWN_CHOICE),
    ("CKV_K8S_15", "cluster-StatefulSet-*", OWN_CHOICE),
    ("CKV_K8S_15", "knative-CronJob-*", OWN_CHOICE),
    ("CKV_K8S_15", "?*Run-*", "setting agent.pull_policy; " + OWN_CHOICE),
    (
        "CKV_K8S_35",
        "cluster-*",
        "settings are read from the environment; secrets are referenced only by pods that use them",
    ),
    ("CKV_K8S_38", "*-Deployment-*", "the bridge lists and watches three kinds"),
    ("CKV_K8S_40", "?*Run-*", "uid 1000 is the agent image's user, which owns its workspaces"),
    ("CKV_K8S_43", "*-Deployment-*", OWN_CHOICE),
    ("CKV_K8S_43", "cluster-StatefulSet-*", OWN_CHOICE),
    ("CKV_K8S_43", "knative-CronJob-*", OWN_CHOICE),
    ("CKV_K8S_43", "?*Run-*", OWN_CHOICE),
)
"""Checks that fail: which, in which manifests (pattern of the file's name), and why."""


def findings(checkov: Path, folder: Path) -> set[tuple[str, str]]:
    """Return (manifest, check) of the findings in a folder; one process for all, as it takes seconds to start."""
    command = [
        str(checkov),
        "--framework",
        "kubernetes",
        "--skip-download",
        "--compact",
        "--quiet",
        "--output",
        "json",
    ]
    done = subprocess.run(
        [*command, "--directory", str(folder)], capture_output=True, text=True, timeout=280, check=False
    )
    report: Any = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 0, done.stderr
    return {(Path(check["file_path"]).stem, check["check_id"]) for check in report["results"]["failed_checks"]}


@pytest.fixture(scope="module")
def everything(kubectl: str, checkov: Path, tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    folder = tmp_path_factory.mktemp("manifests")
    found: dict[str, manifests.Object] = {}
    for kustomization in [*manifests.KUSTOMIZATIONS, *manifests.COMPONENTS]:
        for item in manifests.rendered(kubectl, kustomization):
            found[f"{kustomization.replace('/', '-')}-{item['kind']}-{item['metadata']['name']}"] = item
    for name, job in manifests.jobs():
        job["metadata"]["name"] = name.lower()
        found[name] = job
    bad = {"name": "bad", "image": "x:latest", "securityContext": {"privileged": True}}
    metadata = {"name": "bad", "namespace": "orchestrator"}
    found["bad"] = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [bad]}}
    manifests.write(folder, found)
    return findings(checkov, folder)


def accepted(manifest: str, check: str) -> bool:
    return any(check == each and fnmatch(manifest, pattern) for each, pattern, _ in ACCEPTED)


def test_every_finding_is_accepted(everything: set[tuple[str, str]]) -> None:
    assert {each for each in everything if each[0] != "bad" and not accepted(*each)} == set()


def test_every_accepted_finding_still_exists(everything: set[tuple[str, str]]) -> None:
    for check, pattern, _ in ACCEPTED:
        assert any(check == found and fnmatch(manifest, pattern) for manifest, found in everything), (check, pattern)


def test_the_linter_finds_the_mistakes_of_a_bad_workload(everything: set[tuple[str, str]]) -> None:
    found = {check for manifest, check in everything if manifest == "bad"}
    assert {"CKV_K8S_16", "CKV_K8S_14", "CKV_K8S_20", "CKV_K8S_23"} <= found, "privileged, latest, escalation, root"
