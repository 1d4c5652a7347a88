"""GitHub's documented answers, every call of the functions, and the consequence of each answer.

(REST API: Rate limits; Troubleshooting; and the responses of each endpoint. "submitted too quickly" and GitHub
Enterprise Server's "abuse detection" are rate limits of content.)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tests.support.github import Github


class Outcome(Enum):
    """When an answer leads to a retry."""

    RETRIED = "at any time"
    PASSING = "only soon after the event"
    FINAL = "never"
    PEOPLE = "never automatically; kept for people to fix"


RETRIED, PASSING, FINAL, PEOPLE = Outcome


@dataclass(frozen=True)
class Response:
    """An answer of GitHub with its `body`; status 0 cuts the connection."""

    status: int
    message: str
    outcome: Outcome
    errors: Any = None

    @property
    def body(self) -> dict[str, Any]:
        return {"message": self.message} | ({"errors": self.errors} if self.errors else {})


ANSWERS: Mapping[str, Response] = {
    "401": Response(401, "Bad credentials", PEOPLE),
    "403 permission": Response(403, "Resource not accessible by integration", PEOPLE),
    "403 SAML": Response(403, "Resource protected by organization SAML enforcement.", PEOPLE),
    "403 locked": Response(403, "Unable to create comment because issue is locked.", PEOPLE),
    "403 unexplained": Response(403, "Forbidden", PASSING),
    "403 secondary": Response(403, "You have exceeded a secondary rate limit.", RETRIED),
    "403 abuse": Response(403, "You have triggered an abuse detection mechanism. Please wait.", RETRIED),
    "404": Response(404, "Not Found", PASSING),
    "408": Response(408, "Request Timeout", RETRIED),
    "409": Response(409, "Conflict", PASSING),
    "410": Response(410, "This repository has issues disabled.", FINAL),
    "422 invalid": Response(422, "Validation Failed", PASSING, [{"resource": "X", "field": "head", "code": "invalid"}]),
    "422 commit": Response(422, "No commit found for SHA: cccc", PASSING),
    "422 too quickly": Response(422, "Validation Failed", RETRIED, ["was submitted too quickly"]),
    "422 exists": Response(422, "Validation Failed", FINAL, [{"code": "already_exists"}]),
    "422 empty": Response(422, "Validation Failed", FINAL, [{"message": "No commits between main and x"}]),
    "422 too long": Response(422, "Validation Failed", FINAL, [{"message": "body is too long"}]),
    "429": Response(429, "API rate limit exceeded", RETRIED),
    "451": Response(451, "Repository access blocked", FINAL),
    "500": Response(500, "Server Error", RETRIED),
    "503": Response(503, "Service Unavailable", RETRIED),
    "no answer": Response(0, "", RETRIED),
}

ONE_OF_EACH_KIND = {
    name: ANSWERS[name]
    for name in (
        *("401", "403 permission", "403 unexplained", "403 secondary", "404", "410"),
        *("422 invalid", "422 exists", "503", "no answer"),
    )
}
"""One answer for each error class of the client."""


class Purpose(Enum):
    """The purpose of a call, which decides the consequence of an answer other than success."""

    NAME = "the App's name, to which a mention is compared; people must fix a missing App"
    APP = "the App's tokens; people must fix an App that is missing or not installed on the repository"
    CONFIGURATION = "a file that most repositories do not have"
    NEEDED = "data that the command needs"
    REPLY = "a reply; the command is executed without it if it cannot be posted"
    WITHDRAWAL = "whether the comment still has the command; it counts as unchanged if it cannot be read"
    FEEDBACK = "part of the feedback; unreadable parts are left out"
    REACTION = "a reaction, which nothing depends on"
    REPORT = "a part of a report; the other parts are written without it"
    CHANGE = "an update of something reported before"
    REDELIVERY = "failed deliveries; the next sweep tries again (tests/github/redelivery/test_trouble.py)"


CALLS: Mapping[str, Purpose] = {
    "GET /app": Purpose.NAME,
    "GET /repos/acme/shop/installation": Purpose.APP,
    "POST /app/installations/*/access_tokens": Purpose.APP,
    "GET /repos/acme/shop/contents/.github/orchestrator.yaml": Purpose.CONFIGURATION,
    "GET /repos/acme/shop/contents/.github/orchestrator.yml": Purpose.CONFIGURATION,
    "GET /repos/acme/shop/collaborators/*/permission": Purpose.NEEDED,
    "GET /repos/acme/shop/pulls/*": Purpose.NEEDED,
    "GET /repos/acme/shop/issues/*": Purpose.NEEDED,
    "GET /repos/acme/shop/issues/*/comments": Purpose.REPLY,
    "POST /repos/acme/shop/issues/*/comments": Purpose.REPLY,
    "GET /repos/acme/shop/issues/comments/*": Purpose.WITHDRAWAL,
    "GET /repos/acme/shop/pulls/comments/*": Purpose.WITHDRAWAL,
    "POST /repos/acme/shop/issues/*/reactions": Purpose.REACTION,
    "POST /repos/acme/shop/issues/comments/*/reactions": Purpose.REACTION,
    "POST /repos/acme/shop/pulls/comments/*/reactions": Purpose.REACTION,
    "GET /repos/acme/shop/git/ref/heads/agents/*": Purpose.FEEDBACK,
    "GET /repos/acme/shop/commits/*/check-runs": Purpose.FEEDBACK,
    "GET /repos/acme/shop/check-runs/*/annotations": Purpose.FEEDBACK,
    "GET /repos/acme/shop/actions/jobs/*/logs": Purpose.FEEDBACK,
    "GET /repos/acme/shop/commits/*/status": Purpose.FEEDBACK,
    "GET /repos/acme/shop/pulls/*/reviews": Purpose.FEEDBACK,
    "GET /repos/acme/shop/pulls/*/reviews/*": Purpose.FEEDBACK,
    "GET /repos/acme/shop/pulls/*/reviews/*/comments": Purpose.FEEDBACK,
    "GET /repos/acme/shop": Purpose.REPORT,
    "GET /repos/acme/shop/pulls": Purpose.REPORT,
    "POST /repos/acme/shop/pulls": Purpose.REPORT,
    "POST /repos/acme/shop/check-runs": Purpose.REPORT,
    "PATCH /repos/acme/shop/check-runs/*": Purpose.CHANGE,
    "PATCH /repos/acme/shop/issues/comments/*": Purpose.CHANGE,
    "DELETE /repos/acme/shop/issues/comments/*": Purpose.CHANGE,
    "GET /app/hook/deliveries": Purpose.REDELIVERY,
    "POST /app/hook/deliveries/*/attempts": Purpose.REDELIVERY,
}
"""Every call of the functions; `*` is one segment. A call that commands and reports share has the command's purpose."""


def pattern(call: str) -> str:
    """Return the regular expression of a call of the table."""
    return f"^{re.escape(call).replace(re.escape('*'), '[^/]+')}$"


def is_listed(made: str) -> bool:
    """Return whether a call, as `METHOD path`, is in the table."""
    named = re.sub(r"(?<= /repos)/[^/]+/[^/]+", "/acme/shop", made)
    return any(re.match(pattern(call), named) for call in CALLS)


def fails_with(github: Github, call: str, answer: Response) -> None:
    """Answer the next such call with `answer`; for 401 the second one too, as the client repeats it."""
    github.fails(pattern(call), answer.status, body=answer.body, times=2 if answer.status == 401 else 1)
