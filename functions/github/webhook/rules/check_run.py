"""A check on an agent's branch failed: another attempt is told of it.

What may be done about it is decided from the run: a check of work that the run has since gone beyond, or of a pull
request that is closed, is none of its business any more.
"""

from collections.abc import Sequence

from functions.github.commands.parse import LONGEST_WORDS
from functions.github.markdown import shown
from functions.github.reports.check import NAME
from functions.github.webhook.branches import run_name
from functions.github.webhook.decisions import CommandRequest, FeedbackReceived, key
from functions.github.webhook.event import WebhookEvent, dig, dig_number
from functions.github.webhook.rules.routing import Router

router = Router()

LONGEST_SUMMARY = 20_000
"""Characters of a check's summary and text that are handed on, each cut to half of it at most."""


@router.on("check_run", "completed")
def completed(happening: WebhookEvent) -> Sequence[CommandRequest]:
    """What the failure asks for; our own check says nothing new."""
    check, branch = happening.number("check_run", "id"), happening.text("check_run", "check_suite", "head_branch")
    failed = happening.text("check_run", "conclusion") == "failure"
    if not (check and failed and run_name(branch)) or _is_our_own(happening):
        return []
    commit = happening.text("check_run", "head_sha")
    return [
        CommandRequest(
            key=key(happening, "check", check),
            what=FeedbackReceived("check", _words(happening), branch, commit),
            number=_pull_number(happening),
            url=happening.text("check_run", "html_url"),
            on_pull=True,
        )
    ]


def _is_our_own(happening: WebhookEvent) -> bool:
    """By its name and by what it belongs to: the id of a run, which is a UUID."""
    ours = happening.text("check_run", "name") == NAME
    return ours and len(happening.text("check_run", "external_id")) == len("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")


def _pull_number(happening: WebhookEvent) -> int:
    """The pull request of the branch, where GitHub knows of one."""
    pulls = dig(happening.data, "check_run", "pull_requests")
    return dig_number(pulls[0], "number") if isinstance(pulls, list) and pulls else 0


def _words(happening: WebhookEvent) -> str:
    output = [happening.text("check_run", "output", part).strip() for part in ("title", "summary", "text")]
    name, commit = happening.text("check_run", "name"), happening.text("check_run", "head_sha")
    details = happening.text("check_run", "details_url") or happening.text("check_run", "html_url")
    parts = [
        f"The check {name} failed on commit {commit} of your branch.",
        *(shown(each, LONGEST_SUMMARY // 2) for each in output if each),
        f"Details: {details}" if details else "",
    ]
    return shown("\n\n".join(part for part in parts if part), LONGEST_WORDS)
