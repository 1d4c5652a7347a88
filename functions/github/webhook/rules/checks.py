"""A check or a commit status of a run's branch changed: record the state of all checks on the run, for people."""

from collections.abc import Mapping, Sequence

from functions.github.json_fields import dig_text
from functions.github.reports import feedback
from functions.github.webhook.branches import run_name
from functions.github.webhook.decisions import ChecksChanged
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.routing import Router

router = Router()


@router.on("check_run", "completed")
def check_completed(event: WebhookEvent) -> Sequence[ChecksChanged]:
    """Record the checks after the end of one that is not our own."""
    branch, commit = event.text("check_run", "check_suite", "head_branch"), event.text("check_run", "head_sha")
    check = event.data.get("check_run")
    if not (run_name(branch) and commit and isinstance(check, Mapping)) or feedback.is_own_check(check):
        return []
    passed = event.text("check_run", "conclusion") in feedback.PASSED_CONCLUSIONS
    return [ChecksChanged(branch, commit, passed)]


@router.on("status")
def status_changed(event: WebhookEvent) -> Sequence[ChecksChanged]:
    """Record the checks after a commit status is decided; a pending one is counted then as well."""
    branches, commit, state = event.data.get("branches"), event.text("sha"), event.text("state")
    if state == "pending" or not commit:
        return []
    names = [dig_text(branch, "name") for branch in branches] if isinstance(branches, list) else []
    return [ChecksChanged(name, commit, passed=state == "success") for name in names if run_name(name)]
