"""G1, G2, G3, G15: the effect of each answer that GitHub documents for each call of the functions.

| answer | soon after the event | later |
|---|---|---|
| any rate limit, 408, 5xx, no answer | retried | retried |
| 404, 409, 422, 403 without a cause that people can correct | retried | final, reported where possible |
| 410, locked, too long, exists already, other 4xx | final | final |
| 401, 403 for a missing permission | kept as a dead letter | kept as a dead letter |

Each answer maps to one of a few errors; each call is tested with one answer for each error (tests/github/answers.py).
The table of calls is complete: tests/github/conftest.py checks every call that a test makes.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from functions.events.event import Event
from functions.github.api.client import connect
from functions.github.api.errors import Busy, Denied, from_response
from functions.github.api.permissions import Permissions
from functions.runs.model import origin, pull_request
from tests.github.answers import (
    ANSWERS,
    CALLS,
    ONE_OF_EACH_KIND,
    PASSING,
    PEOPLE,
    RETRIED,
    Purpose,
    Response,
    fails_with,
    pattern,
)
from tests.github.clock import Clock
from tests.github.delivery_bench import DeliveryBench
from tests.github.report_bench import FIRST, ReportBench
from tests.support.github import Github, payloads
from tests.world.github.report_calls import REPORTS

SOON_AND_LATER = pytest.mark.parametrize("recent", [True, False], ids=["soon", "later"])
COMMIT = "d" * 40


@pytest.mark.parametrize("answer", [each for each in ANSWERS.values() if each.status], ids=lambda each: each.message)
def test_each_answer_raises_the_error_of_its_outcome(answer: Response) -> None:
    error = from_response(answer.status, {}, json.dumps(answer.body).encode(), datetime(2026, 1, 2, tzinfo=UTC))
    assert isinstance(error, Busy) == (answer.outcome is RETRIED)
    assert error.may_change == (answer.outcome is PASSING)
    assert isinstance(error, Denied) == (answer.outcome is PEOPLE or (answer.status == 403 and error.may_change))


# Commands and feedback ----------------------------------------------------------------------------------------------

Scenario = tuple[Event, Callable[[], int]]
"""An event in the queue, and a function that counts how often its work was done."""


def runs_of(bench: DeliveryBench, number: int) -> Callable[[], int]:
    return lambda: sum(origin.from_object(run.raw).number == number for run in bench.runs())  # type: ignore[union-attr]


def status_on_pull_request(bench: DeliveryBench) -> Scenario:
    number = bench.shop.open_pull("feature")["number"]
    return bench.queued("issue_comment", bench.commented(number, "/status")), lambda: len(bench.answers(number))


def issue_as_task_by_mention(bench: DeliveryBench) -> Scenario:
    number = bench.issue()
    return bench.queued("issue_comment", bench.commented(number, "@5dlabs-rex code")), runs_of(bench, number)


def text_of_issue(bench: DeliveryBench) -> Scenario:
    number = bench.issue(body="/code 3")
    return bench.queued("issues", payloads.issue(bench.shop, number, "opened")), runs_of(bench, number)


def comment_that_is_not_listed(bench: DeliveryBench) -> Scenario:
    """GitHub returns the comment by its id, and not yet in the list of comments."""
    number = bench.issue()
    payload = bench.commented(number, "/code 3")
    written = payload["comment"]
    written["issue_url"] = ""
    return bench.queued("issue_comment", payload), runs_of(bench, number)


def retry_on_a_line(bench: DeliveryBench) -> Scenario:
    run, pull = bench.with_pull()
    payload = payloads.review_comment(bench.shop, pull["number"], "/retry rename this")
    review = payloads.review(bench.shop, pull["number"], "changes_requested", "no")["review"]
    bench.shop.reviews[pull["number"]] = [review]
    payload["comment"]["pull_request_review_id"] = review["id"]
    return bench.queued("pull_request_review_comment", payload), lambda: bench.retries(run)


def failed_check(bench: DeliveryBench) -> Scenario:
    """The check has annotations and a log, and a review requests changes."""
    run, pull = bench.with_pull(commit=COMMIT)
    bench.deliver("pull_request", payloads.pull_request(bench.shop, pull["number"], "opened"))
    bench.shop.branches[run.status.branch or ""] = COMMIT
    now = bench.shop.place.now()
    payload = payloads.check_run(
        bench.shop, run.status.branch or "", app="github-actions", head_sha=COMMIT, completed_at=now
    )
    check = payload["check_run"]
    check["details_url"] = f"{bench.shop.html_url}/actions/runs/77/job/{check['id']}"
    check["output"]["annotations_count"] = 1
    bench.shop.checks = {check["id"]: check}
    bench.shop.job_logs[check["id"]] = "##[error]exit code 1"
    bench.shop.reviews[pull["number"]] = [
        payloads.review(bench.shop, pull["number"], "changes_requested", "no")["review"]
    ]
    return bench.queued("check_run", payload), lambda: bench.retries(run)


SCENARIOS: dict[str, Callable[[DeliveryBench], Scenario]] = {
    "GET /app": issue_as_task_by_mention,
    "GET /repos/acme/shop/issues/*": issue_as_task_by_mention,
    "GET /repos/acme/shop/issues/comments/*": comment_that_is_not_listed,
    "GET /repos/acme/shop/pulls/comments/*": retry_on_a_line,
    "POST /repos/acme/shop/issues/*/reactions": text_of_issue,
    "POST /repos/acme/shop/issues/comments/*/reactions": issue_as_task_by_mention,
    "POST /repos/acme/shop/pulls/comments/*/reactions": retry_on_a_line,
    **{call: failed_check for call, purpose in CALLS.items() if purpose is Purpose.FEEDBACK},
    "GET /repos/acme/shop/pulls/*/reviews/*": retry_on_a_line,
}
"""The scenario that causes a call; all other calls are caused by a command on a pull request."""

COMMAND_CALLS = [
    call for call, purpose in CALLS.items() if purpose not in (Purpose.REPORT, Purpose.CHANGE, Purpose.REDELIVERY)
]


def expected(purpose: Purpose, answer: Response, *, recent: bool) -> tuple[int, int | None]:
    """Return the status code for the queue, and how often the work is done then; None if that is not determined.

    503: the event is redelivered. 403: it becomes a dead letter. 204: it is acknowledged.
    """
    if purpose is Purpose.REACTION:
        return 204, 1
    if answer.outcome is RETRIED:
        return 503, None
    is_denied, may_pass = answer.outcome is PEOPLE or answer.status == 403, answer.outcome is PASSING and recent
    match purpose:
        case Purpose.NAME:
            return 403, 0
        case Purpose.APP:
            return (503 if may_pass and is_denied else 403), 0
        case Purpose.CONFIGURATION:
            return (403, 0) if is_denied else (204, int(answer.status in (404, 410)))
        case _ if may_pass:
            return 503, None
        case Purpose.NEEDED:
            return (403 if is_denied else 204), 0
        case Purpose.REPLY:
            return 204, None
        case Purpose.WITHDRAWAL:
            return 204, int(is_denied)
        case _:
            return 204, 1


@SOON_AND_LATER
@pytest.mark.parametrize("call", COMMAND_CALLS)
def test_event_is_retried_while_the_answer_may_change(bench: DeliveryBench, call: str, recent: bool) -> None:
    for name, answer in answers(recent=recent).items():
        event, done = SCENARIOS.get(call, status_on_pull_request)(bench)
        bench.clock.later(minutes=0 if recent else 11)
        restarted(bench)
        before = len(bench.github.calls)
        fails_with(bench.github, call, answer)
        code, times = expected(CALLS[call], answer, recent=recent)
        assert bench.take(event).code == code, name
        assert re.search(pattern(call), "\n".join(map(str, bench.github.calls[before:])), re.MULTILINE), (
            "the call is made"
        )
        assert times is None or done() == times, name
        bench.github.troubles.failures.clear()
        bench.clock.later(minutes=2)
        if code != 204:
            assert bench.take(event).code == 204, name
            assert done() == 1, name


def answers(*, recent: bool) -> dict[str, Response]:
    """Return one answer of each kind; later, only those that are final then."""
    return {name: each for name, each in ONE_OF_EACH_KIND.items() if recent or each.outcome is PASSING}


def restarted(bench: DeliveryBench) -> None:
    """Replace the client and the permission cache, as a new process has them."""
    client = connect(bench.services.settings.github, bench.clock)
    bench.services = replace(bench.services, github=client, permissions=Permissions())


@pytest.mark.parametrize(("name", "answer"), ONE_OF_EACH_KIND.items(), ids=[*ONE_OF_EACH_KIND])
def test_merged_pull_request_is_recorded_for_each_answer(bench: DeliveryBench, name: str, answer: Response) -> None:
    """The present state is requested; if GitHub does not return it, the state in the event counts."""
    run, pull = bench.with_pull()
    pull |= {"state": "closed", "merged": True}
    event = bench.queued("pull_request", payloads.pull_request(bench.shop, pull["number"], "closed"))
    fails_with(bench.github, "GET /repos/acme/shop/pulls/*", answer)
    code = bench.take(event).code
    bench.clock.later(minutes=2)
    assert code == 204 or bench.take(event).code == 204
    assert pull_request.is_closed(bench.now(run).status)


# Reports ------------------------------------------------------------------------------------------------------------


@SOON_AND_LATER
@pytest.mark.parametrize("call", REPORTS)
def test_report_is_retried_while_the_answer_may_change(call: str, recent: bool) -> None:
    for name, answer in answers(recent=recent).items():
        reporting = ReportBench()
        REPORTS[call](reporting)
        event = reporting.run().raw
        reporting.world.later(minutes=0 if recent else 11)
        before = len(reporting.github.calls)
        fails_with(reporting.github, call, answer)
        may_pass = answer.outcome is PASSING and recent and CALLS[call] is not Purpose.CHANGE
        retried = answer.outcome is RETRIED or may_pass
        assert reporting.report(event) == (503 if retried else 204), name
        assert re.search(pattern(call), "\n".join(map(str, reporting.github.calls[before:])), re.MULTILINE), (
            "the call is made"
        )
        reporting.github.troubles.failures.clear()
        if retried:
            reporting.world.later(minutes=2)
            assert reporting.report(event) == 204, name
            reporting.check_reported()


def test_failed_part_of_a_report_does_not_delay_the_others(reporting: ReportBench) -> None:
    reporting.succeeds()
    event = reporting.run().raw
    reporting.github.fails(
        "POST .*/pulls$", 422, body={"message": "Validation Failed", "errors": [{"code": "invalid"}]}
    )
    assert reporting.report(event) == 503
    assert reporting.checks() == {FIRST: ("completed", "success")}
    assert len(reporting.comments()) == 1
    reporting.world.later(minutes=1)
    assert reporting.report(event) == 204
    reporting.check_reported()


def test_every_call_of_the_table_is_tested() -> None:
    tried = {*COMMAND_CALLS, *REPORTS}
    assert {call for call, purpose in CALLS.items() if purpose is not Purpose.REDELIVERY} == tried


@pytest.mark.parametrize("seconds", [90, 3600, -1200])
def test_jwt_times_follow_githubs_clock(github: Github, clock: Clock, seconds: float) -> None:
    """G15: GitHub rejects a JWT that was issued in the future or has expired."""
    shop = github.repository()
    ours = Clock()
    ours.now = clock.now
    ours.later(seconds=seconds)
    client = connect(github.settings(), ours)
    assert client.repository(shop.full_name).get("")["id"] == shop.id
    assert client.app().get("app")["id"] == github.app.id
