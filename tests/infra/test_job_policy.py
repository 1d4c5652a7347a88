"""The admission policy of Jobs accepts the Jobs of attempts and refuses others.

Its expressions are evaluated here: no API server of the tests is new enough (Kubernetes 1.30).
"""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cel
import pytest
import yaml

from functions.manifests import attempt
from tests.support.builders import run, settings, with_attempt

FOLDER = Path(__file__).parents[2] / "infra/kubernetes/components/job-policy"
POLICY, BINDING = yaml.safe_load_all((FOLDER / "policy.yaml").read_text())
Object = dict[str, Any]
IMAGES = {"agent": "agent", "broker": "orchestrator"}


def refusals(job: Object) -> list[str]:
    """Return the messages of the validations that the Job fails, with the parameters of the component."""
    params = yaml.safe_load((FOLDER / "job-policy.yaml").read_text())
    known: dict[str, Any] = {"object": job, "params": params, "variables": {}}
    for each in POLICY["spec"]["variables"]:
        known["variables"][each["name"]] = evaluate(each["expression"], known)
    return [each["message"] for each in POLICY["spec"]["validations"] if not evaluate(each["expression"], known)]


def evaluate(expression: str, known: Object) -> Any:
    context = cel.Context()
    context.add_function("split", lambda text, separator: text.split(separator))  # Kubernetes: CEL, strings library
    context.update(known)
    return cel.evaluate(expression, context)


def made(kind: str, spec: Object) -> Object:
    """Return the Job of an attempt."""
    images = {name: {"image": f"registry.example/{image}", "tag": "1.0.0"} for name, image in IMAGES.items()}
    return copy.deepcopy(attempt.job(with_attempt(run(kind, spec)), settings(**images)))


APP = {"githubApp": "5DLabs-Rex", "githubUser": None}
USER = {"githubApp": None, "githubUser": "Octo_cat"}


@pytest.mark.parametrize("identity", [APP, USER])
@pytest.mark.parametrize("kind", ["CodeRun", "DocsRun"])
def test_the_policy_accepts_jobs_of_attempts(kind: str, identity: Object) -> None:
    assert refusals(made(kind, identity)) == []


def test_the_policy_accepts_a_fence() -> None:
    assert refusals(attempt.fence(with_attempt(run("CodeRun", APP)))) == []


def pod(job: Object) -> Object:
    found: Object = job["spec"]["template"]["spec"]
    return found


CHANGES: dict[str, tuple[Callable[[Object], Any], str]] = {
    "another image": (lambda job: pod(job)["containers"][0].update(image="evil"), "an image"),
    "another image in an init container": (
        lambda job: pod(job).update(initContainers=[{"name": "i", "image": "evil"}]),
        "an image",
    ),
    "a placeholder that runs": (lambda job: pod(job)["containers"][0].update(image="none"), "an image"),
    "a secret as a variable": (
        lambda job: pod(job)["containers"][0]["env"].append(
            {"name": "X", "valueFrom": {"secretKeyRef": {"name": "admin", "key": "k"}}}
        ),
        "a secret",
    ),
    "a secret's keys as variables": (
        lambda job: pod(job)["containers"][0].update(envFrom=[{"secretRef": {"name": "admin"}}]),
        "a secret",
    ),
    "a secret as files": (
        lambda job: pod(job)["volumes"].append({"name": "x", "secret": {"secretName": "admin"}}),
        "a secret",
    ),
    "a secret whose name only begins well": (
        lambda job: pod(job)["volumes"].append({"name": "x", "secret": {"secretName": "x-github-app-rex"}}),
        "a secret",
    ),
    "a pull secret": (lambda job: pod(job).update(imagePullSecrets=[{"name": "admin"}]), "a secret"),
    "a directory of the node": (
        lambda job: pod(job)["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
        "a volume",
    ),
    "a projected token": (
        lambda job: pod(job)["volumes"].append({"name": "x", "projected": {"sources": []}}),
        "a volume",
    ),
    "a service account": (lambda job: pod(job).update(serviceAccountName="admin"), "a service account"),
    "its token": (lambda job: pod(job).update(automountServiceAccountToken=True), "a service account"),
    "the default of the token": (lambda job: pod(job).pop("automountServiceAccountToken"), "a service account"),
    "the node's network": (lambda job: pod(job).update(hostNetwork=True), "a pod uses"),
    "the node's processes": (lambda job: pod(job).update(hostPID=True), "a pod uses"),
}
"""Changes of an intruder with the right to create Jobs, and the beginning of the refusal."""


@pytest.mark.parametrize("name", CHANGES)
def test_the_policy_refuses_changed_jobs(name: str) -> None:
    change, words = CHANGES[name]
    job = made("CodeRun", APP)
    change(job)
    assert [message.startswith(words) for message in refusals(job)] == [True]


def test_the_policy_applies_to_every_job_and_denies() -> None:
    (rule,) = POLICY["spec"]["matchConstraints"]["resourceRules"]
    assert (rule["resources"], rule["operations"]) == (["jobs"], ["CREATE", "UPDATE"])
    assert "matchConditions" not in POLICY["spec"]
    assert BINDING["spec"]["policyName"] == POLICY["metadata"]["name"]
    assert BINDING["spec"]["paramRef"]["parameterNotFoundAction"] == "Deny"
    assert "Deny" in BINDING["spec"]["validationActions"]
