"""Overlays and components of infra/kubernetes/base agree with the code.

kind              four functions and their schedule in a pod, with the rights of the base, without a bridge
gke               binds the account that Terraform names
external-secrets  creates the secrets that attempts' pods refer to, key by key
quota             admits the bridge and the maximum of agents with default settings
immutable-spec    every field except those of cancel and retry has a rule with a message; for servers with CEL
"""

import ast
import itertools
import os
import re
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions import app
from functions.manifests import tombstone
from functions.runs import requests
from functions.runs.model.run import parse
from functions.runs.model.specs import SPECS
from functions.settings.loading import load
from infra import immutability
from tests.infra import manifests
from tests.infra.manifests import of_kind
from tests.support.builders import raw_run
from tests.support.control_plane import ControlPlane
from tests.support.installed import KUBERNETES, ROOT

MAIN = ast.parse((ROOT / "functions" / "main.py").read_text())
TARGETS = {each.name for each in MAIN.body if isinstance(each, ast.FunctionDef)}


def containers(kubectl: str) -> dict[str, Any]:
    pod = of_kind(manifests.rendered(kubectl, "kind"), "Deployment")["orchestrator-functions"]["spec"]["template"]
    return {each["name"]: each for each in pod["spec"]["containers"]}


def test_the_functions_of_kind_start_with_its_settings(kubectl: str, tmp_path: Path) -> None:
    found = containers(kubectl)
    settings = of_kind(manifests.rendered(kubectl, "kind"), "ConfigMap")
    (files,) = settings.values()
    (tmp_path / "settings.yaml").write_text(files["data"]["settings.yaml"])
    loaded = load({"ORCHESTRATOR_CONFIG": str(tmp_path / "settings.yaml")})
    assert loaded.auth.mode == "none", "a port-forward comes from loopback"
    served = {}
    for name, container in found.items():
        environ = {each["name"]: each["value"] for each in container.get("env", ())}
        if name != "schedule":
            served[environ["FUNCTION_TARGET"]] = environ["PORT"]
            app.require_settings(loaded, environ["FUNCTION_TARGET"])
            assert [str(port["containerPort"]) for port in container["ports"]] == [environ["PORT"]]
    assert set(served) == {"submit_docs", "submit_code", "sweep", "console"} <= TARGETS
    script = found["schedule"]["command"][-1]
    compile(script, "schedule", "exec")
    assert f"http://127.0.0.1:{served['sweep']}/" in script


def test_kind_uses_the_paths_of_the_image(kubectl: str) -> None:
    dockerfile = (ROOT / "infra/images/orchestrator/Dockerfile").read_text()
    for name, container in containers(kubectl).items():
        if name != "schedule":
            program, *options = container["command"]
            assert (program, options[0]) == ("functions-framework", "--source")
            folder = options[1].removesuffix("/main.py")
            assert re.search(rf"^COPY .*functions {folder}$", dockerfile, re.MULTILINE)
            assert re.search(rf"^COPY .*templates {Path(folder).parent}/templates$", dockerfile, re.MULTILINE)


def test_kind_has_no_bridge_and_its_pod_the_functions_rights(kubectl: str, installed_plane: ControlPlane) -> None:
    items = manifests.rendered(kubectl, "kind")
    assert set(of_kind(items, "Deployment")) == {"orchestrator-functions"}
    (subject,) = of_kind(items, "RoleBinding")["orchestrator-functions"]["subjects"]
    assert subject["name"] in of_kind(items, "ServiceAccount")
    admin = [kubectl, "--kubeconfig", str(installed_plane.kubeconfig), "--namespace", "orchestrator"]
    applied = subprocess.run(
        [*admin, "apply", "--kustomize", str(KUBERNETES / "kind")], capture_output=True, timeout=120
    )
    assert applied.returncode == 0, applied.stderr
    who = f"--as=system:serviceaccount:{subject['namespace']}:{subject['name']}"
    console = ("watch", "coderuns", "yes")
    expected = (("create", "coderuns", "yes"), ("patch", "jobs", "yes"), ("get", "secrets", "no"), console)
    for verb, resource, answer in expected:
        asked = [*admin, "auth", "can-i", verb, resource, who]
        assert subprocess.run(asked, capture_output=True, text=True, timeout=60).stdout.strip() == answer


def looked_for() -> dict[str, set[str]]:
    """Return secrets and their keys that the pods of attempts refer to."""
    found: dict[str, set[str]] = {}
    for name, job in manifests.jobs():
        for pod in manifests.pods(job) if not name.endswith("fence") else ():
            (container,) = pod["spec"]["containers"]
            for each in container["env"]:
                reference = each.get("valueFrom", {}).get("secretKeyRef")
                if reference:
                    found.setdefault(reference["name"], set()).add(reference["key"])
            for volume in pod["spec"]["volumes"]:
                if "secret" in volume:
                    keys = {item["key"] for item in volume["secret"].get("items", ())}
                    found.setdefault(volume["secret"]["secretName"], set()).update(keys)
    return found


@pytest.mark.parametrize("folder", manifests.INSTALLATIONS)
def test_pods_with_settings_get_no_variables_of_services(kubectl: str, folder: str) -> None:
    """The kubelet would add ORCHESTRATOR_SWEEP_PORT and more to each pod (Kubernetes: Service, environment variables).

    Knative omits them by default (config-defaults, enable-service-links).
    """
    found = manifests.rendered(kubectl, folder)
    workloads = [item for item in found if not item["apiVersion"].startswith("serving.knative.dev/")]
    for pod in itertools.chain.from_iterable(map(manifests.pods, workloads)):
        variables = {each["name"] for container in pod["spec"]["containers"] for each in container.get("env", ())}
        if any(name.startswith("ORCHESTRATOR_") for name in variables):
            assert pod["spec"].get("enableServiceLinks") is False, pod["metadata"]


def test_external_secrets_are_those_that_pods_refer_to(kubectl: str) -> None:
    items = manifests.rendered(kubectl, "components/external-secrets")
    made = {
        each["spec"]["target"]["name"]: {entry["secretKey"] for entry in each["spec"]["data"]}
        for each in of_kind(items, "ExternalSecret").values()
    }
    wanted = looked_for()
    assert set(made) == set(wanted) == {"claude-api-key", "github-ssh-octocat", "github-app-rex"}
    for name, keys in wanted.items():
        assert keys <= made[name], name
    (store,) = of_kind(items, "SecretStore").values()
    account = store["spec"]["provider"]["gcpsm"]["auth"]["workloadIdentity"]["serviceAccountRef"]["name"]
    assert account in of_kind(items, "ServiceAccount")
    terraform = (ROOT / "infra/terraform/secrets.tf").read_text()
    assert f'/{account}"' in terraform, "Terraform lets this account read them"
    for each in of_kind(items, "ExternalSecret").values():
        assert {entry["remoteRef"]["key"] for entry in each["spec"]["data"]} == {
            f"orchestrator-{each['metadata']['name']}"
        }


UNITS = {"m": Decimal("0.001"), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "": Decimal(1)}


def amount(quantity: str) -> Decimal:
    number, unit = re.fullmatch(r"([\d.]+)(\D*)", str(quantity)).groups()  # type: ignore[union-attr]
    return Decimal(number) * UNITS[unit]


def test_the_quota_admits_50_agents_and_2_bridges(kubectl: str) -> None:
    (quota,) = of_kind(manifests.rendered(kubectl, "components/quota"), "ResourceQuota").values()
    hard, needed = quota["spec"]["hard"], {"pods": Decimal(0)}
    bridge = of_kind(manifests.rendered(kubectl, "base"), "Deployment")["orchestrator-bridge"]
    (job,) = [job for name, job in manifests.jobs() if name == "CodeRun-app"]
    for item, times in ((bridge, 2), (job, 50)):
        for pod in manifests.pods(item):
            needed["pods"] += times
            resources = pod["spec"]["containers"][0]["resources"]
            for part, name in itertools.product(("requests", "limits"), ("cpu", "memory")):
                key = f"{part}.{name}"
                needed[key] = needed.get(key, Decimal(0)) + times * amount(resources[part][name])
    assert {key for key, value in needed.items() if amount(hard[key]) < value} == set()
    assert amount(hard["requests.storage"]) >= amount(hard["persistentvolumeclaims"]) * amount("10Gi")


def test_the_generated_immutability_rules_are_current() -> None:
    for name, text in immutability.files().items():
        assert (immutability.FOLDER / name).read_text() == text, "python -m infra.immutability"


@pytest.mark.parametrize("kind", SPECS)
def test_every_field_except_those_of_cancel_and_retry_has_a_rule(kubectl: str, tmp_path: Path, kind: str) -> None:
    crd = with_component(kubectl, tmp_path, "immutable-spec", kind)
    (version,) = crd["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    ruled = {each["message"].split()[0]: each["rule"] for each in spec["x-kubernetes-validations"]}
    assert set(spec["properties"]) - set(ruled) == set(spec["properties"]) & immutability.MAY_CHANGE
    for name, rule in ruled.items():
        always = name in spec["required"] or "default" in spec["properties"][name]
        assert f"self.{name} == oldSelf.{name}" in rule
        assert (f"has(oldSelf.{name})" in rule) != always, "a rule must use has() for fields that may be missing"


def with_component(kubectl: str, folder: Path, component: str, kind: str) -> Any:
    here = os.path.relpath(KUBERNETES, folder.resolve())
    (folder / "kustomization.yaml").write_text(
        f"resources: [{here}/crds]\ncomponents: [{here}/components/{component}]\n"
    )
    done = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, check=True, timeout=60)
    items = [each for each in yaml.safe_load_all(done.stdout) if each]
    return of_kind(items, "CustomResourceDefinition")[f"{SPECS[kind].kind.plural}.agents.platform"]


def test_retry_and_cancel_change_only_mutable_fields() -> None:
    finished = [
        {"type": "Succeeded", "status": "False", "reason": "AgentError", "lastTransitionTime": "2026-01-02T03:04:05Z"}
    ]
    run = parse(raw_run("CodeRun", status={"conditions": finished, "attempt": 1}))
    retry = requests.retry(run, key="k", words="more")
    cancel = requests.cancel(parse(raw_run("CodeRun")))
    assert retry is not None
    assert cancel is not None
    assert {*retry["spec"], *cancel["spec"]} <= immutability.MAY_CHANGE


def test_the_immutability_rules_exempt_the_patch_of_a_deletion() -> None:
    for kind in SPECS:
        patch = tombstone.valid_spec(parse(raw_run(kind)))
        assert f"self.repositoryUrl == '{patch['repositoryUrl']}'" == immutability.DELETED
