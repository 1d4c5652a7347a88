"""Events that `github_event` ignores or refuses with a reply.

| event                                              | expected                                          |
|----------------------------------------------------|---------------------------------------------------|
| by a stranger or a bot, quoted, without a command  | nothing; without a command GitHub is not called   |
| a person loses write access                        | ignored after a minute at most                    |
| an invalid or disabled command                     | a reply with the usage or the setting             |
| an invalid configuration                           | a reply with line and key; other commands work    |
| no reply can be posted                             | the delivery is acknowledged                      |
"""

import logging

import pytest

from tests.github.delivery_bench import Stage

# Ignored events -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["mallory", "reader", "triager"])
def test_a_user_without_write_access_is_ignored(stage: Stage, by: str) -> None:
    stage.shop.people |= {"reader": "read", "triager": "triage"}
    run, number = stage.asked_for()
    before = stage.shop.comments_on(number)
    written = len(stage.world.calls.calls)
    for body in ("/code 3 service=api", "/code", "/retry", "/cancel", "/status"):
        assert stage.comment(number, body, by).code == 204
    assert len(stage.world.calls.calls) == written
    assert stage.github.asked(f"collaborators/{by}/") == [f"GET /repos/acme/shop/collaborators/{by}/permission"]
    assert len(stage.shop.comments_on(number)) == len(before) + 5
    assert stage.run().uid == run.uid


@pytest.mark.parametrize("role", ["write", "maintain", "admin"])
def test_a_user_with_write_access_can_request_runs(stage: Stage, role: str) -> None:
    stage.shop.people["hubot-the-person"] = role
    assert stage.comment(stage.shop.open_issue()["number"], "/code 3 service=api", "hubot-the-person").code == 204
    assert len(stage.runs()) == 1


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
def test_a_comment_without_a_command_makes_no_call(stage: Stage, body: str, by: str) -> None:
    assert stage.comment(stage.shop.open_issue()["number"], body, by).code == 204
    assert stage.world.calls.calls == []
    assert stage.github.calls == []


def test_the_command_of_an_edited_comment_is_not_repeated(stage: Stage) -> None:
    payload = stage.commented(stage.shop.open_issue()["number"], "/code 3 service=api")
    for action in ("created", "edited"):
        assert stage.deliver("issue_comment", payload | {"action": action}).code == 204
        assert len(stage.runs()) == 1


def test_a_permission_is_cached_for_a_minute(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    for _ in range(3):
        stage.comment(number, "/status")
    assert len(stage.github.asked("collaborators")) == 1
    stage.shop.people["octocat"] = "read"
    stage.clock.later(seconds=61)
    stage.comment(number, "/code 3 service=api")
    assert len(stage.github.asked("collaborators")) == 2
    assert stage.runs() == []


# Invalid commands and configuration ---------------------------------------------------------------------------------


def test_an_invalid_command_is_answered_with_its_usage(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    stage.comment(number, "/code 3 sevice=api")
    (answer,) = stage.answers(number)
    assert "there is no option `sevice`" in answer
    assert "Usage: `/code [task] [service=...]" in answer
    assert stage.runs() == []


def test_an_invalid_configuration_is_reported_and_a_cancel_still_works(stage: Stage) -> None:
    _, number = stage.asked_for()
    stage.configure("service: api\nmaxRetries: many\nlabels:\n  x: /nope")
    stage.comment(number, "/code 4")
    (answer,) = stage.answers(number)
    assert "line 2, maxRetries: " in answer
    assert "line 4, labels.x: must be one command" in answer
    assert len(stage.runs()) == 1
    stage.comment(number, "/cancel")
    assert stage.run().cancel


@pytest.mark.parametrize("content", [b"\xff\xfe", b"service: ["])
def test_an_unreadable_configuration_gets_a_reply(stage: Stage, content: bytes) -> None:
    stage.shop.files["main", ".github/orchestrator.yaml"] = content
    number = stage.shop.open_issue()["number"]
    stage.comment(number, "/docs")
    (answer,) = stage.answers(number)
    assert ".github/orchestrator.yaml" in answer
    assert stage.runs() == []


def test_only_the_default_branchs_configuration_is_used(stage: Stage) -> None:
    stage.shop.files["feature", ".github/orchestrator.yaml"] = b"commands: []"
    number = stage.shop.open_pull("feature")["number"]
    stage.comment(number, "/code 3 service=api")
    assert len(stage.runs()) == 1


def test_a_disabled_command_gets_a_reply(stage: Stage) -> None:
    stage.configure("commands: [status]")
    number = stage.shop.open_issue()["number"]
    stage.comment(number, "/docs")
    assert stage.answers(number) == [
        "`/docs` is disabled in this repository: add it to `commands` in `.github/orchestrator.yaml` to allow it."
    ]
    assert stage.runs() == []


def test_the_configuration_cannot_name_secrets(stage: Stage) -> None:
    stage.configure("envFromSecrets: [claude-api-key]")
    number = stage.shop.open_issue()["number"]
    stage.comment(number, "/docs")
    assert "line 1, envFromSecrets: is not a known field" in stage.answers(number)[0]


def test_a_delivery_is_acknowledged_if_no_reply_can_be_posted(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "orchestrator")
    number = stage.shop.open_issue()["number"]
    stage.shop.issues[number]["locked"] = True
    assert stage.comment(number, "/code three").code == 204
    assert "cannot post a reply" in caplog.text
