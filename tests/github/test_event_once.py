"""`github_event` handles each delivery once."""

from concurrent.futures import ThreadPoolExecutor

from functions.cluster.kinds import CODE_RUN
from functions.reconciler.reconciler import reconcile
from tests.github.delivery_bench import DeliveryBench


def test_concurrent_and_late_redeliveries_make_one_run(bench: DeliveryBench) -> None:
    number = bench.issue()
    payload = bench.commented(number, "/code 3 service=api")
    assert bench.deliver("issue_comment", payload, "guid-1").code == 204
    (event,) = bench.queue
    with ThreadPoolExecutor(10) as pool:
        codes = [found.code for found in pool.map(lambda _: bench.take(event), range(10))]
    for _ in range(3):
        bench.clock.later(days=1)
        codes.append(bench.deliver("issue_comment", payload, "guid-1").code)
    assert codes == [204] * 13
    assert len(bench.runs()) == 1
    assert bench.answers(number) == []


def test_ten_concurrent_first_deliveries_make_one_run_per_command(bench: DeliveryBench) -> None:
    number = bench.issue()
    payload = bench.commented(number, "/code 3 service=api\n/docs")
    with ThreadPoolExecutor(10) as pool:
        events = [bench.queue[-1] for _ in range(10) if bench.github.hook.deliver("issue_comment", payload, "g")]
        codes = list(pool.map(lambda event: bench.take(event).code, events))
    assert codes == [204] * 10
    assert sorted(run.kind for run in bench.runs()) == ["CodeRun", "DocsRun"]


def test_a_comment_delivered_by_two_hooks_makes_one_run(bench: DeliveryBench) -> None:
    payload = bench.commented(bench.issue(), "/code 3 service=api")
    by_organization = {key: value for key, value in payload.items() if key != "installation"}
    assert bench.deliver("issue_comment", payload, "by the App").code == 204
    assert bench.deliver("issue_comment", by_organization, "by the organization").code == 204
    assert len(bench.runs()) == 1


def test_two_equal_commands_in_a_comment_make_two_runs(bench: DeliveryBench) -> None:
    payload = bench.commented(bench.issue(), "/code 3 service=api\n/code 3 service=api")
    for _ in range(2):
        assert bench.deliver("issue_comment", payload).code == 204
    assert len(bench.runs()) == 2


def test_a_redelivery_after_its_run_was_deleted_makes_no_run(bench: DeliveryBench) -> None:
    run, _ = bench.asked_for()
    bench.world.kubelet.delete(CODE_RUN, run.namespace, run.name, run.uid)
    reconcile(bench.services, run.kind, run.namespace, run.name)
    assert bench.runs() == []
    assert bench.take(bench.queue[-1]).code == 204
    assert bench.runs() == []


def test_a_redelivery_after_a_configuration_change_makes_no_other_run(bench: DeliveryBench) -> None:
    run, number = bench.asked_for("/code 3 service=api")
    bench.configure("maxRetries: 5")
    assert bench.take(bench.queue[-1]).code == 204
    assert [each.uid for each in bench.runs()] == [run.uid]
    assert bench.answers(number) == []


def test_an_invalid_command_gets_one_reply(bench: DeliveryBench) -> None:
    number = bench.issue()
    payload = bench.commented(number, "/code three\n/docs a b")
    bench.deliver("issue_comment", payload)
    assert len(bench.answers(number)) == 2
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: bench.take(bench.queue[-1]), range(10)))
    bench.clock.later(days=2)
    bench.deliver("issue_comment", payload, "another hook")
    assert len(bench.answers(number)) == 2


def test_ten_concurrent_deliveries_get_one_reply(bench: DeliveryBench) -> None:
    number = bench.issue()
    bench.github.hook.deliver("issue_comment", bench.commented(number, "/code three"))
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: bench.take(bench.queue[-1]), range(10)))
    assert len(bench.answers(number)) == 1


def test_a_marker_pasted_by_a_user_does_not_count_as_a_reply(bench: DeliveryBench) -> None:
    number = bench.issue()
    payload = bench.commented(number, "/code three")
    bench.deliver("issue_comment", payload)
    (ours,) = (each for each in bench.shop.comments_on(number) if each["user"]["type"] == "Bot")
    del bench.shop.comments[ours["id"]]
    bench.shop.comment(number, ours["body"], by="mallory")
    bench.take(bench.queue[-1])
    assert len(bench.answers(number)) == 1


def test_a_reply_posted_despite_an_error_is_not_posted_again(bench: DeliveryBench) -> None:
    bench.github.fails("POST .*/comments", 502, applied=True)
    number = bench.issue()
    assert bench.comment(number, "/code three").code == 503
    assert bench.take(bench.queue[-1]).code == 204
    assert len(bench.answers(number)) == 1
