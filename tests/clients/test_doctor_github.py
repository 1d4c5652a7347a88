"""`orchestrator doctor` names what is wrong with the GitHub App, which is played over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from functions.github import app_manifest
from functions.github.api import client
from functions.github.webhook.rules import router
from tests.clients.doctor_bench import Bench
from tests.support import github as played_github


@pytest.fixture
def github(bench: Bench) -> Iterator[played_github.Github]:
    """The App of the installation, at a GitHub that is played over HTTP."""
    with played_github.serving(played_github.Github()) as site:
        site.app.events = list(app_manifest.EVENTS)
        site.repository("acme/shop")
        bench.github = client.connect(site.settings(), lambda: datetime.now(UTC))
        yield site


def test_an_app_that_is_right_has_no_problem(bench: Bench, github: played_github.Github) -> None:
    assert bench.problems() == []


def test_a_permission_that_the_app_lacks_is_named(bench: Bench, github: played_github.Github) -> None:
    github.app.permissions |= {"checks": "read"}
    del github.app.permissions["statuses"]
    (found,) = bench.problems()
    assert found.startswith("GitHub App: lacks the permissions checks: write, statuses: read: grant them at GitHub")


def test_an_event_that_the_app_is_not_subscribed_to_is_named(bench: Bench, github: played_github.Github) -> None:
    github.app.events.remove("check_run")
    (found,) = bench.problems()
    assert found.startswith("GitHub App: is not subscribed to check_run: subscribe at GitHub")


def test_an_app_that_is_installed_nowhere_is_named(bench: Bench, github: played_github.Github) -> None:
    github.repositories.clear()
    (found,) = bench.problems()
    assert found.startswith("GitHub App: is installed nowhere")


def test_a_key_of_another_app_is_named(bench: Bench, github: played_github.Github) -> None:
    github.app.id, github.app.client_id = 7, "other"
    (found,) = bench.problems()
    assert "GitHub App: GitHub does not accept the key: GitHub answered 401: Integration not found" in found


def test_deliveries_that_fail_are_named(bench: Bench, github: played_github.Github) -> None:
    github.hook.send = lambda *_: 401
    github.hook.deliver("issue_comment", {"action": "created"})
    (found,) = bench.problems()
    assert found.startswith("webhook: the last delivery (issue_comment) failed")


def test_events_are_those_that_rules_read() -> None:
    assert router.events() - {"installation", "installation_repositories"} == set(app_manifest.EVENTS)
