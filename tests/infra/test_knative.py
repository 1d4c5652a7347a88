"""infra/kubernetes/knative against Knative's own CRDs, and its functions with its settings.

KNATIVE_CRDS names a directory with the CustomResourceDefinitions of Knative Serving and Eventing.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from functions import app
from functions.queues.topology import FUNCTIONS
from functions.settings.loading import load
from tests.infra import manifests
from tests.infra.manifests import Object, of_kind

HINT = "set KNATIVE_CRDS to a directory with the CRDs of Knative Serving and Eventing (github.com/knative, releases)"


@pytest.fixture(scope="module")
def schemas() -> Mapping[tuple[str, str], Any]:
    """Return the schema of each kind, by apiVersion and kind."""
    folder = Path(os.environ.get("KNATIVE_CRDS") or "/nonexistent")
    if not folder.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(HINT)
        pytest.skip(HINT)
    found = {}
    for crd in (each for file in folder.glob("*.yaml") for each in yaml.safe_load_all(file.read_text()) if each):
        group, kind = crd["spec"]["group"], crd["spec"]["names"]["kind"]
        for version in crd["spec"]["versions"]:
            found[f"{group}/{version['name']}", kind] = version["schema"]["openAPIV3Schema"]
    return found


def of_knative(kubectl: str) -> list[Object]:
    return [each for each in manifests.rendered(kubectl, "knative") if ".knative.dev/" in each["apiVersion"]]


def dropped(schema: Mapping[str, Any], value: Any, path: str = "") -> Iterator[str]:
    """Yield the fields that a schema does not have; the API server drops them silently."""
    if isinstance(value, dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        known, other = schema.get("properties", {}), schema.get("additionalProperties")
        for name, inner in value.items():
            if name in known or isinstance(other, dict):
                yield from dropped(known.get(name, other), inner, f"{path}.{name}")
            elif not other and path != ".metadata":
                yield f"{path}.{name}"
    elif isinstance(value, list):
        for inner in value:
            yield from dropped(schema.get("items", {}), inner, f"{path}[]")


def problems(schemas: Mapping[tuple[str, str], Any], item: Object) -> list[str]:
    schema = schemas[item["apiVersion"], item["kind"]]
    known = {**schema, "properties": {"apiVersion": {}, "kind": {}, "metadata": {}, **schema["properties"]}}
    errors = [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(item)]
    return [*errors, *dropped(known, item)]


def test_every_object_matches_knatives_schema(kubectl: str, schemas: Mapping[tuple[str, str], Any]) -> None:
    items = of_knative(kubectl)
    assert {each["kind"] for each in items} == {"ApiServerSource", "PingSource", "Channel", "Subscription", "Service"}
    assert {each["metadata"]["name"]: problems(schemas, each) for each in items if problems(schemas, each)} == {}


def test_wrong_fields_and_types_are_detected(kubectl: str, schemas: Mapping[tuple[str, str], Any]) -> None:
    service = of_kind(of_knative(kubectl), "Service")["orchestrator-sweep"]
    template = service["spec"]["template"]
    for wrong, named in (({"timeoutSecond": 5}, "timeoutSecond"), ({"timeoutSeconds": "5"}, "'5' is not of type")):
        spec = {**template["spec"], **wrong}
        found = problems(schemas, {**service, "spec": {"template": {**template, "spec": spec}}})
        assert any(named in each for each in found), found


def test_every_function_except_githubs_is_a_service_that_starts(kubectl: str, tmp_path: Path) -> None:
    items = manifests.rendered(kubectl, "knative")
    served = set()
    for service in of_kind(of_knative(kubectl), "Service").values():
        pod = service["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        environ = {each["name"]: each.get("value", '{"ci": "t0ken"}') for each in container["env"]}
        (volume,) = [each["configMap"]["name"] for each in pod["volumes"] if "configMap" in each]
        (tmp_path / "settings.yaml").write_text(of_kind(items, "ConfigMap")[volume]["data"]["settings.yaml"])
        environ["ORCHESTRATOR_CONFIG"] = str(tmp_path / "settings.yaml")
        settings = load(environ)
        app.require_settings(settings, environ["FUNCTION_TARGET"])
        is_public = "networking.knative.dev/visibility" not in service["metadata"]["labels"]
        assert is_public is (settings.auth.mode == "bearer"), "a public function must require a token"
        assert pod["serviceAccountName"] in of_kind(items, "ServiceAccount")
        served.add(environ["FUNCTION_TARGET"])
    assert served == set(FUNCTIONS) - {"github_event"}


def test_references_of_sinks_and_subscribers_exist(kubectl: str) -> None:
    items = of_knative(kubectl)
    there = {(each["apiVersion"], each["kind"], each["metadata"]["name"]) for each in items}
    specs = [each.get("spec", {}) for each in items]
    named = [spec[key]["ref"] for spec in specs for key in ("sink", "subscriber") if key in spec]
    assert named
    assert {(each["apiVersion"], each["kind"], each["name"]) for each in named} <= there
