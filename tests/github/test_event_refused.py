"""Events that `github_event` ignores or refuses with a reply."""

import logging

import pytest

from tests.github.delivery_bench import DeliveryBench

# Ignored events -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["mallory", "reader", "triager"])
def test_a_user_without_write_access_is_ignored(bench: DeliveryBench, by: str) -> None:
    bench.shop.people |= {"reader": "read", "triager": "triage"}
    run, number = bench.asked_for()
    before = bench.shop.comments_on(number)
    written = len(bench.world.calls.calls)
    for body in ("/code 3 service=api", "/code", "/retry", "/cancel", "/status"):
        assert bench.comment(number, body, by).code == 204
    assert len(bench.world.calls.calls) == written
    assert bench.github.asked(f"collaborators/{by}/") == [f"GET /repos/acme/shop/collaborators/{by}/permission"]
    assert len(bench.shop.comments_on(number)) == len(before) + 5
    assert bench.run().uid == run.uid


@pytest.mark.parametrize("role", ["write", "maintain", "admin"])
def test_a_user_with_write_access_can_request_runs(bench: DeliveryBench, role: str) -> None:
    bench.shop.people["hubot-the-person"] = role
    assert bench.comment(bench.issue(), "/code 3 service=api", "hubot-the-person").code == 204
    assert len(bench.runs()) == 1


@pytest.mark.parametrize(
    ("body", "by"),
    [
        ("/code 3 service=api", "dependabot[bot]"),
        ("/code 3 service=api", "5dlabs-rex[bot]"),
        ("> /code 3 service=api", "octocat"),
        ("```\n/code 3 service=api\n```", "octocat"),
        ("please /code 3 service=api", "octocat"),
        ("Thanks!", "octocat"),
    ],
)
def test_a_comment_without_a_command_makes_no_call(bench: DeliveryBench, body: str, by: str) -> None:
    assert bench.comment(bench.issue(), body, by).code == 204
    assert bench.world.calls.calls == []
    assert bench.github.calls == []


def test_the_command_of_an_edited_comment_is_not_repeated(bench: DeliveryBench) -> None:
    payload = bench.commented(bench.issue(), "/code 3 service=api")
    for action in ("created", "edited"):
        changes = {"body": {"from": "/code three"}}
        assert bench.deliver("issue_comment", payload | {"action": action, "changes": changes}).code == 204
        assert len(bench.runs()) == 1


def test_a_permission_is_cached_for_a_minute(bench: DeliveryBench) -> None:
    number = bench.issue()
    for _ in range(3):
        bench.comment(number, "/status")
    assert len(bench.github.asked("collaborators")) == 1
    bench.shop.people["octocat"] = "read"
    bench.clock.later(seconds=61)
    bench.comment(number, "/code 3 service=api")
    assert len(bench.github.asked("collaborators")) == 2
    assert bench.runs() == []


# Invalid commands and configuration ---------------------------------------------------------------------------------


def test_an_invalid_command_is_answered_with_its_usage(bench: DeliveryBench) -> None:
    number = bench.issue()
    bench.comment(number, "/code 3 sevice=api")
    (answer,) = bench.answers(number)
    assert "there is no option `sevice`" in answer
    assert "Usage: `/code [task] [service=...]" in answer
    assert bench.runs() == []


def test_an_invalid_configuration_is_reported_and_a_cancel_still_works(bench: DeliveryBench) -> None:
    _, number = bench.asked_for()
    bench.configure("service: api\nmaxRetries: many\nlabels:\n  x: /nope")
    bench.comment(number, "/code 4")
    (answer,) = bench.answers(number)
    assert "line 2, maxRetries: " in answer
    assert "line 4, labels.x: must be one command" in answer
    assert len(bench.runs()) == 1
    bench.comment(number, "/cancel")
    assert bench.run().cancel


@pytest.mark.parametrize("content", [b"\xff\xfe", b"service: ["])
def test_an_unreadable_configuration_gets_a_reply(bench: DeliveryBench, content: bytes) -> None:
    bench.shop.files["main", ".github/orchestrator.yaml"] = content
    number = bench.issue()
    bench.comment(number, "/docs")
    (answer,) = bench.answers(number)
    assert ".github/orchestrator.yaml" in answer
    assert bench.runs() == []


def test_only_the_default_branchs_configuration_is_used(bench: DeliveryBench) -> None:
    bench.shop.files["feature", ".github/orchestrator.yaml"] = b"commands: []"
    number = bench.shop.open_pull("feature")["number"]
    bench.comment(number, "/code 3 service=api")
    assert len(bench.runs()) == 1


def test_a_disabled_command_gets_a_reply(bench: DeliveryBench) -> None:
    bench.configure("commands: [status]")
    number = bench.issue()
    bench.comment(number, "/docs")
    assert bench.answers(number) == [
        "`/docs` is disabled in this repository: add it to `commands` in `.github/orchestrator.yaml` to allow it."
    ]
    assert bench.runs() == []


def test_the_configuration_cannot_name_secrets(bench: DeliveryBench) -> None:
    bench.configure("envFromSecrets: [claude-api-key]")
    number = bench.issue()
    bench.comment(number, "/docs")
    assert "line 1, envFromSecrets: is not a known field" in bench.answers(number)[0]


def test_a_delivery_is_acknowledged_if_no_reply_can_be_posted(
    bench: DeliveryBench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "orchestrator")
    number = bench.issue()
    bench.shop.issues[number]["locked"] = True
    assert bench.comment(number, "/code three").code == 204
    assert "cannot post a reply" in caplog.text
