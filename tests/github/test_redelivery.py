"""Deliveries that failed are asked for again by the sweep.

| happened                                          | then                                                       |
|---------------------------------------------------|------------------------------------------------------------|
| nothing failed                                    | one call to GitHub, one read of the cluster, no write      |
| the webhook was down, and is up again             | each delivery arrives, under its own id                    |
| it arrived meanwhile, or nothing would come of it | nobody asks                                                |
| it fails again and again                          | asked with growing pauses, then hourly, for three days     |
| more fails than one sweep can do                  | the next ones go on: reading and asking are bounded        |
| two sweeps at once; a crash; the note is lost     | at worst asked for twice                                   |
| GitHub is down, slow, or refuses                  | the rest of the sweep is done, the next one asks           |
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.cluster.kinds import CONFIG_MAP
from functions.github.client import connect
from functions.github.deliveries import MOST_FAILED, Failed, Journal, load, parse, pause
from functions.handlers import redelivery, sweep
from functions.handlers.http import Request, answer
from functions.handlers.redelivery import MOST_ASKED, MOST_PAGES
from functions.handlers.walking import Deadline
from functions.manifests import deliveries as manifest
from tests.support.api import World
from tests.support.direct import Direct
from tests.support.github import Github, payloads, serving
from tests.support.github.content import Object, Repository

LIST = "GET /app/hook/deliveries$"
ASK = "POST /app/hook/deliveries/.*/attempts"


@pytest.fixture
def world() -> World:
    return World(Direct(), "orchestrator")


@pytest.fixture
def github(world: World) -> Iterator[Github]:
    with serving(Github(lambda: world.now)) as found:
        found.hook.send = lambda *_: 200
        world.services = replace(world.services, github=connect(found.settings(), lambda: world.now))
        yield found


@pytest.fixture
def shop(github: Github) -> Repository:
    return github.repository("acme/shop")


def comment(shop: Repository, text: str = "/status") -> Object:
    number = shop.open_issue()["number"]
    return payloads.issue_comment(shop, number, shop.comment(number, text))


def fails(github: Github, code: int = 503) -> None:
    github.hook.send = lambda *_: code


def works(github: Github) -> list[str]:
    """The guids that arrive from now on."""
    arrived: list[str] = []

    def send(headers: Any, body: bytes) -> int:
        arrived.append(headers["X-GitHub-Delivery"])
        return 200

    github.hook.send = send
    return arrived


def swept(world: World) -> dict[str, Any]:
    got = answer(lambda request: sweep.handle(world.services, request), Request({}, b"{}"))
    assert got.code == 200, got.body
    body = got.body or {}
    data: dict[str, Any] = body["data"]
    return data


def kept(world: World) -> Journal:
    return load(manifest.text(world.kubelet.get(CONFIG_MAP, world.namespace, manifest.NAME)))


def test_with_nothing_failed_a_sweep_costs_one_call_and_one_read(
    world: World, github: Github, shop: Repository
) -> None:
    for _ in range(60):
        github.hook.deliver("issue_comment", comment(shop))
    swept(world)
    for _ in range(5):
        world.later(minutes=1)
        github.hook.deliver("issue_comment", comment(shop))
        github.calls.clear()
        world.calls.calls.clear()
        assert swept(world)["redelivered"] == 0
        assert github.asked() == ["GET /app/hook/deliveries"]
        assert [path for path in world.calls.reads if manifest.NAME in path] == [
            f"/api/v1/namespaces/orchestrator/configmaps/{manifest.NAME}"
        ]
        assert world.calls.writes == []
    world.later(minutes=10)
    github.hook.deliver("issue_comment", comment(shop))
    swept(world)
    assert len(world.calls.writes) == 1, "how far it got is noted now and then"


def test_without_an_app_nobody_is_asked(world: World) -> None:
    swept(world)
    assert not [path for path in world.calls.reads if manifest.NAME in path]


@pytest.mark.parametrize("code", [0, 403, 413, 500, 503])
def test_what_was_lost_while_the_webhook_was_down_arrives(
    world: World, github: Github, shop: Repository, code: int
) -> None:
    github.hook.deliver("issue_comment", comment(shop))
    fails(github, code)
    lost = [github.hook.deliver("issue_comment", comment(shop)).guid for _ in range(3)]
    swept(world)
    world.later(minutes=2)
    arrived = works(github)
    assert swept(world)["redelivered"] == 3
    assert sorted(arrived) == sorted(lost)
    for _ in range(4):
        world.later(minutes=70)
        assert swept(world)["redelivered"] == 0
    assert kept(world).failed == {}


def test_a_failure_is_asked_for_by_the_next_sweep(world: World, github: Github, shop: Repository) -> None:
    swept(world)
    fails(github)
    lost = github.hook.deliver("issue_comment", comment(shop))
    arrived = works(github)
    world.later(minutes=1)
    swept(world)
    assert arrived == [lost.guid]


def test_what_arrived_meanwhile_is_not_asked_for(world: World, github: Github, shop: Repository) -> None:
    """By a person, who clicked on redeliver, before or after the failure was seen."""
    fails(github)
    early, late = [github.hook.deliver("issue_comment", comment(shop)) for _ in range(2)]
    works(github)
    github.hook.again(early.id)
    fails(github)
    swept(world)
    assert list(kept(world).failed) == [late.guid]
    works(github)
    github.hook.again(late.id)
    github.calls.clear()
    world.later(minutes=5)
    assert swept(world)["redelivered"] == 0
    assert not github.asked(ASK)


def test_what_nothing_comes_of_is_not_asked_for(world: World, github: Github, shop: Repository) -> None:
    fails(github)
    for event in ("push", "star", "ping", "workflow_run"):
        github.hook.deliver(event, {"repository": shop.shown()})
    swept(world)
    assert not github.asked(ASK)
    assert kept(world).failed == {}


def test_what_fails_for_ever_is_asked_for_less_and_less(world: World, github: Github, shop: Repository) -> None:
    fails(github)
    github.hook.deliver("issue_comment", comment(shop))
    asked = []
    for minute in range(32):
        if swept(world)["redelivered"]:
            asked.append(minute)
        world.later(minutes=1)
    assert asked == [0, 2, 6, 14, 30]
    world.later(days=2)
    assert [swept(world)["redelivered"] for _ in range(3)] == [1, 0, 0]
    world.later(minutes=59)
    assert swept(world)["redelivered"] == 0
    world.later(minutes=1)
    assert swept(world)["redelivered"] == 1
    world.later(days=1)
    assert swept(world)["redelivered"] == 0, "three days are over"
    assert kept(world).failed == {}


def test_pauses_grow_to_an_hour() -> None:
    assert [pause(tries) // timedelta(minutes=1) for tries in (1, 2, 3, 4, 5, 6, 7, 5_000)] == [
        2, 4, 8, 16, 32, 60, 60, 60,
    ]  # fmt: skip


def test_one_sweep_asks_for_a_bounded_number_the_oldest_first(world: World, github: Github, shop: Repository) -> None:
    fails(github)
    lost = []
    for _ in range(MOST_ASKED + 10):
        lost.append(github.hook.deliver("issue_comment", comment(shop)).guid)
        world.later(seconds=1)
    arrived = works(github)
    assert swept(world)["redelivered"] == MOST_ASKED
    assert arrived == lost[:MOST_ASKED]
    assert swept(world)["redelivered"] == 10
    assert arrived == lost


def test_a_long_list_is_read_over_several_sweeps(world: World, github: Github, shop: Repository) -> None:
    """From the newest back, going on where the last sweep came to; what comes meanwhile is seen as well."""
    pages = 2 * MOST_PAGES + 1
    payload = comment(shop)
    fails(github)
    first = github.hook.deliver("issue_comment", payload)
    works(github)
    for _ in range(pages * 100 - 50):
        world.later(seconds=10)
        github.hook.deliver("issue_comment", payload)
    for done in (1, 2):
        github.calls.clear()
        assert swept(world)["redelivered"] == 0
        assert len(github.asked(LIST)) == MOST_PAGES, done
    fails(github)
    later = github.hook.deliver("issue_comment", payload)
    arrived = works(github)
    github.calls.clear()
    assert swept(world)["redelivered"] == 1
    assert (len(github.asked(LIST)), arrived) == (1, [first.guid])
    world.later(minutes=1)
    swept(world)
    assert arrived == [first.guid, later.guid]
    github.calls.clear()
    swept(world)
    assert len(github.asked(LIST)) == 1, "what was read is not read again"


def test_older_than_three_days_is_left_alone(world: World, github: Github, shop: Repository) -> None:
    fails(github)
    github.hook.deliver("issue_comment", comment(shop))
    world.later(days=3, minutes=1)
    recent = github.hook.deliver("issue_comment", comment(shop))
    arrived = works(github)
    swept(world)
    assert arrived == [recent.guid]


def test_a_journal_that_is_lost_or_unreadable_is_made_again(world: World, github: Github, shop: Repository) -> None:
    fails(github)
    lost = github.hook.deliver("issue_comment", comment(shop))
    swept(world)
    found = world.kubelet.get(CONFIG_MAP, world.namespace, manifest.NAME)
    world.kubelet.patch(CONFIG_MAP, world.namespace, manifest.NAME, {"data": {"journal": '{"failed": [1]}'}})
    swept(world)
    assert list(kept(world).failed) == [lost.guid]
    world.kubelet.delete(CONFIG_MAP, world.namespace, manifest.NAME, found["metadata"]["uid"])
    arrived = works(github)
    swept(world)
    assert arrived == [lost.guid]


def test_two_sweeps_at_once_ask_at_worst_twice(world: World, github: Github, shop: Repository) -> None:
    """The other one works between the first one's asking and its noting."""
    swept(world)
    fails(github)
    lost = github.hook.deliver("issue_comment", comment(shop))
    arrived: list[str] = []
    more: list[str] = []
    other = replace(world.services, github=connect(github.settings(), lambda: world.now))

    def send(headers: Any, body: bytes) -> int:
        arrived.append(headers["X-GitHub-Delivery"])
        if len(arrived) == 1:
            fails(github)
            more.append(github.hook.deliver("issue_comment", comment(shop)).guid)
            github.hook.send = send
            assert other.github
            redelivery.ask(other, other.github, Deadline(other.clock))
        return 200

    github.hook.send = send
    world.later(minutes=1)
    swept(world)
    assert arrived == [lost.guid, lost.guid, *more]
    assert {guid: each.tries for guid, each in kept(world).failed.items()} == {lost.guid: 1, more[0]: 1}
    world.later(minutes=1)
    swept(world)
    assert kept(world).failed == {}


class Crash(BaseException):
    """The process ends here."""


def test_a_crash_between_asking_and_noting_asks_once_more(world: World, github: Github, shop: Repository) -> None:
    swept(world)
    fails(github)
    lost = github.hook.deliver("issue_comment", comment(shop))
    arrived = works(github)
    inner = world.calls.inner

    class Dies:
        def send(self, request: Any) -> Any:
            if request.method != "GET" and manifest.NAME in request.path:
                raise Crash
            return inner.send(request)

        stream = inner.stream

    world.calls.inner = Dies()
    world.later(minutes=1)
    with pytest.raises(Crash):
        swept(world)
    world.calls.inner = inner
    swept(world)
    assert set(arrived) == {lost.guid}
    assert 1 <= len(arrived) <= 2


@pytest.mark.parametrize(
    ("call", "status"), [(LIST, 502), (LIST, 0), (LIST, 429), (LIST, 401), (ASK, 502), (ASK, 403)]
)
def test_whatever_github_answers_the_rest_of_the_sweep_is_done(
    world: World, github: Github, shop: Repository, call: str, status: int
) -> None:
    fails(github)
    lost = github.hook.deliver("issue_comment", comment(shop))
    github.fails(call, status, times=1)
    assert swept(world) | {"healed": {}} == {
        "looked": 0,
        "failed": [],
        "healed": {},
        "redelivered": 0,
        "left_at": None,
    }
    arrived = works(github)
    world.later(minutes=2)
    assert swept(world)["redelivered"] == 1
    assert arrived == [lost.guid]


def test_what_was_asked_before_github_went_down_is_noted(world: World, github: Github, shop: Repository) -> None:
    fails(github)
    lost = [github.hook.deliver("issue_comment", comment(shop)).guid for _ in range(3)]
    github.fails(f"{ASK}", 202, applied=True)
    github.fails(f"{ASK}", 502)
    swept(world)
    assert sorted(each.tries for each in kept(world).failed.values()) == [0, 0, 1]
    assert set(kept(world).failed) == set(lost)


def test_what_github_does_not_keep_any_more_is_given_up(
    world: World, github: Github, shop: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    fails(github)
    lost = github.hook.deliver("issue_comment", comment(shop))
    github.fails(ASK, 404)
    logger = logging.getLogger("orchestrator")
    logger.addHandler(caplog.handler)
    try:
        swept(world)
    finally:
        logger.removeHandler(caplog.handler)
    given_up = [each for each in caplog.records if each.getMessage().startswith("given up")]
    assert {getattr(each, "event", "") for each in given_up} == {lost.guid}
    assert kept(world).failed == {}


def test_a_cursor_that_github_has_forgotten_is_no_end(world: World, github: Github, shop: Repository) -> None:
    payload = comment(shop)
    fails(github)
    github.hook.deliver("issue_comment", payload)
    works(github)
    for _ in range(MOST_PAGES * 100 + 20):
        github.hook.deliver("issue_comment", payload)
    swept(world)
    assert kept(world).cursor
    github.fails(LIST, 422)
    assert [swept(world)["redelivered"] for _ in range(3)] == [0, 0, 1]


def test_a_delivery_that_took_long_is_not_missed(world: World, github: Github, shop: Repository) -> None:
    """It is in the list only once it is over, behind those that began after it."""
    fails(github)
    github.hook.deliver("issue_comment", comment(shop))
    page, known = parse([github.hook.log[0].shown()]), Journal(until=world.now + timedelta(minutes=4))
    assert known.seen(page, "next", world.now).cursor == "next", "there may be more behind it"
    known = Journal(until=world.now + timedelta(minutes=6))
    assert known.seen(page, "next", world.now).cursor == ""


def test_what_is_no_delivery_is_passed_over(world: World, github: Github, shop: Repository) -> None:
    fails(github)
    lost = github.hook.deliver("issue_comment", comment(shop))
    shown = github.hook.log[0].shown()
    page = [{}, None, "x", {**shown, "delivered_at": "soon"}, {**shown, "id": None}, shown]
    assert list(Journal().seen(parse(page), "", world.now).failed) == [lost.guid]


def test_no_more_failures_are_looked_for_than_can_be_kept(world: World, github: Github, shop: Repository) -> None:
    many = {f"{number}": Failed(id=number, at=world.now, tries=1, asked=world.now) for number in range(MOST_FAILED)}
    text = Journal(until=world.now, failed=many).model_dump_json()
    assert len(text) < 500_000, "a ConfigMap holds 1 MiB"
    world.kubelet.create(CONFIG_MAP, manifest.new(text, world.namespace))
    swept(world)
    assert not github.asked()
    world.later(minutes=3)
    swept(world)
    assert len(github.asked(ASK)) == MOST_ASKED, "they are asked for, and make room"


def test_a_sweep_without_time_leaves_it_to_the_next(world: World, github: Github, shop: Repository) -> None:
    fails(github)
    for _ in range(3):
        github.hook.deliver("issue_comment", comment(shop))
    assert world.services.github
    over = Deadline(world.services.clock)
    world.later(minutes=2)
    assert redelivery.ask(world.services, world.services.github, over) == 0
    assert len(kept(world).failed) == 3
    assert swept(world)["redelivered"] == 3


def test_the_functions_may_write_the_journal() -> None:
    rbac = Path(__file__).parents[2] / "infra/kubernetes/base/rbac.yaml"
    rules = [
        rule for each in yaml.safe_load_all(rbac.read_text()) if each["kind"] == "Role" for rule in each["rules"]
    ]
    named = {name: rule["verbs"] for rule in rules for name in rule.get("resourceNames", ())}
    assert named[manifest.NAME] == ["patch"]
