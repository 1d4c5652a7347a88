"""One sweep reads and requests a bounded number of deliveries; the next ones continue."""

from datetime import timedelta

from functions.cluster.kinds import CONFIG_MAP
from functions.github.webhook.redelivery import MAX_FAILED, Failed, RedeliveryState, parse
from functions.manifests.config_map import REDELIVERY_STATE
from functions.sweeper import redelivery
from functions.sweeper.redelivery import MAX_PAGES, MAX_REQUESTS
from functions.sweeper.scan import TimeBudget
from tests.github.redelivery.sweeps import LIST, REQUEST, break_webhook, comment, repair_webhook, saved_state, swept
from tests.support.api import Harness
from tests.support.github import Github
from tests.support.github.content import Repository


def test_one_sweep_requests_a_bounded_number_oldest_first(world: Harness, github: Github, shop: Repository) -> None:
    break_webhook(github)
    lost = []
    for _ in range(MAX_REQUESTS + 10):
        lost.append(github.hook.deliver("issue_comment", comment(shop)).guid)
        world.later(seconds=1)
    arrived = repair_webhook(github)
    assert swept(world)["redelivered"] == MAX_REQUESTS
    assert arrived == lost[:MAX_REQUESTS]
    assert swept(world)["redelivered"] == 10
    assert arrived == lost


def test_a_long_list_of_deliveries_is_read_over_several_sweeps(
    world: Harness, github: Github, shop: Repository
) -> None:
    """The list is read from the newest back, each sweep continues; new deliveries are seen too."""
    pages = 2 * MAX_PAGES + 1
    payload = comment(shop)
    break_webhook(github)
    first = github.hook.deliver("issue_comment", payload)
    repair_webhook(github)
    for _ in range(pages * 100 - 50):
        world.later(seconds=10)
        github.hook.deliver("issue_comment", payload)
    for done in (1, 2):
        github.calls.clear()
        assert swept(world)["redelivered"] == 0
        assert len(github.asked(LIST)) == MAX_PAGES, done
    break_webhook(github)
    later = github.hook.deliver("issue_comment", payload)
    arrived = repair_webhook(github)
    github.calls.clear()
    assert swept(world)["redelivered"] == 1
    assert (len(github.asked(LIST)), arrived) == (1, [first.guid])
    world.later(minutes=1)
    swept(world)
    assert arrived == [first.guid, later.guid]
    github.calls.clear()
    swept(world)
    assert len(github.asked(LIST)) == 1, "pages are not read twice"


def test_an_expired_cursor_restarts_the_list(world: Harness, github: Github, shop: Repository) -> None:
    payload = comment(shop)
    break_webhook(github)
    github.hook.deliver("issue_comment", payload)
    repair_webhook(github)
    for _ in range(MAX_PAGES * 100 + 20):
        github.hook.deliver("issue_comment", payload)
    swept(world)
    assert saved_state(world).cursor
    github.fails(LIST, 422)
    assert [swept(world)["redelivered"] for _ in range(3)] == [0, 0, 1]


def test_a_slow_delivery_is_not_missed(world: Harness, github: Github, shop: Repository) -> None:
    """It is listed only after its end, behind deliveries that began after it."""
    break_webhook(github)
    github.hook.deliver("issue_comment", comment(shop))
    page, known = parse([github.hook.log[0].shown()]), RedeliveryState(until=world.now + timedelta(minutes=4))
    assert known.with_page(page, "next", world.now).cursor == "next", "more may follow"
    known = RedeliveryState(until=world.now + timedelta(minutes=6))
    assert known.with_page(page, "next", world.now).cursor == ""


def test_an_invalid_entry_of_the_list_is_skipped(world: Harness, github: Github, shop: Repository) -> None:
    break_webhook(github)
    lost = github.hook.deliver("issue_comment", comment(shop))
    shown = github.hook.log[0].shown()
    page = [{}, None, "x", {**shown, "delivered_at": "soon"}, {**shown, "id": None}, shown]
    assert list(RedeliveryState().with_page(parse(page), "", world.now).failed) == [lost.guid]


def test_the_list_is_not_read_while_the_state_is_full(world: Harness, github: Github, shop: Repository) -> None:
    many = {f"{number}": Failed(id=number, at=world.now, tries=1, asked=world.now) for number in range(MAX_FAILED)}
    text = RedeliveryState(until=world.now, failed=many).model_dump_json()
    assert len(text) < 500_000, "the limit of a ConfigMap is 1 MiB"
    world.kubelet.create(CONFIG_MAP, REDELIVERY_STATE.new(text, world.namespace))
    swept(world)
    assert not github.asked()
    world.later(minutes=3)
    swept(world)
    assert len(github.asked(REQUEST)) == MAX_REQUESTS, "saved failures are requested and make room"


def test_a_sweep_out_of_time_leaves_requests_to_the_next(world: Harness, github: Github, shop: Repository) -> None:
    break_webhook(github)
    for _ in range(3):
        github.hook.deliver("issue_comment", comment(shop))
    assert world.services.github
    over = TimeBudget(world.services.clock)
    world.later(minutes=2)
    assert redelivery.request_failed(world.services, world.services.github, over) == 0
    assert len(saved_state(world).failed) == 3
    assert swept(world)["redelivered"] == 3
