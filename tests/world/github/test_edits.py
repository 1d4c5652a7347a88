"""CASES G14, G17: texts with commands are edited, also while their deliveries are on the way."""

from typing import Any

import pytest

from tests.github.delivery_bench import DeliveryBench, Object
from tests.support.github import payloads

PLACES = ("issue_comment", "pull_request_review_comment", "pull_request_review", "issues", "pull_request")


class Text:
    """A text on an issue or pull request, in which a command may be written."""

    def __init__(self, bench: DeliveryBench, event: str, number: int, body: str) -> None:
        self.bench, self.event, self.number = bench, event, number
        shop = bench.shop
        match event:
            case "issue_comment":
                self.payload = payloads.issue_comment(shop, number, shop.comment(number, body))
                self.part = self.payload["comment"]
            case "pull_request_review_comment":
                self.payload = payloads.review_comment(shop, number, body)
                self.part = self.payload["comment"]
            case "pull_request_review":
                self.payload = payloads.review(shop, number, "commented", body)
                self.part = self.payload["review"]
                shop.reviews.setdefault(number, []).append(self.part)
            case _:
                make = payloads.issue if event == "issues" else payloads.pull_request
                self.payload = make(shop, number, "opened")
                self.part = self.payload["issue" if event == "issues" else "pull_request"]

    def edit(self, body: str) -> Any:
        """Edit the text a minute later; return the event of it in the queue."""
        self.bench.clock.later(minutes=1)
        changes = {"body": {"from": self.part["body"]}}
        changed: Object = {"body": body, "updated_at": self.bench.shop.place.now()}
        self.part |= changed
        if self.event in ("issues", "pull_request"):
            self.bench.shop.issues[self.number] |= changed
        return self.bench.queued(self.event, self.payload | {"action": "edited", "changes": changes})


def place(bench: DeliveryBench, event: str) -> int:
    """Return the number of a new issue, or of a new pull request for the events of one."""
    made = bench.shop.open_pull("feature") if event.startswith("pull") else bench.shop.open_issue(body="Its text")
    return int(made["number"])


@pytest.mark.parametrize("handled", [True, False])
@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 0, 1)])
@pytest.mark.parametrize("event", PLACES[:3])
def test_command_moved_by_an_edit_runs_once(
    bench: DeliveryBench, event: str, order: tuple[int, ...], handled: bool
) -> None:
    text = Text(bench, event, place(bench, event), "/code 3 service=api")
    events = [bench.queued(event, text.payload)]
    if handled:
        bench.take(events[0])
    events.append(text.edit("/status\n\n/code 3 service=api"))
    for at in order:
        assert bench.take(events[at]).code == 204
    assert len(bench.runs()) == 1


def test_edit_beside_a_mistake_gets_no_second_reply(bench: DeliveryBench) -> None:
    text = Text(bench, "issue_comment", place(bench, "issue_comment"), "/code three")
    bench.take(bench.queued("issue_comment", text.payload))
    bench.take(text.edit("/code three\n\nPlease"))
    assert len(bench.answers(text.number)) == 1


@pytest.mark.parametrize("has_run", [True, False])
@pytest.mark.parametrize("event", PLACES)
def test_cancel_added_by_an_edit_overrides_a_command_before_the_edit(
    bench: DeliveryBench, event: str, has_run: bool
) -> None:
    text = Text(bench, event, place(bench, event), "Its text")
    if has_run:
        bench.comment(text.number, "/code 3 service=api")
    bench.clock.later(minutes=1)
    older = bench.queued("issue_comment", bench.commented(text.number, "/code 4 service=web"))
    assert bench.take(text.edit("Its text\n\n/cancel")).code == 204
    bench.clock.later(hours=1)
    assert bench.take(older).code == 204
    assert [run.spec.task_id for run in bench.runs()] == ([3] if has_run else [])  # type: ignore[union-attr]


@pytest.mark.parametrize("has_run", [True, False])
@pytest.mark.parametrize("event", PLACES)
def test_cancel_left_by_an_edit_overrides_no_later_command(bench: DeliveryBench, event: str, has_run: bool) -> None:
    number = place(bench, event)
    if has_run:
        bench.comment(number, "/code 3 service=api")
        bench.clock.later(minutes=1)
    if event in ("issues", "pull_request"):
        bench.shop.issues[number]["body"] = "/cancel"
    text = Text(bench, event, number, "/cancel")
    text.part["body"] = "/cancel"
    bench.take(bench.queued(event, text.payload))
    bench.clock.later(minutes=1)
    later = bench.queued("issue_comment", bench.commented(number, "/code 4 service=web"))
    assert bench.take(text.edit("/cancel\n\nThanks")).code == 204
    assert bench.take(later).code == 204
    assert 4 in [run.spec.task_id for run in bench.runs() if not run.cancel]  # type: ignore[union-attr]


@pytest.mark.parametrize("by", ["octocat", "mallory"])
def test_command_counts_as_its_authors_when_another_user_edits_the_comment(bench: DeliveryBench, by: str) -> None:
    """A maintainer who corrects the spelling of another user's comment does not give the command in it."""
    number = bench.issue()
    payload = bench.commented(number, "/code 3 service=api", "mallory")
    assert bench.deliver("issue_comment", payload).code == 204
    payload["comment"]["updated_at"] = bench.shop.place.now()
    edited = payloads.issue_comment(bench.shop, number, payload["comment"], "edited")
    edited["changes"] = {"body": {"from": "/cod 3 service=api"}}
    edited["sender"] = edited["sender"] | {"login": by}
    assert bench.deliver("issue_comment", edited).code == 204
    assert bench.runs() == []
    assert bench.answers(number) == []


def test_corrected_command_runs_once(bench: DeliveryBench) -> None:
    number = bench.issue()
    payload = bench.commented(number, "/code three service=api")
    assert bench.deliver("issue_comment", payload).code == 204
    assert "must be a number" in bench.answers(number)[0]
    assert edited(bench, number, payload["comment"], "/code 3 service=api") == 204
    assert bench.take(bench.queue[-1]).code == 204
    assert bench.spec().task_id == 3
    assert edited(bench, number, payload["comment"], "/code 4 service=api") == 204
    assert len(bench.runs()) == 1


def edited(bench: DeliveryBench, number: int, comment: Object, body: str) -> int:
    """Edit a comment a minute after what was done last; return the code of the answer."""
    bench.clock.later(minutes=1)
    before = {"body": {"from": comment["body"]}}
    comment |= {"body": body, "updated_at": bench.shop.place.now()}
    return bench.deliver(
        "issue_comment", payloads.issue_comment(bench.shop, number, comment, "edited") | {"changes": before}
    ).code


def test_command_corrected_after_a_cancel_is_not_cancelled_by_it(bench: DeliveryBench) -> None:
    number = bench.issue()
    payload = bench.commented(number, "/code three service=api")
    bench.deliver("issue_comment", payload)
    for text in ("/code 4 service=api", "/cancel"):
        bench.clock.later(minutes=1)
        bench.comment(number, text)
    assert edited(bench, number, payload["comment"], "/code 3 service=api") == 204
    assert {run.spec.task_id: run.cancel for run in bench.runs()} == {4: True, 3: False}  # type: ignore[union-attr]


def test_cancel_added_by_an_edit_is_about_the_run_at_the_time_of_the_edit(bench: DeliveryBench) -> None:
    number = bench.issue()
    bench.comment(number, "/code 3 service=api")
    bench.clock.later(minutes=1)
    payload = bench.commented(number, "/code 4 service=web")
    bench.deliver("issue_comment", payload)
    assert edited(bench, number, payload["comment"], "/cancel") == 204
    assert {run.spec.task_id: run.cancel for run in bench.runs()} == {3: False, 4: True}  # type: ignore[union-attr]


def test_retry_edited_into_a_cancel_is_cancelled(bench: DeliveryBench) -> None:
    run, number = bench.asked_for()
    bench.ends(run)
    payload = bench.commented(number, "/retry the wrong way")
    bench.deliver("issue_comment", payload)
    assert not bench.run().cancel
    for _ in range(2):
        assert edited(bench, number, payload["comment"], "/cancel") == 204
    assert bench.run().cancel


def test_cancel_left_by_an_edit_keeps_its_time(bench: DeliveryBench) -> None:
    number = bench.issue()
    payload = bench.commented(number, "/cancel")
    bench.deliver("issue_comment", payload)
    bench.clock.later(minutes=1)
    bench.comment(number, "/code 3 service=api")
    assert edited(bench, number, payload["comment"], "/cancel\n\nThanks") == 204
    assert not bench.run().cancel


@pytest.mark.parametrize("event", PLACES[:4])
def test_edit_of_a_command_that_ran_is_answered_once(bench: DeliveryBench, event: str) -> None:
    number = place(bench, event)
    bench.shop.issues[number]["body"] = "/code 3 service=api"
    text = Text(bench, event, number, "/code 3 service=api")
    bench.take(bench.queued(event, text.payload))
    edit = text.edit("/code 4 service=api")
    for _ in range(2):
        assert bench.take(edit).code == 204
    assert bench.spec().task_id == 3
    (answer,) = bench.answers(number)
    assert "new comment" in answer


def test_redelivered_edit_is_not_answered_after_the_configuration_changed(bench: DeliveryBench) -> None:
    text = Text(bench, "issue_comment", place(bench, "issue_comment"), "/code three")
    bench.take(bench.queued("issue_comment", text.payload))
    edit = text.edit("/code 3")
    bench.take(edit)
    bench.configure("service: another")
    assert bench.take(edit).code == 204
    assert bench.spec().service == "shop"
    assert len(bench.answers(text.number)) == 1, "of the mistake"
