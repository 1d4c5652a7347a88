"""What `github_event` does about a delivery, and that it does it once. What it asks of runs: test_asked.py.

| what happens                                       | comes to                                          |
|----------------------------------------------------|---------------------------------------------------|
| /docs, /code by a person with write access         | a run that knows where it came from; a reaction   |
| the same, 10 times at once, days later, by 2 hooks | the same one run                                  |
| two commands in a comment                          | two runs                                          |
| by a stranger or a bot, quoted, without a command  | nothing; without a command nobody is asked        |
| a mistake, a bad configuration                     | an answer, once, also of ten deliveries at once   |
| a label or an assignment that is mapped            | what it is mapped to                              |
| GitHub is busy, or does not let us                 | 503, 403; the next delivery does the rest         |
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from functions.cluster.kinds import CODE_RUN
from functions.cluster.transport import Transport
from functions.handlers.driver import drive
from functions.runs import origin
from functions.runs.specs import CodeRunSpec, DocsRunSpec
from functions.settings.github import GithubSettings
from tests.github.conftest import Clock
from tests.github.stage import Stage
from tests.support.github import Github, payloads
from tests.support.github.content import user


@pytest.fixture
def stage(api: Transport, namespace: str, github: Github, clock: Clock) -> Stage:
    return Stage(api, namespace, github, clock)


# Submitting ---------------------------------------------------------------------------------------------------------


def test_a_comment_becomes_a_run_that_knows_where_it_came_from(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    payload = stage.commented(number, "/code 3 service=api")
    assert stage.deliver("issue_comment", payload).code == 204
    run = stage.run()
    assert isinstance(run.spec, CodeRunSpec)
    assert (run.spec.task_id, run.spec.service, run.spec.branch, run.spec.agent) == (3, "api", "main", "rex")
    assert run.spec.repository_url == stage.github.url.replace("http:", "https:") + "/acme/shop.git"
    comment = payload["comment"]
    asked = origin.Origin("acme/shop", number, "octocat", comment["html_url"], stage.shop.id)
    assert origin.of(run.raw) == asked
    assert stage.shop.reactions == [{"comment": comment["id"], "content": "eyes"}]
    assert stage.answers(number) == []


def test_documentation_is_asked_for_with_its_directory(stage: Stage) -> None:
    run, _ = stage.asked_for("/docs services/api branch=next")
    assert isinstance(run.spec, DocsRunSpec)
    assert (run.spec.working_directory, run.spec.source_branch) == ("services/api", "next")


def test_the_repository_configures_what_the_comment_leaves_out(stage: Stage) -> None:
    stage.configure("service: billing\nagents: [5DLabs-Tess]\nmodels: {code: claude-mine}\nmaxRetries: 3")
    run, _ = stage.asked_for("/code 3 agent=tess")
    assert isinstance(run.spec, CodeRunSpec)
    assert (run.spec.service, run.spec.agent) == ("billing", "tess")
    assert (run.spec.model, run.spec.max_retries) == ("claude-mine", 3)


def test_on_a_pull_request_work_starts_from_where_it_goes_to(stage: Stage) -> None:
    number = stage.shop.open_pull("feature", "release-1", by="octocat")["number"]
    assert stage.comment(number, "/code 3 service=api").code == 204
    assert isinstance(found := stage.run().spec, CodeRunSpec)
    assert found.branch == "release-1"


def test_on_a_pull_request_of_a_fork_nothing_of_the_fork_is_worked_on(stage: Stage) -> None:
    number = stage.shop.open_pull("feature", by="mallory", fork="mallory/shop")["number"]
    payload = stage.commented(number, "/code 3 service=api", by="mallory")
    assert stage.deliver("issue_comment", payload).code == 204
    assert stage.runs() == []
    assert stage.comment(number, "/code 3 service=api").code == 204
    assert stage.run().spec.repository_url.endswith("/acme/shop.git")  # type: ignore[union-attr]
    assert stage.run().spec.base_branch == "main"  # type: ignore[union-attr]


# Once ---------------------------------------------------------------------------------------------------------------


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
    drive(stage.services, run.kind, run.namespace, run.name)
    assert stage.runs() == []
    assert stage.take(stage.queue[-1]).code == 204
    assert stage.runs() == []


def test_a_delivery_after_the_configuration_changed_makes_no_other_run(stage: Stage) -> None:
    run, number = stage.asked_for("/code 3 service=api")
    stage.configure("maxRetries: 5")
    assert stage.take(stage.queue[-1]).code == 204
    assert [each.uid for each in stage.runs()] == [run.uid]
    assert stage.answers(number) == []


# Nobody's business --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["mallory", "reader", "triager"])
def test_who_may_not_write_triggers_nothing_and_is_answered_nothing(stage: Stage, by: str) -> None:
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
def test_who_may_write_is_served(stage: Stage, role: str) -> None:
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
def test_what_is_no_command_asks_nobody_anything(stage: Stage, body: str, by: str) -> None:
    assert stage.comment(stage.shop.open_issue()["number"], body, by).code == 204
    assert stage.world.calls.calls == []
    assert stage.github.calls == []


def test_an_edited_comment_is_not_run_again(stage: Stage) -> None:
    payload = stage.commented(stage.shop.open_issue()["number"], "/code 3 service=api")
    assert stage.deliver("issue_comment", payload | {"action": "edited"}).code == 204
    assert stage.runs() == []


def test_a_permission_is_believed_for_a_minute_and_no_longer(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    for _ in range(3):
        stage.comment(number, "/status")
    assert len(stage.github.asked("collaborators")) == 1
    stage.shop.people["octocat"] = "read"
    stage.clock.later(seconds=61)
    stage.comment(number, "/code 3 service=api")
    assert len(stage.github.asked("collaborators")) == 2
    assert stage.runs() == []


# Mistakes -----------------------------------------------------------------------------------------------------------


def test_a_mistake_is_answered_with_how_to_do_it_right(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    stage.comment(number, "/code 3 sevice=api")
    (told,) = stage.answers(number)
    assert "there is no option `sevice`" in told
    assert "Usage: `/code <task> [service=...]" in told
    assert stage.runs() == []


def test_an_answer_is_given_once(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    payload = stage.commented(number, "/code\n/docs a b")
    stage.deliver("issue_comment", payload)
    assert len(stage.answers(number)) == 2
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: stage.take(stage.queue[-1]), range(10)))
    stage.clock.later(days=2)
    stage.deliver("issue_comment", payload, "another hook")
    assert len(stage.answers(number)) == 2


def test_ten_deliveries_at_once_are_answered_once(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    stage.github.hook.deliver("issue_comment", stage.commented(number, "/code"))
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: stage.take(stage.queue[-1]), range(10)))
    assert len(stage.answers(number)) == 1


def test_a_marker_that_somebody_pasted_is_no_answer(stage: Stage) -> None:
    number = stage.shop.open_issue()["number"]
    payload = stage.commented(number, "/code")
    stage.deliver("issue_comment", payload)
    (ours,) = (each for each in stage.shop.comments_on(number) if each["user"]["type"] == "Bot")
    del stage.shop.comments[ours["id"]]
    stage.shop.comment(number, ours["body"], by="mallory")
    stage.take(stage.queue[-1])
    assert len(stage.answers(number)) == 1


def test_a_bad_configuration_is_answered_with_line_and_key_and_stops_nobody_from_cancelling(stage: Stage) -> None:
    _, number = stage.asked_for()
    stage.configure("service: api\nmaxRetries: many\nlabels:\n  x: /nope")
    stage.comment(number, "/code 4")
    (told,) = stage.answers(number)
    assert "line 2, maxRetries: " in told
    assert "line 4, labels.x: must be one command" in told
    assert len(stage.runs()) == 1
    stage.comment(number, "/cancel")
    assert stage.run().cancel


@pytest.mark.parametrize("content", [b"\xff\xfe", b"service: ["])
def test_a_file_that_is_none_is_answered_too(stage: Stage, content: bytes) -> None:
    stage.shop.files["main", ".github/orchestrator.yaml"] = content
    number = stage.shop.open_issue()["number"]
    stage.comment(number, "/docs")
    (told,) = stage.answers(number)
    assert ".github/orchestrator.yaml" in told
    assert stage.runs() == []


def test_the_configuration_of_another_branch_counts_for_nothing(stage: Stage) -> None:
    stage.shop.files["feature", ".github/orchestrator.yaml"] = b"commands: []"
    number = stage.shop.open_pull("feature")["number"]
    stage.comment(number, "/code 3 service=api")
    assert len(stage.runs()) == 1


def test_a_command_that_is_off_is_answered_so(stage: Stage) -> None:
    stage.configure("commands: [status]")
    number = stage.shop.open_issue()["number"]
    stage.comment(number, "/docs")
    assert stage.answers(number) == [
        "`/docs` may not be used in this repository: `commands` in `.github/orchestrator.yaml` does not list it."
    ]
    assert stage.runs() == []


def test_a_secret_that_the_platform_does_not_allow_cannot_be_named(stage: Stage) -> None:
    stage.configure("envFromSecrets: [claude-api-key]")
    number = stage.shop.open_issue()["number"]
    stage.comment(number, "/docs")
    assert "line 1, envFromSecrets: is not a known field" in stage.answers(number)[0]


def test_where_no_answer_can_be_given_the_delivery_is_done(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "orchestrator")
    number = stage.shop.open_issue()["number"]
    stage.shop.issues[number]["locked"] = True
    assert stage.comment(number, "/code").code == 204
    assert "no answer could be given" in caplog.text


# Labels and assignment ----------------------------------------------------------------------------------------------


def test_a_label_that_is_mapped_starts_what_it_stands_for(stage: Stage) -> None:
    stage.configure('labels: {"Agent: code": /code service=api}')
    number = stage.shop.open_issue("Task 12: log in")["number"]
    payload = payloads.issue(stage.shop, number, "labeled", label={"name": "agent: CODE"})
    for guid in ("by the App", "by the organization"):
        assert stage.deliver("issues", payload, guid).code == 204
    run = stage.run()
    assert isinstance(run.spec, CodeRunSpec)
    assert (run.spec.task_id, run.spec.service) == (12, "api")
    assert stage.comment(number, "/cancel").code == 204
    assert stage.run().cancel


def test_an_assignment_that_is_mapped_starts_what_it_stands_for(stage: Stage) -> None:
    stage.configure("assignees: {shop-agent: /docs services}")
    number = stage.shop.open_issue()["number"]
    stage.deliver("issues", payloads.issue(stage.shop, number, "assigned", assignee=user("Shop-Agent")))
    assert stage.run().kind == "DocsRun"


@pytest.mark.parametrize("configured", ["", "labels: {document: /docs}", "labels: [bad"])
def test_a_label_that_is_not_mapped_costs_one_question(stage: Stage, configured: str) -> None:
    stage.configure(configured)
    number = stage.shop.open_issue()["number"]
    stage.deliver("issues", payloads.issue(stage.shop, number, "labeled", label={"name": "bug"}))
    assert stage.github.asked("repos/acme/shop/(?!installation)") == [
        "GET /repos/acme/shop/contents/.github/orchestrator.yaml"
    ]
    assert stage.runs() == []
    assert stage.answers(number) == []


def test_a_label_by_somebody_without_write_access_starts_nothing(stage: Stage) -> None:
    stage.configure("labels: {document: /docs}")
    stage.shop.people["triager"] = "triage"
    number = stage.shop.open_issue()["number"]
    stage.deliver("issues", payloads.issue(stage.shop, number, "labeled", "triager", label={"name": "document"}))
    assert stage.runs() == []


def test_a_mapped_command_that_lacks_its_task_is_answered(stage: Stage) -> None:
    stage.configure("labels: {agent: /code service=api}")
    number = stage.shop.open_issue("Log in")["number"]
    stage.deliver("issues", payloads.issue(stage.shop, number, "labeled", label={"name": "agent"}))
    assert "the task is missing: name it in the title" in stage.answers(number)[0]


# Trouble ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["permission", "contents", "access_tokens"])
def test_where_github_is_busy_the_delivery_comes_again(stage: Stage, call: str) -> None:
    stage.github.fails(call, 503)
    number = stage.shop.open_issue()["number"]
    found = stage.comment(number, "/code 3 service=api")
    assert (found.code, stage.runs()) == (503, [])
    stage.clock.later(minutes=2)
    assert stage.take(stage.queue[-1]).code == 204
    assert len(stage.runs()) == 1


def test_a_rate_limit_says_when_to_come_again(stage: Stage) -> None:
    stage.github.fails("permission", 429, Retry_After="17")
    found = stage.comment(stage.shop.open_issue()["number"], "/code 3 service=api")
    assert (found.code, found.headers["Retry-After"]) == (503, "17")


def test_a_reaction_that_fails_is_no_failure(stage: Stage) -> None:
    stage.github.fails("reactions", 502)
    stage.asked_for()
    assert stage.shop.reactions == []


def test_an_answer_that_was_given_although_github_failed_is_not_given_again(stage: Stage) -> None:
    stage.github.fails("POST .*/comments", 502, applied=True)
    number = stage.shop.open_issue()["number"]
    assert stage.comment(number, "/code").code == 503
    assert stage.take(stage.queue[-1]).code == 204
    assert len(stage.answers(number)) == 1


def test_an_app_that_may_not_is_kept_for_people_to_mend(stage: Stage) -> None:
    del stage.github.app.permissions["metadata"]
    assert stage.comment(stage.shop.open_issue()["number"], "/code 3 service=api").code == 403
    stage.services = replace(stage.services, github=None)
    assert stage.take(stage.queue[-1]).code == 403


def test_tokens_are_made_anew_when_an_installation_changes(stage: Stage) -> None:
    _, number = stage.asked_for()
    before = len(stage.github.app.tokens)
    stage.comment(number, "/status")
    assert len(stage.github.app.tokens) == before
    assert stage.deliver("installation", payloads.installation(stage.shop, "new_permissions_accepted")).code == 204
    stage.comment(number, "/status")
    assert len(stage.github.app.tokens) == before + 1


def test_what_is_no_delivery_is_ignored_or_refused(stage: Stage) -> None:
    stage.comment(stage.shop.open_issue()["number"], "hello")
    (event,) = stage.queue
    assert stage.take(replace(event, type="somebody.elses.v1")).code == 204
    assert stage.take(replace(event, data=[1])).code == 204  # final: a queue has it acknowledged
    assert stage.world.calls.calls == []


def test_settings_name_who_works_and_whose_keys_may_be_named() -> None:
    found = GithubSettings(default_app="5DLabs-Rex", allowed_users=["octocat"])
    assert (found.default_app, found.allowed_users) == ("5DLabs-Rex", ["octocat"])
    with pytest.raises(ValueError, match="default_app"):
        GithubSettings(default_app="no app!")
