"""The webhook rules, one per module. A rule decides from the event alone and makes no call.

To add a rule: write a module with a `router`, add it here, and add the fields it reads to payload_filter.py.
"""

from functions.github.webhook.routing import Router
from functions.github.webhook.rules import (
    assignment,
    branch,
    check_run,
    checks,
    closing,
    comment,
    installation,
    label,
    merge_group,
    opened,
    pull_request,
    review,
    status,
)

router = Router(
    assignment.router,
    branch.router,
    check_run.router,
    comment.router,
    installation.router,
    label.router,
    merge_group.router,
    opened.router,
    pull_request.router,
    review.router,
    status.router,
    closing.router,
    checks.router,
)
"""All rules, in the order in which their decisions are executed."""
