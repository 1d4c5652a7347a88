"""docs/install-google-cloud.md agrees with infra/terraform, which enables every API it needs.

resources  every type of resource of the example is in the table, and no other
APIs       the API of each type is enabled before a resource of it is created
texts      every variable and output is described; every fact has a source
"""

import re

import pytest

from tests.infra import terraform
from tests.infra.terraform import FOLDER, Resource, State
from tests.support.installed import ROOT

pytestmark = pytest.mark.timeout(600)  # the first test runs Terraform
PAGE = (ROOT / "docs/install-google-cloud.md").read_text()
TEXT = "\n".join(file.read_text() for file in FOLDER.glob("*.tf"))
APIS = {
    "artifact_registry": "artifactregistry",
    "cloud_run": "run",
    "cloud_scheduler": "cloudscheduler",
    "logging": "logging",
    "monitoring": "monitoring",
    "project_iam_custom_role": "iam",
    "project_iam_member": "cloudresourcemanager",
    "pubsub": "pubsub",
    "secret_manager": "secretmanager",
    "service_account": "iam",
    "storage": "storage",
}
"""API by prefix of a resource's type; a binding uses the API of its object."""


@pytest.fixture(scope="session")
def after(state: State, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return, for each resource type.name, the resources that it depends on, directly or not."""
    assert state.resources
    folder = tmp_path_factory.mktemp("graph")
    drawn = terraform.graph(folder)
    direct: dict[str, set[str]] = {}
    for one, other in re.findall(r'"([\w.]+)" -> "([\w.]+)"', drawn):
        direct.setdefault(one, set()).add(other)
    return {name: _reached(direct, name) for name in direct}


def _reached(direct: dict[str, set[str]], name: str) -> set[str]:
    found, left = set[str](), {name}
    while left:
        left = set[str]().union(*(direct.get(each, set()) for each in left)) - found
        found |= left
    return found


def section(title: str) -> str:
    return PAGE.split(f"## {title}\n")[1].split("\n## ")[0]


def made(state: State) -> list[Resource]:
    """Return the resources without data sources."""
    return [each for each in state.resources if each.type != "google_project"]


def test_the_table_lists_every_type_of_resource(state: State) -> None:
    assert set(re.findall(r"`(google_\w+)`", section("What is made"))) == {each.type for each in made(state)}


def api(kind: str) -> str:
    (found,) = [api for begins, api in APIS.items() if kind.startswith(f"google_{begins}")]
    return f"{found}.googleapis.com"


def test_the_api_of_each_type_is_enabled_before_its_resources(state: State, after: dict[str, set[str]]) -> None:
    enabled = {each.key for each in state.of("project_service")}
    assert {"cloudresourcemanager.googleapis.com", "iam.googleapis.com"} <= enabled
    for each in made(state):
        if each.type != "google_project_service":
            assert api(each.type) in enabled, each
            assert "google_project_service.used" in after[f"{each.type}.{each.name}"], f"{each} waits for no API"


def test_the_steps_enable_the_apis_that_the_provider_calls_first() -> None:
    (line,) = re.findall(r"gcloud services enable (.*) --project", section("Steps"))
    assert {"cloudresourcemanager.googleapis.com", "serviceusage.googleapis.com"} <= set(line.split())


def test_every_variable_and_output_is_described() -> None:
    blocks = re.findall(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', TEXT, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 20
    assert [
        name for _, name, body in blocks if not re.search(r'^  description = (".{20}|<<-EOT)', body, re.MULTILINE)
    ] == []


def test_every_fact_has_a_source() -> None:
    rows = [line for line in section("Facts relied on").splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    assert [row for row in rows if not re.search(r"\]\(https://[^)]+\)", row.split("|")[3])] == []
