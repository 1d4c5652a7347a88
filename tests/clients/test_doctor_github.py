"""`orchestrator doctor` names problems of the GitHub App; GitHub is a fake over HTTP."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from functions.github import app_manifest
from functions.github.api import client
from functions.github.webhook.rules import router
from tests.clients.doctor_bench import Bench
from tests.support import github as fake_github


@pytest.fixture
def github(bench: Bench) -> Iterator[fake_github.Github]:
    """Yield the App of the installation, on a fake GitHub over HTTP."""
    with fake_github.serving(fake_github.Github()) as site:
        site.app.events = list(app_manifest.EVENTS)
        site.repository("acme/shop")
        bench.github = client.connect(site.settings(), lambda: datetime.now(UTC))
        yield site


def test_a_correct_app_has_no_problem(bench: Bench, github: fake_github.Github) -> None:
    assert bench.problems() == []


def test_a_missing_permission_of_the_app_is_named(bench: Bench, github: fake_github.Github) -> None:
    github.app.permissions |= {"checks": "read"}
    del github.app.permissions["statuses"]
    (found,) = bench.problems()
    assert found.startswith("GitHub App: lacks the permissions checks: write, statuses: read: grant them at GitHub")


def test_a_missing_event_subscription_is_named(bench: Bench, github: fake_github.Github) -> None:
    github.app.events.remove("check_run")
    (found,) = bench.problems()
    assert found.startswith("GitHub App: is not subscribed to check_run: subscribe at GitHub")


def test_an_app_without_installation_is_named(bench: Bench, github: fake_github.Github) -> None:
    github.repositories.clear()
    (found,) = bench.problems()
    assert found.startswith("GitHub App: is installed nowhere")


def test_a_key_of_another_app_is_reported(bench: Bench, github: fake_github.Github) -> None:
    github.app.id, github.app.client_id = 7, "other"
    (found,) = bench.problems()
    assert "GitHub App: GitHub does not accept the key: GitHub answered 401: Integration not found" in found


def test_failed_deliveries_are_reported(bench: Bench, github: fake_github.Github) -> None:
    github.hook.send = lambda *_: 401
    github.hook.deliver("issue_comment", {"action": "created"})
    (found,) = bench.problems()
    assert found.startswith("webhook: the last delivery (issue_comment) failed")


def test_the_manifests_events_are_those_of_the_rules() -> None:
    assert router.events() - {"installation", "installation_repositories"} == set(app_manifest.EVENTS)
