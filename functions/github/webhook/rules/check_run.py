"""A check on a run's branch failed: request an automatic retry.

Whether the run still works on that commit and pull request is decided later, from the run itself.
"""

from collections.abc import Sequence

from functions.github.commands.parse import MAX_INSTRUCTIONS_LENGTH
from functions.github.json_fields import dig, dig_number
from functions.github.markdown import sanitize
from functions.github.reports.check import NAME
from functions.github.webhook.branches import run_name
from functions.github.webhook.decisions import CommandRequest, FeedbackReceived, key
from functions.github.webhook.event import WebhookEvent
from functions.github.webhook.routing import Router

router = Router()

MAX_OUTPUT_LENGTH = 20_000
"""Characters of a check's output that reach the prompt; each part of it is cut to half of that."""

UUID_LENGTH = len("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")


@router.on("check_run", "completed")
def completed(event: WebhookEvent) -> Sequence[CommandRequest]:
    """Request a retry for a failed check that is not our own."""
    check, branch = event.number("check_run", "id"), event.text("check_run", "check_suite", "head_branch")
    failed = event.text("check_run", "conclusion") == "failure"
    if not (check and failed and run_name(branch)) or _is_our_own(event):
        return []
    commit = event.text("check_run", "head_sha")
    return [
        CommandRequest(
            key=key(event, "check", check),
            trigger=FeedbackReceived("check", _description(event), branch, commit),
            number=_pull_request_number(event),
            url=event.text("check_run", "html_url"),
            on_pull_request=True,
        )
    ]


def _is_our_own(event: WebhookEvent) -> bool:
    """Return whether it has our check's name and a run's uid as external id."""
    return event.text("check_run", "name") == NAME and len(event.text("check_run", "external_id")) == UUID_LENGTH


def _pull_request_number(event: WebhookEvent) -> int:
    """Return the number of the branch's pull request; 0 if GitHub names none."""
    pulls = dig(event.data, "check_run", "pull_requests")
    return dig_number(pulls[0], "number") if isinstance(pulls, list) and pulls else 0


def _description(event: WebhookEvent) -> str:
    output = [event.text("check_run", "output", part).strip() for part in ("title", "summary", "text")]
    name, commit = event.text("check_run", "name"), event.text("check_run", "head_sha")
    details = event.text("check_run", "details_url") or event.text("check_run", "html_url")
    parts = [
        f"The check {name} failed on commit {commit} of your branch.",
        *(sanitize(part, MAX_OUTPUT_LENGTH // 2) for part in output if part),
        f"Details: {details}" if details else "",
    ]
    return sanitize("\n\n".join(part for part in parts if part), MAX_INSTRUCTIONS_LENGTH)
