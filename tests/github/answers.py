"""What GitHub documents as answers, every call that the functions make, and what each answer to it leads to.

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
    PEOPLE = "never by itself; kept for people to mend"


RETRIED, PASSING, FINAL, PEOPLE = Outcome


@dataclass(frozen=True)
class Response:
    """An answer: `body` is GitHub's. Status 0: the connection is cut."""

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
"""One answer for each error that the client makes of an answer."""


class Purpose(Enum):
    """What a call is for, which decides what an answer other than success leads to."""

    NAME = "the App's name, which a mention is compared with: an App that is not there is for people to mend"
    APP = "the App's tokens: an App that is not there, or not on this repository, is for people to mend"
    CONFIGURATION = "a file that most repositories do not have"
    NEEDED = "what the command is about"
    REPLY = "a reply: where none can be posted, the command is done without"
    WITHDRAWAL = "whether the command still stands: it does where that may not be read"
    FEEDBACK = "part of the feedback: what cannot be read is left out"
    REACTION = "a reaction, which nothing depends on"
    REPORT = "a part of a report: the other parts are written all the same"
    CHANGE = "a change of what GitHub has shown before"
    REDELIVERY = "failed deliveries: the next sweep tries again (tests/github/redelivery/test_trouble.py)"


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
"""Every call that the functions make; `*` is one segment. A command's purpose of it where a report has another."""


def pattern(call: str) -> str:
    """Return the regular expression of a call of the table."""
    return f"^{re.escape(call).replace(re.escape('*'), '[^/]+')}$"


def is_listed(made: str) -> bool:
    """Return whether a call, as `METHOD path`, is one of the table."""
    named = re.sub(r"(?<= /repos)/[^/]+/[^/]+", "/acme/shop", made)
    return any(re.match(pattern(call), named) for call in CALLS)


def fails_with(github: Github, call: str, answer: Response) -> None:
    """Have the next such call answered so; of a refused token the second one too."""
    github.fails(pattern(call), answer.status, body=answer.body, times=2 if answer.status == 401 else 1)
