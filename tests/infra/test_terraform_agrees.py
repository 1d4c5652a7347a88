"""infra/terraform: it is valid, and makes what the code declares it needs.

valid        formatted, every argument known to the provider, its own tests pass (*.tftest.hcl)
agrees       entry points, topics, subscriptions with deadlines, retries and dead letters, schedules, settings,
             secrets and rights are those of functions/queues/topology.py, functions/main.py and functions/settings
noticed      each missing resource is named
the cluster  is told the same: who the functions are, what the bridge needs, which account may publish
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
from functions.settings import Settings, load
from functions.settings.agent import AgentSettings
from functions.settings.cluster import ClusterSettings
from functions.telemetry.logs import FIELDS
from functions.templating.search_path import SUFFIX
from tests.infra import agreement, configured, manifests, terraform
from tests.infra.functions_in_image import COMMAND
from tests.infra.terraform import FOLDER, State
from tests.support import installed
from tests.support.installed import ROOT
from tests.unit.test_settings_refused import REFUSED, TAKEN

pytestmark = pytest.mark.timeout(600)  # Terraform is run for the first that asks
MAIN = ast.parse((ROOT / "functions" / "main.py").read_text())
TARGETS = {each.name for each in MAIN.body if isinstance(each, ast.FunctionDef)} - {"console"}
"""Terraform does not deploy the console: people open it with orchestrator ui."""
VARIABLES = (FOLDER / "variables.tf").read_text()
SET_FROM_HERE = {"namespace", "templates", "agent", "auth", "broker", "cluster", "queues"}


def test_it_is_valid_and_its_own_tests_pass(valid: str) -> None:
    runs = sum(len(re.findall(r"^run ", file.read_text(), re.MULTILINE)) for file in FOLDER.glob("tests/*.tftest.hcl"))
    assert f"Success! {runs} passed, 0 failed." in valid


def test_it_makes_what_the_code_declares(state: State) -> None:
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
"""What no code names: secrets of agents are an installation's own choice."""


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_forgotten_is_named(state: State, kind: str) -> None:
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
    """Whether a person reading it knows what to look for."""
    words = {resource.key, *(str(resource.values.get(name)) for name in ("name", "secret_id", "description"))}
    words |= {*resource.key.split(" "), resource.key.replace("-", "_"), resource.key.replace("_", "-")}
    if resource.name == "templates":
        words = {resource.key.split("/", 2)[2]}
    return any(word in problem for word in words if len(word) > 2)


def test_what_the_code_declares_more_is_named(state: State) -> None:
    assert agreement.differences(state, TARGETS | {"gather"}) == [
        "entry point gather: the code declares it, Terraform does not make it"
    ]


def test_retries_wait_as_declared(state: State) -> None:
    for each in state.of("pubsub_subscription", "push"):
        (policy,) = each.values["retry_policy"]
        waits = [float(policy[f"{which}_backoff"].removesuffix("s")) for which in ("minimum", "maximum")]
        assert waits == [RETRY.minimum_backoff, RETRY.maximum_backoff]


def test_a_function_has_the_time_of_its_message_and_a_jobs_lock_outlives_it(state: State) -> None:
    lock = Settings.model_validate({"agent": {"image": "x"}, "broker": {"image": "x"}}).job.ttl_after_finished
    for service in state.services().values():
        seconds = float(service["template"][0]["timeout"].removesuffix("s"))
        assert ACK_DEADLINE <= seconds <= lock / 10, "job.ttl_after_finished: at least ten times the longest function"


def test_every_function_is_started_from_the_image_as_its_test_starts_it(state: State) -> None:
    for service in state.services().values():
        (container,) = service["template"][0]["containers"]
        assert container["image"] == state.outputs["deployed"]["image"]
        assert re.search(r"@sha256:[0-9a-f]{64}$", container["image"]), "a tag could be moved"
        assert [*container["command"], *container["args"]] == COMMAND


def test_a_changed_template_is_an_apply_and_no_new_image(state: State) -> None:
    """A set of templates has a directory of its own, named by its contents, which a variable says."""
    templates = state.outputs["deployed"]["templates"]
    files = sorted((ROOT / "templates").rglob(f"*{SUFFIX}"), key=lambda file: file.relative_to(ROOT).as_posix())
    sums = [
        f"{file.relative_to(ROOT / 'templates').as_posix()} {hashlib.sha256(file.read_bytes()).hexdigest()}"
        for file in files
    ]
    assert templates == f"templates/{hashlib.sha256(chr(10).join(sums).encode()).hexdigest()}"
    for service in state.services().values():
        assert configured.environment(service)["ORCHESTRATOR_TEMPLATES"].endswith(f"/{templates}")


def test_as_many_requests_are_served_as_let_in(state: State) -> None:
    for service in state.services().values():
        (template,) = service["template"]
        environ = {each["name"]: each["value"] for each in template["containers"][0]["env"]}
        assert environ["THREADS"] == str(template["max_instance_request_concurrency"])


def listed(name: str) -> set[str]:
    """A list of locals.tf."""
    (text,) = re.findall(rf"{name}\s+= (\[.*\])", (FOLDER / "locals.tf").read_text())
    return set(yaml.safe_load(text))


def test_every_setting_can_be_chosen_or_is_set() -> None:
    assert listed("own_choice") == set(Settings.model_fields) - SET_FROM_HERE
    (agent,) = re.findall(r'variable "agent" .*?object\(\{(.*?)\}\)', (FOLDER / "variables.tf").read_text(), re.DOTALL)
    assert set(re.findall(r"^ +(\w+) +=", agent, re.MULTILINE)) == set(AgentSettings.model_fields)


@pytest.mark.parametrize("key", ["image", "tag", "pull_secrets"])
def test_an_agent_is_refused_here_where_the_functions_would_refuse_it(key: str) -> None:
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


def test_callers_reach_the_functions_that_take_requests(state: State) -> None:
    for target in ("submit_docs", "submit_code", "github_event"):
        found = load(configured.environment(state.services()[target])).access
        grants = [found.grant(each) for each in ("Ada@acme.example", "github:hubot", "github:Octocat")]
        assert [grant and (grant.agents, grant.users) for grant in grants] == [
            (["rex"], []),
            (["rex"], []),
            (["*"], ["octocat"]),
        ]
        assert found.grant("eve@elsewhere.example") is None


def test_what_is_secret_never_comes_as_a_plain_variable() -> None:
    secret = {
        f"{section}.{key}"
        for section in listed("own_choice")
        for key, field in getattr(Settings.model_fields[section].annotation, "model_fields", {}).items()
        if "Secret" in str(field.annotation)
    }
    assert "github.webhook_secrets" in secret
    assert listed("not_plain") == secret | {"github.app_id", "github.private_key_file"}


def test_the_webhook_that_everybody_may_call_is_given_nothing_but_its_own_secrets(state: State) -> None:
    webhook = state.services()["github_webhook"]
    assert configured.given(webhook) == {"orchestrator-github-webhook-secrets"}
    for target, service in state.services().items():
        assert target == "github_webhook" or "orchestrator-github-webhook-secrets" not in configured.given(service)
    public = [name for name, service in state.services().items() if service["invoker_iam_disabled"]]
    assert public == ["github_webhook"]
    members = {str(each.values.get("member")) for each in state.resources}
    assert members.isdisjoint({"allUsers", "allAuthenticatedUsers"}), "refused under Domain Restricted Sharing"


def test_the_kubeconfig_is_one_that_a_function_reads_without_help(state: State, tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(configured.kubeconfig(state)))
    found = credentials.load(ClusterSettings(kubeconfig=str(file), identity="google"))
    assert found.host == "https://gke-0123456789abcdef0123456789abcdef0123-012345678901.europe-west4.gke.goog"
    assert found.verify_ssl, "and checks its certificate"


def test_what_it_says_for_the_cluster_fits_the_overlay_for_gke(state: State, kubectl: str, tmp_path: Path) -> None:
    """Bound by e-mail and by number; an installation's own files differ from those that are there in nothing else."""
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


def test_the_bridge_starts_with_the_settings_it_is_given_and_may_publish(
    state: State, kubectl: str, tmp_path: Path
) -> None:
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


def test_the_functions_identity_can_reach_the_cluster_and_nothing_in_it(state: State) -> None:
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


def test_alerts_look_at_log_fields_and_names_that_there_are(state: State) -> None:
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


def test_no_file_is_long() -> None:
    assert [file.name for file in FOLDER.glob("*.tf") if len(file.read_text().splitlines()) > 200] == []
