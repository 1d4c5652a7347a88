"""What `github_event` does about a delivery, it does once.

| what comes                                       | result                                              |
|--------------------------------------------------|-----------------------------------------------------|
| a command, 10 times at once, days later, by 2 hooks | the same one run                                 |
| two commands in a comment                        | two runs                                            |
| again after the run or the configuration changed | no other run                                        |
| a mistake, at once, later, after a lost answer   | one answer, found again by our own marker           |
"""

from concurrent.futures import ThreadPoolExecutor

from functions.cluster.kinds import CODE_RUN
from functions.reconciler.reconciler import reconcile
from tests.github.delivery_bench import Stage


def test_the_same_delivery_ten_times_at_once_and_days_apart_is_one_run(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    payload = stage.commented(number, "/code 3 service=api")
    assert stage.deliver("issue_comment", payload, "guid-1").code == 204
    (event,) = stage.queue
    with ThreadPoolExecutor(10) as pool:
        codes = [found.code for found in pool.map(lambda _: stage.take(event), range(10))]
    for _ in range(3):
        stage.clock.later(days=1)
        codes.append(stage.deliver("issue_comment", payload, "guid-1").code)
    assert codes == [204] * 13
    assert len(stage.runs()) == 1
    assert stage.answers(number) == []


def test_ten_deliveries_at_once_to_processes_that_know_nothing_make_one_run(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    payload = stage.commented(number, "/code 3 service=api\n/docs")
    with ThreadPoolExecutor(10) as pool:
        events = [stage.queue[-1] for _ in range(10) if stage.github.hook.deliver("issue_comment", payload, "g")]
        codes = list(pool.map(lambda event: stage.take(event).code, events))
    assert codes == [204] * 10
    assert sorted(run.kind for run in stage.runs()) == ["CodeRun", "DocsRun"]


def test_a_comment_that_comes_by_two_hooks_is_one_run(stage: Stage) -> None:
    payload = stage.commented(stage.shop.open_issue()["number"], "/code 3 service=api")
    by_organization = {key: value for key, value in payload.items() if key != "installation"}
    assert stage.deliver("issue_comment", payload, "by the App").code == 204
    assert stage.deliver("issue_comment", by_organization, "by the organization").code == 204
    assert len(stage.runs()) == 1


def test_two_commands_are_two_runs(stage: Stage) -> None:
    payload = stage.commented(stage.shop.open_issue()["number"], "/code 3 service=api\n/code 3 service=api")
    for _ in range(2):
        assert stage.deliver("issue_comment", payload).code == 204
    assert len(stage.runs()) == 2


def test_a_delivery_after_its_run_was_deleted_makes_none(stage: Stage) -> None:
    run, _ = stage.asked_for()
    stage.world.kubelet.delete(CODE_RUN, run.namespace, run.name, run.uid)
    reconcile(stage.services, run.kind, run.namespace, run.name)
    assert stage.runs() == []
    assert stage.take(stage.queue[-1]).code == 204
    assert stage.runs() == []


def test_a_delivery_after_the_configuration_changed_makes_no_other_run(stage: Stage) -> None:
    run, number = stage.asked_for("/code 3 service=api")
    stage.configure("maxRetries: 5")
    assert stage.take(stage.queue[-1]).code == 204
    assert [each.uid for each in stage.runs()] == [run.uid]
    assert stage.answers(number) == []


def test_an_answer_is_given_once(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    payload = stage.commented(number, "/code three\n/docs a b")
    stage.deliver("issue_comment", payload)
    assert len(stage.answers(number)) == 2
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: stage.take(stage.queue[-1]), range(10)))
    stage.clock.later(days=2)
    stage.deliver("issue_comment", payload, "another hook")
    assert len(stage.answers(number)) == 2


def test_ten_deliveries_at_once_are_answered_once(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    stage.github.hook.deliver("issue_comment", stage.commented(number, "/code three"))
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: stage.take(stage.queue[-1]), range(10)))
    assert len(stage.answers(number)) == 1


def test_a_marker_pasted_by_a_user_is_no_answer(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    payload = stage.commented(number, "/code three")
    stage.deliver("issue_comment", payload)
    (ours,) = (each for each in stage.shop.comments_on(number) if each["user"]["type"] == "Bot")
    del stage.shop.comments[ours["id"]]
    stage.shop.comment(number, ours["body"], by="mallory")
    stage.take(stage.queue[-1])
    assert len(stage.answers(number)) == 1


def test_an_answer_that_was_given_although_github_failed_is_not_given_again(stage: Stage) -> None:
    stage.github.fails("POST .*/comments", 502, applied=True)
    number = stage.shop.open_issue()["number"]
    assert stage.comment(number, "/code three").code == 503
    assert stage.take(stage.queue[-1]).code == 204
    assert len(stage.answers(number)) == 1
