"""Redelivery while sweeps or GitHub fail."""

import logging
from dataclasses import replace
from typing import Any

import pytest
import yaml

from functions.cluster.kinds import CONFIG_MAP
from functions.github.api.client import connect
from functions.manifests.config_map import REDELIVERY_STATE
from functions.sweeper import redelivery
from functions.sweeper.scan import TimeBudget
from tests.github.redelivery.sweeps import LIST, REQUEST, break_webhook, comment, repair_webhook, saved_state, swept
from tests.support.api import ROOT, Harness
from tests.support.github import Github
from tests.support.github.content import Repository


def test_a_lost_or_unreadable_redelivery_state_is_rebuilt(world: Harness, github: Github, shop: Repository) -> None:
    break_webhook(github)
    lost = github.hook.deliver("issue_comment", comment(shop))
    swept(world)
    found = world.kubelet.get(CONFIG_MAP, world.namespace, REDELIVERY_STATE.name)
    world.kubelet.patch(CONFIG_MAP, world.namespace, REDELIVERY_STATE.name, {"data": {"journal": '{"failed": [1]}'}})
    swept(world)
    assert list(saved_state(world).failed) == [lost.guid]
    world.kubelet.delete(CONFIG_MAP, world.namespace, REDELIVERY_STATE.name, found["metadata"]["uid"])
    arrived = repair_webhook(github)
    swept(world)
    assert arrived == [lost.guid]


def test_concurrent_sweeps_request_a_delivery_at_most_twice(world: Harness, github: Github, shop: Repository) -> None:
    """The second sweep runs between the first one's request and its save."""
    swept(world)
    break_webhook(github)
    lost = github.hook.deliver("issue_comment", comment(shop))
    arrived: list[str] = []
    more: list[str] = []
    other = replace(world.services, github=connect(github.settings(), lambda: world.now))

    def send(headers: Any, body: bytes) -> int:
        arrived.append(headers["X-GitHub-Delivery"])
        if len(arrived) == 1:
            break_webhook(github)
            more.append(github.hook.deliver("issue_comment", comment(shop)).guid)
            github.hook.send = send
            assert other.github
            redelivery.request_failed(other, other.github, TimeBudget(other.clock))
        return 200

    github.hook.send = send
    world.later(minutes=1)
    swept(world)
    assert arrived == [lost.guid, lost.guid, *more]
    assert {guid: each.tries for guid, each in saved_state(world).failed.items()} == {lost.guid: 1, more[0]: 1}
    world.later(minutes=1)
    swept(world)
    assert saved_state(world).failed == {}


class Crash(BaseException):
    """The process ends."""


def test_a_crash_between_request_and_save_repeats_the_request_once(
    world: Harness, github: Github, shop: Repository
) -> None:
    swept(world)
    break_webhook(github)
    lost = github.hook.deliver("issue_comment", comment(shop))
    arrived = repair_webhook(github)
    inner = world.calls.inner

    class Dies:
        def send(self, request: Any) -> Any:
            if request.method != "GET" and REDELIVERY_STATE.name in request.path:
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
    ("call", "status"), [(LIST, 502), (LIST, 0), (LIST, 429), (LIST, 401), (REQUEST, 502), (REQUEST, 403)]
)
def test_an_error_of_github_does_not_stop_the_rest_of_the_sweep(
    world: Harness, github: Github, shop: Repository, call: str, status: int
) -> None:
    break_webhook(github)
    lost = github.hook.deliver("issue_comment", comment(shop))
    github.fails(call, status, times=1)
    assert swept(world) | {"healed": {}} == {
        "looked": 0,
        "failed": [],
        "healed": {},
        "redelivered": 0,
        "left_at": None,
    }
    arrived = repair_webhook(github)
    world.later(minutes=2)
    assert swept(world)["redelivered"] == 1
    assert arrived == [lost.guid]


def test_requests_made_before_github_went_down_are_saved(world: Harness, github: Github, shop: Repository) -> None:
    break_webhook(github)
    lost = [github.hook.deliver("issue_comment", comment(shop)).guid for _ in range(3)]
    github.fails(f"{REQUEST}", 202, applied=True)
    github.fails(f"{REQUEST}", 502)
    swept(world)
    assert sorted(each.tries for each in saved_state(world).failed.values()) == [0, 0, 1]
    assert set(saved_state(world).failed) == set(lost)


def test_a_delivery_that_github_has_deleted_is_given_up(
    world: Harness, github: Github, shop: Repository, caplog: pytest.LogCaptureFixture
) -> None:
    break_webhook(github)
    lost = github.hook.deliver("issue_comment", comment(shop))
    github.fails(REQUEST, 404)
    logger = logging.getLogger("orchestrator")
    logger.addHandler(caplog.handler)
    try:
        swept(world)
    finally:
        logger.removeHandler(caplog.handler)
    given_up = [each for each in caplog.records if each.getMessage().startswith("given up")]
    assert {getattr(each, "event", "") for each in given_up} == {lost.guid}
    assert saved_state(world).failed == {}


def test_the_role_allows_patching_the_redelivery_state() -> None:
    rbac = ROOT / "infra/kubernetes/base/rbac.yaml"
    rules = [rule for each in yaml.safe_load_all(rbac.read_text()) if each["kind"] == "Role" for rule in each["rules"]]
    named = {name: rule["verbs"] for rule in rules for name in rule.get("resourceNames", ())}
    assert named[REDELIVERY_STATE.name] == ["patch"]
