"""The console on a cluster (components/console-ingress): read-only, and only for people the ingress identifies."""

from pathlib import Path

import pytest

from functions.console.platform_access import IngressAccess, access
from functions.settings.loading import load
from tests.infra.manifests import Object, of_kind
from tests.infra.test_newer_kinds import with_component

NAME = "orchestrator-console"


@pytest.fixture(scope="module", params=["cluster", "gke"])
def items(request: pytest.FixtureRequest, kubectl: str, tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    folder = tmp_path_factory.mktemp(request.param)
    return with_component(kubectl, folder, "console-ingress", overlay=request.param)


def test_the_console_starts_with_the_overlays_settings_and_no_secret(items: list[Object], tmp_path: Path) -> None:
    pod = of_kind(items, "Deployment")[NAME]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    environ = {each["name"]: each["value"] for each in container["env"]}  # fails for a secret, which has no value
    assert environ["FUNCTION_TARGET"] == "console"
    assert [each for each in pod["volumes"] if "secret" in each] == []
    (volume,) = [each for each in pod["volumes"] if each["name"] == "settings"]
    (tmp_path / "settings.yaml").write_text(
        of_kind(items, "ConfigMap")[volume["configMap"]["name"]]["data"]["settings.yaml"]
    )
    settings = load({**environ, "ORCHESTRATOR_CONFIG": str(tmp_path / "settings.yaml")}).console
    assert isinstance(access(settings, fetch=lambda url: url), IngressAccess)
    annotations = of_kind(items, "Ingress")[NAME]["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/auth-response-headers"] == settings.header
    assert "nginx.ingress.kubernetes.io/auth-url" in annotations


def test_only_the_ingress_controller_reaches_the_consoles_pods(items: list[Object]) -> None:
    labels = of_kind(items, "Deployment")[NAME]["spec"]["template"]["metadata"]["labels"]
    policies = of_kind(items, "NetworkPolicy")
    selecting = [
        name for name, each in policies.items()
        if (each["spec"]["podSelector"].get("matchLabels") or {"no": "pod"}).items() <= labels.items()
    ]  # fmt: skip
    assert selecting == [NAME]
    (rule,) = policies[NAME]["spec"]["ingress"]
    (source,) = rule["from"]
    assert source == {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}
    service = of_kind(items, "Service")[NAME]["spec"]
    assert service["selector"].items() <= labels.items()
    (rule,) = of_kind(items, "Ingress")[NAME]["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert (path["path"], path["backend"]["service"]["name"]) == ("/", NAME)


def test_the_consoles_pod_has_the_console_role_only(items: list[Object]) -> None:
    account = of_kind(items, "Deployment")[NAME]["spec"]["template"]["spec"]["serviceAccountName"]
    assert account in of_kind(items, "ServiceAccount")
    bindings = [each for each in items if each["kind"] in ("RoleBinding", "ClusterRoleBinding")]
    bound = [
        each["roleRef"]["name"] for each in bindings for subject in each["subjects"]
        if (subject["kind"], subject["name"]) == ("ServiceAccount", account)
    ]  # fmt: skip
    assert bound == [NAME]
