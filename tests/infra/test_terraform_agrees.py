"""infra/terraform is valid and creates what the code declares.

valid        formatted, every argument known to the provider, its own tests pass (*.tftest.hcl)
agrees       entry points, topics, subscriptions with deadlines, retries and dead letters, schedules, settings,
             secrets and rights are those of functions/queues/topology.py, functions/main.py and functions/settings
complete     each missing resource is named
the cluster  its overlay fits: the functions' identity, the bridge's settings, the publishing account
"""

import ast
import hashlib
import re
import shutil
from pathlib import Path

import pytest
import yaml

from functions import app
from functions.cluster import credentials
from functions.queues.backends import connect as publisher
from functions.queues.topics import ACK_DEADLINE
from functions.queues.topology import RETRY
from functions.settings.agent import AgentSettings
from functions.settings.cluster import ClusterSettings
from functions.settings.loading import load
from functions.settings.model import Settings
from functions.telemetry.logs import FIELDS
from functions.templating.search_path import SUFFIX
from tests.infra import agreement, configured, manifests, terraform
from tests.infra.functions_in_image import COMMAND
from tests.infra.terraform import FOLDER, State
from tests.support import installed
from tests.support.installed import ROOT
from tests.unit.test_settings_refused import REFUSED, TAKEN

pytestmark = pytest.mark.timeout(600)  # the first test runs Terraform
MAIN = ast.parse((ROOT / "functions" / "main.py").read_text())
TARGETS = {each.name for each in MAIN.body if isinstance(each, ast.FunctionDef)} - {"console"}
"""Terraform does not deploy the console: people open it with orchestrator ui."""
VARIABLES = (FOLDER / "variables.tf").read_text()
SET_FROM_HERE = {"namespace", "templates", "agent", "auth", "broker", "cluster", "queues"}


def test_terraform_is_valid_and_its_own_tests_pass(valid: str) -> None:
    runs = sum(len(re.findall(r"^run ", file.read_text(), re.MULTILINE)) for file in FOLDER.glob("tests/*.tftest.hcl"))
    assert f"Success! {runs} passed, 0 failed." in valid


def test_terraform_creates_what_the_code_declares(state: State) -> None:
    assert agreement.differences(state, TARGETS) == []


KINDS = (
    "cloud_run_v2_service",
    "pubsub_topic",
    "pubsub_subscription",
    "pubsub_topic_iam_member",
    "pubsub_subscription_iam_member",
    "cloud_scheduler_job",
    "secret_manager_secret",
    "secret_manager_secret_iam_member",
    "storage_bucket_object",
)
WITHOUT_THE_CODE = {
    ("google_secret_manager_secret", "agent"),
    ("google_secret_manager_secret_iam_member", "agent"),
}
"""Resources that the code does not name: an installation chooses the agents' secrets."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_resource_is_named(state: State, kind: str) -> None:
    tried = 0
    templates = state.of(kind, "templates")
    for resource in state.of(kind):
        if (resource.type, resource.name) in WITHOUT_THE_CODE or resource in templates[3:]:
            continue
        found = agreement.differences(state.without(resource), TARGETS)
        assert any(_names(problem, resource) for problem in found), f"{resource}: {found}"
        tried += 1
    assert tried


def _names(problem: str, resource: terraform.Resource) -> bool:
    """Return whether the text of a difference names the resource."""
    words = {resource.key, *(str(resource.values.get(name)) for name in ("name", "secret_id", "description"))}
    words |= {*resource.key.split(" "), resource.key.replace("-", "_"), resource.key.replace("_", "-")}
    if resource.name == "templates":
        words = {resource.key.split("/", 2)[2]}
    return any(word in problem for word in words if len(word) > 2)


def test_an_additional_entry_point_is_named(state: State) -> None:
    assert agreement.differences(state, TARGETS | {"gather"}) == [
        "entry point gather: the code declares it, Terraform does not make it"
    ]


def test_retry_policies_have_the_declared_back_off(state: State) -> None:
    for each in state.of("pubsub_subscription", "push"):
        (policy,) = each.values["retry_policy"]
        waits = [float(policy[f"{which}_backoff"].removesuffix("s")) for which in ("minimum", "maximum")]
        assert waits == [RETRY.minimum_backoff, RETRY.maximum_backoff]


def test_function_timeouts_fit_the_ack_deadline_and_the_ttl_of_jobs(state: State) -> None:
    lock = Settings.model_validate({"agent": {"image": "x"}, "broker": {"image": "x"}}).job.ttl_after_finished
    for service in state.services().values():
        seconds = float(service["template"][0]["timeout"].removesuffix("s"))
        assert ACK_DEADLINE <= seconds <= lock / 10, (
            "job.ttl_after_finished: it must be at least ten times the longest function timeout"
        )


def test_every_service_uses_the_tested_command_and_a_pinned_image(state: State) -> None:
    for service in state.services().values():
        (container,) = service["template"][0]["containers"]
        assert container["image"] == state.outputs["deployed"]["image"]
        assert re.search(r"@sha256:[0-9a-f]{64}$", container["image"]), "the image must be named by digest"
        assert [*container["command"], *container["args"]] == COMMAND


def test_a_changed_template_changes_a_variable_and_not_the_image(state: State) -> None:
    """A set of templates has a directory named by its contents, which a variable names."""
    templates = state.outputs["deployed"]["templates"]
    files = sorted((ROOT / "templates").rglob(f"*{SUFFIX}"), key=lambda file: file.relative_to(ROOT).as_posix())
    sums = [
        f"{file.relative_to(ROOT / 'templates').as_posix()} {hashlib.sha256(file.read_bytes()).hexdigest()}"
        for file in files
    ]
    assert templates == f"templates/{hashlib.sha256(chr(10).join(sums).encode()).hexdigest()}"
    for service in state.services().values():
        assert configured.environment(service)["ORCHESTRATOR_TEMPLATES"].endswith(f"/{templates}")


def test_the_threads_equal_the_concurrent_requests(state: State) -> None:
    for service in state.services().values():
        (template,) = service["template"]
        environ = {each["name"]: each["value"] for each in template["containers"][0]["env"]}
        assert environ["THREADS"] == str(template["max_instance_request_concurrency"])


def listed(name: str) -> set[str]:
    """Return a list of locals.tf."""
    (text,) = re.findall(rf"{name}\s+= (\[.*\])", (FOLDER / "locals.tf").read_text())
    return set(yaml.safe_load(text))


def test_every_setting_is_a_variable_or_set_by_terraform() -> None:
    assert listed("own_choice") == set(Settings.model_fields) - SET_FROM_HERE
    (agent,) = re.findall(r'variable "agent" .*?object\(\{(.*?)\}\)', (FOLDER / "variables.tf").read_text(), re.DOTALL)
    assert set(re.findall(r"^ +(\w+) +=", agent, re.MULTILINE)) == set(AgentSettings.model_fields)


@pytest.mark.parametrize("key", ["image", "tag", "pull_secrets"])
def test_terraform_refuses_agent_values_that_the_functions_refuse(key: str) -> None:
    (written,) = re.findall(
        rf'agent\.{key} ?: can\(regex\("([^"]*)", each|regex\("([^"]*)", var\.agent\.{key}\)', VARIABLES
    )
    rule = re.compile("".join(written).replace("\\\\", "\\"))
    refused = [value for named, value, _ in REFUSED if named == f"agent.{key}"]
    taken = [value for named, value in TAKEN if named == f"agent.{key}"]
    assert refused
    assert taken
    assert [value for value in _each(refused) if rule.search(value)] == []
    assert [value for value in _each(taken) if not rule.search(value)] == []


def _each(values: list[str | list[str]]) -> list[str]:
    return [each for value in values for each in ([value] if isinstance(value, str) else value)]


def test_access_callers_are_settings_of_the_request_functions(state: State) -> None:
    for target in ("submit_docs", "submit_code", "github_event"):
        found = load(configured.environment(state.services()[target])).access
        grants = [found.grant(each) for each in ("Ada@acme.example", "github:hubot", "github:Octocat")]
        assert [grant and (grant.agents, grant.users) for grant in grants] == [
            (["rex"], []),
            (["rex"], []),
            (["*"], ["octocat"]),
        ]
        assert found.grant("eve@elsewhere.example") is None


def test_secret_settings_cannot_be_plain_variables() -> None:
    secret = {
        f"{section}.{key}"
        for section in listed("own_choice")
        for key, field in getattr(Settings.model_fields[section].annotation, "model_fields", {}).items()
        if "Secret" in str(field.annotation)
    }
    assert "github.webhook_secrets" in secret
    assert listed("not_plain") == secret | {"github.app_id", "github.private_key_file"}


def test_only_the_webhook_is_public_and_has_only_its_own_secrets(state: State) -> None:
    webhook = state.services()["github_webhook"]
    assert configured.given(webhook) == {"orchestrator-github-webhook-secrets"}
    for target, service in state.services().items():
        assert target == "github_webhook" or "orchestrator-github-webhook-secrets" not in configured.given(service)
    public = [name for name, service in state.services().items() if service["invoker_iam_disabled"]]
    assert public == ["github_webhook"]
    members = {str(each.values.get("member")) for each in state.resources}
    assert members.isdisjoint({"allUsers", "allAuthenticatedUsers"}), "not possible under Domain Restricted Sharing"


def test_a_function_can_read_the_generated_kubeconfig(state: State, tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(configured.kubeconfig(state)))
    found = credentials.load(ClusterSettings(kubeconfig=str(file), identity="google"))
    assert found.host == "https://gke-0123456789abcdef0123456789abcdef0123-012345678901.europe-west4.gke.goog"
    assert found.verify_ssl, "the certificate is verified"


def test_the_outputs_for_the_cluster_fit_the_gke_overlay(state: State, kubectl: str, tmp_path: Path) -> None:
    """The binding has e-mail and number; an installation's files differ from the repository's in nothing else."""
    folder = tmp_path / "infra" / "kubernetes"
    shutil.copytree(installed.KUBERNETES, folder)
    shutil.copytree(ROOT / "crds", tmp_path / "crds")
    for name in ("rights", "settings"):
        said, file = yaml.safe_load(state.outputs[f"kubernetes_{name}"]), folder / "gke" / f"{name}.yaml"
        assert said.keys() == yaml.safe_load(file.read_text()).keys()
        file.write_text(yaml.safe_dump(said))
    items = [each for each in yaml.safe_load_all(installed.kustomized(kubectl, folder / "gke")) if each]
    (binding,) = [each for each in items if each["metadata"]["name"] == "orchestrator-functions" and "subjects" in each]
    account = state.one("service_account", "functions")
    assert binding["roleRef"]["name"] == "orchestrator-functions"
    assert [(each["kind"], each["name"]) for each in binding["subjects"]] == [
        ("User", account["email"]),
        ("User", account["unique_id"]),
    ]


def test_the_bridge_starts_with_the_output_settings_and_may_publish(state: State, kubectl: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(state.outputs["kubernetes_settings"])
    settings = load({"ORCHESTRATOR_CONFIG": str(file)})
    publisher(settings.queues)
    function = load(configured.environment(state.services()["submit_code"]))
    assert (settings.queues, settings.namespace) == (function.queues, function.namespace)
    (pod,) = [each for each in manifests.rendered(kubectl, "base") if each["kind"] == "Deployment"]
    account = pod["spec"]["template"]["spec"]["serviceAccountName"]
    members = [each.values["member"] for each in state.of("pubsub_topic_iam_member")]
    assert len([each for each in members if each.endswith(f"/subject/ns/{settings.namespace}/sa/{account}")]) == 2


def test_the_functions_identity_may_connect_to_the_cluster_only(state: State) -> None:
    role = state.one("project_iam_custom_role", "cluster")
    assert set(role["permissions"]) == {"container.clusters.connect", "container.clusters.get"}
    account = state.one("service_account", "functions")["member"]
    roles = [each.values["role"] for each in state.of("project_iam_member") if each.values["member"] == account]
    assert roles == [role["id"]]


def test_the_console_behind_iap_starts_as_its_page_deploys_it(state: State) -> None:
    environ = yaml.safe_load(state.outputs["console_environment"])
    found = load(environ)
    app.require_settings(found.model_copy(update={"templates": ROOT / "templates"}), environ["FUNCTION_TARGET"])
    assert (found.console.identity, environ["FUNCTION_TARGET"]) == ("iap", "console")
    assert re.fullmatch(r"/projects/\d+/locations/europe-west4/services/orchestrator-console", found.console.audience)
    page, project = (ROOT / "docs/console.md").read_text(), "acme-agents"
    assert state.one("storage_bucket", "config")["name"].replace(project, "PROJECT") in page
    assert f"projects/PROJECT/roles/{state.one('project_iam_custom_role', 'cluster')['role_id']} " in page
    container = state.services()["submit_code"]["template"][0]["containers"][0]
    assert f"--command={container['command'][0]} --args={','.join(container['args'])}" in page
    assert f"mount-path={container['volume_mounts'][0]['mount_path']} " in page


def test_alerts_use_existing_log_fields_and_names(state: State) -> None:
    metric = state.one("logging_metric", "undriven")
    assert set(re.findall(r"jsonPayload\.(\w+)", metric["filter"])) <= set(FIELDS)
    conditions = [each["conditions"][0] for each in (alert.values for alert in state.of("monitoring_alert_policy"))]
    filters = " ".join(
        block["filter"] for each in conditions for block in [*each["condition_threshold"], *each["condition_absent"]]
    )
    (dead,) = re.findall(r'full_match\(\\?"(orchestrator-\.\*-dead)', filters)
    assert all(re.fullmatch(dead, each.values["name"]) for each in state.of("pubsub_subscription", "dead"))
    assert not [each for each in state.of("pubsub_subscription", "push") if re.fullmatch(dead, each.values["name"])]
    assert all(each.values["name"] in filters for each in state.of("pubsub_subscription", "push"))


def test_terraform_files_have_at_most_200_lines() -> None:
    assert [file.name for file in FOLDER.glob("*.tf") if len(file.read_text().splitlines()) > 200] == []
