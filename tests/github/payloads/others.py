"""The names of all other events that GitHub documents."""

from tests.github.payloads.parts import INSTALLATION, ORGANIZATION, REPOSITORY, Object, user

OTHERS = [
    "branch_protection_configuration",
    "branch_protection_rule",
    "code_scanning_alert",
    "custom_property",
    "custom_property_values",
    "dependabot_alert",
    "deploy_key",
    "deployment_protection_rule",
    "deployment_review",
    "github_app_authorization",
    "gollum",
    "installation_target",
    "issue_dependencies",
    "marketplace_purchase",
    "membership",
    "meta",
    "org_block",
    "organization",
    "package",
    "page_build",
    "personal_access_token_request",
    "project",
    "project_card",
    "project_column",
    "projects_v2",
    "projects_v2_item",
    "projects_v2_status_update",
    "public",
    "registry_package",
    "repository_advisory",
    "repository_dispatch",
    "repository_import",
    "repository_ruleset",
    "repository_vulnerability_alert",
    "secret_scanning_alert",
    "secret_scanning_alert_location",
    "secret_scanning_scan",
    "security_advisory",
    "security_and_analysis",
    "sponsorship",
    "sub_issues",
    "team",
    "team_add",
]


def other(name: str) -> Object:
    """Return a payload of such an event: the common fields and one of its own."""
    common = {"repository": REPOSITORY, "organization": ORGANIZATION, "installation": INSTALLATION, "sender": user()}
    return {"action": "created", **common, name: {"id": 1, "name": None}}
