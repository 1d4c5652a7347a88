"""Commands of people on existing runs, each executed once."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from functions.cluster.client import Cluster
from functions.cluster.kinds import CODE_RUN, RUNS
from functions.cluster.transport import Request as Call
from functions.reconciler.reconciler import reconcile
from functions.runs.model.run import Run
from functions.settings.limits import LimitSettings
from tests.github.delivery_bench import DeliveryBench
from tests.support.forwarding import ForwardingTransport
from tests.support.github import payloads


def test_a_retry_on_the_pull_request_retries_its_run_once(bench: DeliveryBench) -> None:
    _, pull = bench.with_pull()
    payload = bench.commented(pull["number"], "/retry use the other library\nand *test* it")
    for guid in ("a", "b"):
        assert bench.deliver("issue_comment", payload, guid).code == 204
    assert bench.retries() == 1
    assert bench.prompt() == "use the other library\nand *test* it"
    assert bench.shop.reactions[-1] == {"comment": payload["comment"]["id"], "content": "eyes"}
    assert bench.answers(pull["number"]) == []


def test_a_review_comment_is_executed_and_answered_on_the_pull_request(bench: DeliveryBench) -> None:
    _, pull = bench.with_pull()
    payload = payloads.review_comment(bench.shop, pull["number"], "/retry handle `None` here\n/status")
    assert bench.deliver("pull_request_review_comment", payload).code == 204
    assert bench.prompt().startswith("On shop.py:\n")
    assert bench.prompt().endswith("\n\nhandle `None` here")
    assert bench.shop.reactions[-1] == {"comment": payload["comment"]["id"], "content": "eyes"}
    assert len(bench.answers(pull["number"])) == 1


def test_the_status_of_a_queued_run_has_its_position(bench: DeliveryBench) -> None:
    bench.world.configure(limits=LimitSettings(runs=0))
    bench.services = replace(bench.services, settings=bench.world.services.settings)
    bench.asked_for("/code 1 service=a")
    run, number = bench.asked_for("/code 2 service=b")
    for each in bench.runs():
        reconcile(bench.services, each.kind, each.namespace, each.name)
    bench.comment(number, "/status")
    (answer,) = bench.answers(number)
    assert "**Queued**" in answer
    place = sorted(bench.runs(), key=lambda each: (each.created, each.uid)).index(bench.now(run)) + 1
    assert f"- Position: {place} of 2" in answer


def test_a_command_on_an_issue_applies_to_its_latest_run(bench: DeliveryBench) -> None:
    first, number = bench.asked_for()
    assert bench.comment(number, "/docs").code == 204
    assert bench.comment(number, "/cancel").code == 204
    assert {run.kind: run.cancel for run in bench.runs()} == {"CodeRun": False, "DocsRun": True}
    assert bench.comment(bench.issue(), "/cancel").code == 204
    assert not next(run for run in bench.runs() if run.uid == first.uid).cancel


def test_a_refused_retry_gets_one_reply_and_stays_refused(bench: DeliveryBench) -> None:
    run, number = bench.asked_for()
    bench.begins(run)
    payload = bench.commented(number, "/retry faster")
    bench.deliver("issue_comment", payload)
    (answer,) = bench.answers(number)
    assert "is not finished" in answer
    assert "wait for its end, or cancel it" in answer
    bench.ends(bench.run())
    bench.deliver("issue_comment", payload)
    assert bench.retries() == 0
    assert bench.answers(number) == [answer]


@pytest.mark.parametrize("apart", [True, False], ids=["two comments", "one comment"])
def test_a_retry_can_be_cancelled_before_it_begins(bench: DeliveryBench, apart: bool) -> None:
    run, number = bench.asked_for()
    bench.ends(run)
    jobs = len(bench.world.jobs())
    for text in ("/retry the wrong way", "/cancel") if apart else ("/retry the wrong way\n\n/cancel",):
        assert bench.comment(number, text).code == 204
    assert bench.answers(number) == []
    for _ in range(2):
        reconcile(bench.services, run.kind, run.namespace, run.name)
    found = bench.run()
    assert (found.status.phase, found.status.attempt, len(bench.world.jobs())) == ("Cancelled", 1, jobs)
    bench.comment(number, "/retry the right way")
    reconcile(bench.services, run.kind, run.namespace, run.name)
    found = bench.run()
    assert (found.status.attempt, bench.prompt(), found.cancel) == (2, "the right way", False)


def test_a_second_retry_before_the_first_has_begun_is_refused(bench: DeliveryBench) -> None:
    run, number = bench.asked_for()
    bench.ends(run)
    for words in ("use library A", "and mend the docs"):
        assert bench.comment(number, f"/retry {words}").code == 204
    assert "has not begun; wait for its end, or cancel it" in bench.answers(number)[0]
    assert (bench.retries(), bench.prompt()) == (1, "use library A")


def test_a_redelivered_cancel_does_not_stop_a_later_attempt(bench: DeliveryBench) -> None:
    run, number = bench.asked_for()
    bench.ends(run)
    payload = bench.commented(number, "/cancel")
    bench.deliver("issue_comment", payload)
    assert "nothing to stop" in bench.answers(number)[0]
    bench.comment(number, "/retry")
    bench.take(next(event for event in bench.queue if event.data["comment"]["id"] == payload["comment"]["id"]))
    assert not bench.run().cancel


def test_a_retry_of_a_docs_run_is_refused_with_advice(bench: DeliveryBench) -> None:
    run, number = bench.asked_for("/docs")
    bench.ends(run)
    bench.comment(number, "/retry")
    assert "submit it again instead" in bench.answers(number)[0]


def test_a_command_on_a_run_being_deleted_is_refused(bench: DeliveryBench) -> None:
    run, number = bench.asked_for()
    bench.world.kubelet.delete(CODE_RUN, run.namespace, run.name, run.uid)
    bench.comment(number, "/cancel")
    assert "is being deleted" in bench.answers(number)[0]


@pytest.mark.parametrize("command", ["/retry", "/cancel", "/status"])
def test_a_command_without_a_run_gets_a_reply(bench: DeliveryBench, command: str) -> None:
    number = bench.issue()
    bench.comment(number, command)
    assert bench.answers(number) == [
        "There is no run for this issue or pull request. Finished runs are deleted after a while; start a new one."
    ]


def test_a_status_command_gets_one_reply(bench: DeliveryBench) -> None:
    run, pull = bench.with_pull()
    for _ in range(2):
        bench.deliver("issue_comment", bench.commented(pull["number"], "/status"), "x")
    first, second = bench.answers(pull["number"])
    assert f"Run `{run.name}`, task 3 for `api`: **Succeeded** (`Completed`)" in first
    assert f"Branch: `{run.status.branch}`" in first
    assert first == second
    bench.take(bench.queue[-1])
    assert len(bench.answers(pull["number"])) == 2


def test_a_run_is_found_after_its_repository_was_renamed(bench: DeliveryBench) -> None:
    _, pull = bench.with_pull()
    bench.shop.full_name = "acme/store"
    bench.comment(pull["number"], "/retry")
    assert bench.retries() == 1


def test_the_same_branch_in_another_repository_is_ignored(bench: DeliveryBench) -> None:
    run, _ = bench.with_pull()
    other = bench.github.repository("acme/other")
    number = other.open_pull(run.status.branch or "")["number"]
    comment = other.comment(number, "/retry")
    bench.deliver("issue_comment", payloads.issue_comment(other, number, comment))
    bench.deliver("pull_request", payloads.pull_request(other, number, "opened"))
    assert bench.retries() == 0
    assert bench.run().status.pull_request_url is None


@dataclass
class Meddling(ForwardingTransport):
    """Another process writes to the run right before each of the first `times` patches of it."""

    kubelet: Cluster
    run: Run
    times: int

    def send(self, request: Call) -> Any:
        if request.method == "PATCH" and self.times:
            self.times -= 1
            note = {"metadata": {"annotations": {"somebody": f"else {self.times}"}}}
            self.kubelet.patch(RUNS[self.run.kind], self.run.namespace, self.run.name, note)
        return self.inner.send(request)


@pytest.mark.parametrize(("times", "code"), [(3, 204), (100, 503)])
def test_a_conflicting_request_is_made_again_a_few_times(bench: DeliveryBench, times: int, code: int) -> None:
    run, number = bench.asked_for()
    meddling = Meddling(bench.world.calls.inner, bench.world.kubelet, run, times)
    bench.services = replace(bench.services, cluster=Cluster(meddling))
    assert bench.comment(number, "/cancel").code == code
    assert bench.run().cancel == (code == 204)


def test_a_conflicting_retry_reads_the_review_once(bench: DeliveryBench) -> None:
    run, pull = bench.with_pull()
    meddling = Meddling(bench.world.calls.inner, bench.world.kubelet, run, 3)
    bench.services = replace(bench.services, cluster=Cluster(meddling))
    review = payloads.review(bench.shop, pull["number"], "commented", "/retry as below")
    assert bench.deliver("pull_request_review", review).code == 204
    assert len(bench.github.asked("GET .*/reviews/.*/comments")) == 1
