"""G1, G2, G3, G15: what each of our calls does with each answer that GitHub documents for it.

| answer | soon after the event | later |
|---|---|---|
| a rate limit by any name, 408, 5xx, no answer | retried | retried |
| 404, 409, 422, 403 that names no cause that people can mend | retried | final, said where it can be said |
| 410, locked, too long, exists already, other 4xx | final | final |
| 401, 403 for a permission | kept for people | kept for people |

(REST API: Rate limits; Troubleshooting; and the responses of each endpoint. "submitted too quickly" and GitHub
Enterprise Server's "abuse detection" are rate limits of content.)
"""

import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import pytest

from functions.github.api.client import connect
from functions.github.api.permissions import Permissions
from tests.github.clock import Clock
from tests.github.delivery_bench import Stage
from tests.github.report_bench import FIRST, Newsroom
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
    """An answer: `body` is GitHub's."""

    status: int
    message: str
    outcome: Outcome
    errors: Any = None

    @property
    def body(self) -> dict[str, Any]:
        return {"message": self.message} | ({"errors": self.errors} if self.errors else {})


ANSWERS = {
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

COMMAND_CALLS = {
    "GET /repos/acme/shop/installation": "installation",
    "POST /app/installations/77/access_tokens": "installation",
    "GET /repos/acme/shop/collaborators/octocat/permission": "permission",
    "GET /repos/acme/shop/contents/.github/orchestrator.yaml": "configuration",
    "GET /repos/acme/shop/contents/.github/orchestrator.yml": "configuration",
    "GET /repos/acme/shop/pulls/2": "pull request",
    "GET /repos/acme/shop/issues/2/comments": "reply",
    "POST /repos/acme/shop/issues/2/comments": "reply",
}
"""Every call that a command may need, and what it is for."""

REPORT_CALLS = (
    "GET /repos/acme/shop/pulls",
    "POST /repos/acme/shop/pulls",
    "GET /repos/acme/shop/issues/1/comments",
    "POST /repos/acme/shop/issues/1/comments",
    f"GET /repos/acme/shop/commits/{FIRST}/check-runs",
    "POST /repos/acme/shop/check-runs",
)
"""Every call that the first report of a run's end makes."""


def answer_code(purpose: str, outcome: Outcome, status: int, *, recent: bool) -> int:
    """How the queue is answered: 503 has the event come again, 403 has it kept, 204 is the end of it."""
    if outcome == RETRIED:
        return 503
    if purpose == "installation":  # an App that is not there, or not for this repository
        return 503 if status == 403 and outcome == PASSING and recent else 403
    if purpose == "configuration":
        return 403 if outcome == PEOPLE or status == 403 else 204
    if outcome == PASSING and recent:
        return 503
    return 403 if purpose != "reply" and (outcome == PEOPLE or status == 403) else 204


def fails_with(github: Github, call: str, answer: Response, times: int = 1) -> None:
    github.fails(f"^{re.escape(call)}$", answer.status, body=answer.body, times=times)


@pytest.mark.parametrize("recent", [True, False], ids=["soon", "later"])
@pytest.mark.parametrize("call", COMMAND_CALLS)
def test_a_command_is_retried_while_an_answer_may_change(stage: Stage, call: str, recent: bool) -> None:
    stage.shop.open_issue()
    stage.shop.open_pull("feature")
    for name, answer in ANSWERS.items():
        event = queued(stage, "/status")
        stage.clock.later(minutes=0 if recent else 11)
        restarted(stage)
        fails_with(stage.github, call, answer, times=2 if answer.status == 401 else 1)
        code = stage.take(event).code
        assert code == answer_code(COMMAND_CALLS[call], answer.outcome, answer.status, recent=recent), name
        stage.github.troubles.failures.clear()
        stage.clock.later(minutes=2)
        if code == 503:
            assert stage.take(event).code == 204, name
            assert len(stage.answers(2)) == 1, name
        stage.shop.comments.clear()


def queued(stage: Stage, command: str) -> Any:
    """A command on the pull request, in the queue and not taken yet."""
    assert stage.github.hook.deliver("issue_comment", stage.commented(2, command)).status_code == 200
    return stage.queue[-1]


def restarted(stage: Stage) -> None:
    """A process that knows no token and no permission."""
    client = connect(stage.services.settings.github, stage.clock)
    stage.services = replace(stage.services, github=client, permissions=Permissions())


@pytest.mark.parametrize("recent", [True, False], ids=["soon", "later"])
@pytest.mark.parametrize("call", REPORT_CALLS)
def test_a_report_is_retried_while_an_answer_may_change(call: str, recent: bool) -> None:
    for name, answer in ANSWERS.items():
        room = Newsroom()
        room.succeeds()
        event = room.run().raw
        room.world.later(minutes=0 if recent else 11)
        fails_with(room.github, call, answer, times=2 if answer.status == 401 else 1)
        retried = answer.outcome == RETRIED or (answer.outcome == PASSING and recent)
        assert room.report(event) == (503 if retried else 204), name
        room.github.troubles.failures.clear()
        if retried:
            room.world.later(minutes=2)
            assert room.report(event) == 204, name
            room.check_told()


def test_a_part_that_must_wait_does_not_delay_the_others(room: Newsroom) -> None:
    room.succeeds()
    event = room.run().raw
    room.github.fails("POST .*/pulls$", 422, body={"message": "Validation Failed", "errors": [{"code": "invalid"}]})
    assert room.report(event) == 503
    assert room.checks() == {FIRST: ("completed", "success")}
    assert len(room.comments()) == 1
    room.world.later(minutes=1)
    assert room.report(event) == 204
    room.check_told()


def test_no_call_of_ours_is_missing_here(stage: Stage, room: Newsroom) -> None:
    stage.shop.open_issue()
    stage.shop.open_pull("feature")
    stage.comment(2, "/status")
    room.succeeds()
    room.report()
    assert set(stage.github.asked()) <= {*COMMAND_CALLS}
    tokens = {call for call, purpose in COMMAND_CALLS.items() if purpose == "installation"}
    assert set(room.github.asked()) <= {*REPORT_CALLS, *tokens}


@pytest.mark.parametrize("seconds", [90, 3600, -1200])
def test_a_wrong_clock_is_corrected_from_githubs_own(github: Github, clock: Clock, seconds: float) -> None:
    """G15: GitHub accepts no JWT from the future, or one that is over."""
    shop = github.repository()
    ours = Clock()
    ours.now = clock.now
    ours.later(seconds=seconds)
    client = connect(github.settings(), ours)
    assert client.repository(shop.full_name).get("")["id"] == shop.id
    assert client.app().get("app")["id"] == github.app.id
