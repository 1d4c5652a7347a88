"""`github_event` handles each delivery once.

| delivery                                         | expected                                            |
|--------------------------------------------------|-----------------------------------------------------|
| a command, 10 times at once, days later, by 2 hooks | one run                                          |
| two commands in a comment                        | two runs                                            |
| again after the run or the configuration changed | no other run                                        |
| an invalid command, at once, later, after a lost answer | one reply, found by our marker               |
"""

from concurrent.futures import ThreadPoolExecutor

from functions.cluster.kinds import CODE_RUN
from functions.reconciler.reconciler import reconcile
from tests.github.delivery_bench import Stage


def test_concurrent_and_late_redeliveries_make_one_run(stage: Stage) -> None:
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


def test_ten_concurrent_first_deliveries_make_one_run_per_command(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    payload = stage.commented(number, "/code 3 service=api\n/docs")
    with ThreadPoolExecutor(10) as pool:
        events = [stage.queue[-1] for _ in range(10) if stage.github.hook.deliver("issue_comment", payload, "g")]
        codes = list(pool.map(lambda event: stage.take(event).code, events))
    assert codes == [204] * 10
    assert sorted(run.kind for run in stage.runs()) == ["CodeRun", "DocsRun"]


def test_a_comment_delivered_by_two_hooks_makes_one_run(stage: Stage) -> None:
    payload = stage.commented(stage.shop.open_issue()["number"], "/code 3 service=api")
    by_organization = {key: value for key, value in payload.items() if key != "installation"}
    assert stage.deliver("issue_comment", payload, "by the App").code == 204
    assert stage.deliver("issue_comment", by_organization, "by the organization").code == 204
    assert len(stage.runs()) == 1


def test_two_equal_commands_in_a_comment_make_two_runs(stage: Stage) -> None:
    payload = stage.commented(stage.shop.open_issue()["number"], "/code 3 service=api\n/code 3 service=api")
    for _ in range(2):
        assert stage.deliver("issue_comment", payload).code == 204
    assert len(stage.runs()) == 2


def test_a_redelivery_after_its_run_was_deleted_makes_no_run(stage: Stage) -> None:
    run, _ = stage.asked_for()
    stage.world.kubelet.delete(CODE_RUN, run.namespace, run.name, run.uid)
    reconcile(stage.services, run.kind, run.namespace, run.name)
    assert stage.runs() == []
    assert stage.take(stage.queue[-1]).code == 204
    assert stage.runs() == []


def test_a_redelivery_after_a_configuration_change_makes_no_other_run(stage: Stage) -> None:
    run, number = stage.asked_for("/code 3 service=api")
    stage.configure("maxRetries: 5")
    assert stage.take(stage.queue[-1]).code == 204
    assert [each.uid for each in stage.runs()] == [run.uid]
    assert stage.answers(number) == []


def test_an_invalid_command_gets_one_reply(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    payload = stage.commented(number, "/code three\n/docs a b")
    stage.deliver("issue_comment", payload)
    assert len(stage.answers(number)) == 2
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: stage.take(stage.queue[-1]), range(10)))
    stage.clock.later(days=2)
    stage.deliver("issue_comment", payload, "another hook")
    assert len(stage.answers(number)) == 2


def test_ten_concurrent_deliveries_get_one_reply(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    stage.github.hook.deliver("issue_comment", stage.commented(number, "/code three"))
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: stage.take(stage.queue[-1]), range(10)))
    assert len(stage.answers(number)) == 1


def test_a_marker_pasted_by_a_user_does_not_count_as_a_reply(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    payload = stage.commented(number, "/code three")
    stage.deliver("issue_comment", payload)
    (ours,) = (each for each in stage.shop.comments_on(number) if each["user"]["type"] == "Bot")
    del stage.shop.comments[ours["id"]]
    stage.shop.comment(number, ours["body"], by="mallory")
    stage.take(stage.queue[-1])
    assert len(stage.answers(number)) == 1


def test_a_reply_posted_despite_an_error_is_not_posted_again(stage: Stage) -> None:
    stage.github.fails("POST .*/comments", 502, applied=True)
    number = stage.shop.open_issue()["number"]
    assert stage.comment(number, "/code three").code == 503
    assert stage.take(stage.queue[-1]).code == 204
    assert len(stage.answers(number)) == 1
