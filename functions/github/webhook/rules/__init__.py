"""One rule per module: what an event comes to, decided from the event alone; what that takes is looked up later.

Most events come to nothing, and then nobody is asked anything.
"""

from functions.github.webhook.rules import (
    assignment,
    branch,
    check_run,
    comment,
    installation,
    label,
    pull_request,
    review,
)
from functions.github.webhook.rules.routing import Router

router = Router(
    assignment.router,
    branch.router,
    check_run.router,
    comment.router,
    installation.router,
    label.router,
    pull_request.router,
    review.router,
)
"""All rules."""
