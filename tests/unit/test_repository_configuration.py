"""`.github/orchestrator.yaml`: its keys, and mistakes that are reported by line and key."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from functions.github.commands.configuration import MAX_LENGTH, BadConfiguration, Configuration, parse
from functions.github.commands.parse import Cancel, StartRun
from functions.github.commands.spec_builder import RequestTarget, SpecError, build_spec
from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.docs_run_spec import DocsRunSpec
from functions.runs.model.kinds import RunKind
from functions.runs.model.run_spec import RequestedResources
from functions.settings.model import Settings
from tests.support.builders import settings

EVERYTHING = """
commands: [code, retry]
labels:
  document: /docs
  "agent: do it": /code service=api
assignees: {Shop-Agent: /cancel}
service: api
githubApp: 5DLabs-Rex
agents: [5DLabs-Tess]
models: {docs: claude-docs, code: claude-code}
tools: minimal
workingDirectory: services
retryOn: [review]
maxRetries: 2
cancelOnClose: true
resources: {memory: 8Gi}
timeoutSeconds: 60
maxTurns: 30
maxCostUsd: 1.5
platformRepository: acme/platform
platformBranch: trunk
platformDirectory: shop
"""


def test_an_empty_file_gives_the_defaults() -> None:
    for text in ("", "# nothing yet\n", "---\n"):
        assert parse(text) == Configuration()
    assert Configuration().commands == ["docs", "code", "retry", "cancel", "status"]
    assert Configuration().retry_on == ["review", "check"]


def test_every_key_is_read() -> None:
    found = parse(EVERYTHING)
    assert set(Configuration.model_fields) - found.model_fields_set == {"github_user"}
    assert found.command_for("labels", "Document") == StartRun("docs")
    assert found.command_for("labels", "AGENT: do it") == StartRun("code", {"service": "api"})
    assert found.command_for("assignees", "shop-agent") == Cancel()
    assert found.command_for("labels", "shop-agent") is None


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("service: api\nmaxRetries: 99\n", ["line 2, maxRetries: must be less than or equal to 10"]),
        ("\n\nservise: api", ["line 3, servise: is not a known field"]),
        ("max_retries: 1", ["line 1, max_retries: is not a known field"]),
        ("envFromSecrets: [claude-api-key]", ["line 1, envFromSecrets: is not a known field"]),
        ("labels:\n  a: /docs\n  b.c: /nope", ["line 3, labels.b.c: must be one command, such as /docs"]),
        ("labels:\n  a: /code x", ["line 2, labels.a: is not a valid command: the task must be a number from 1"]),
        ("models:\n  docs: claude-a\n  tests: b", ["line 3, models.tests: is not a known field"]),
        ("commands:\n  - docs\n  - deploy", ["line 3, commands.1: must be 'docs'"]),
        ("githubApp: a\ngithubUser: b", ["githubApp and githubUser are both set"]),
        ("platformRepository: ../../etc", ["line 1, platformRepository: must be a repository as in owner/name"]),
        ("service: A\nmaxTurns: 0", ["line 1, service: ", "line 2, maxTurns: "]),
        ("service: a\nservice: b", ["line 2: the key service is duplicated"]),
        ("- docs", ["line 1: must be a mapping"]),
        ("a:\n  b: [1,\n", ["line 3: "]),
        ("a: b: c", ["line 1: mapping values are not allowed here"]),
        ("a: &x [1]\nb: *x", ["line 1: anchors and aliases are not supported"]),
        ("a: !!python/object/apply:os.system [ls]", ["line 1: the tag "]),
        ("a:\n  !!bool maybe", ["line 2: the tag tag:yaml.org,2002:bool is not supported"]),
        ("a: !!int", ["line 1: the tag "]),
        ("\n" + "[" * 500, ["line 2: it is nested too deeply"]),
        ("? [a]\n: b", ["line 1: "]),
        ("a: 2020-99-99", ["is not YAML"]),
        ("#" * (MAX_LENGTH + 1), [f"more than {MAX_LENGTH} characters"]),
    ],
)
def test_a_mistake_is_reported_by_line_and_key(text: str, problems: list[str]) -> None:
    with pytest.raises(BadConfiguration) as caught:
        parse(text)
    assert len(caught.value.problems) == len(problems)
    for problem, expected in zip(sorted(caught.value.problems), sorted(problems), strict=True):
        assert expected in problem


def test_an_error_text_does_not_repeat_the_value() -> None:
    with pytest.raises(BadConfiguration) as caught:
        parse("service: ghs_ThisWasPastedHere\nmodels: {docs: 'ghs ThisToo'}")
    assert "ThisWas" not in str(caught.value)
    assert "ThisToo" not in str(caught.value)


@effort(deadline=None, max_examples=60)
@given(st.text(st.sampled_from("abc: []{}-\n\t#&*!|>'\"%@`,?0123456789.\0\ud800"), max_size=80) | st.text())
def test_any_text_gives_a_configuration_or_bad_configuration(text: str) -> None:
    for each in (text, f"labels:\n  a: {text}", f"maxRetries: {text}"):
        found: Configuration | BadConfiguration
        try:
            found = parse(each)
        except BadConfiguration as bad:
            found = bad
        assert isinstance(found, Configuration) or found.problems


PLACE = RequestTarget("acme/shop", "main")


def planned(work: StartRun, text: str = "", place: RequestTarget = PLACE, **github: Any) -> Any:
    configured: Settings = settings(github={"default_app": "5DLabs-Rex", **github})
    return build_spec(work, place, parse(text), configured)


def test_a_code_spec_is_built_from_comment_file_and_settings() -> None:
    found = planned(StartRun("code", {"directory": "api", "model": "claude-x"}, 3), EVERYTHING)
    assert found == CodeRunSpec(
        task_id=3,
        service="api",
        repository_url="https://github.com/acme/shop.git",
        platform_repository_url="https://github.com/acme/platform.git",
        platform_branch="trunk",
        platform_directory="shop",
        branch="main",
        working_directory="api",
        model="claude-x",
        github_app="5DLabs-Rex",
        tool_config="minimal",
        max_retries=2,
        resources=RequestedResources(memory="8Gi"),
        timeout_seconds=60,
        max_turns=30,
        max_cost_usd=1.5,
    )


def test_a_docs_spec_is_built_with_the_defaults() -> None:
    assert planned(StartRun("docs", {"directory": "services/api", "branch": "next"})) == DocsRunSpec(
        repository_url="https://github.com/acme/shop.git",
        source_branch="next",
        working_directory="services/api",
        model=settings().models.of(RunKind.DOCS),
        github_app="5DLabs-Rex",
    )


def test_a_spec_for_an_allowed_github_user_uses_ssh() -> None:
    found = planned(StartRun("code", {"service": "a"}, 1), "githubUser: Octocat", allowed_users=["octocat"])
    assert found.repository_url == "git@github.com:acme/shop.git"
    assert found.platform_repository_url == found.repository_url
    with pytest.raises(SpecError, match="allowed_users does not list it"):
        planned(StartRun("docs"), "githubUser: octocat")


@pytest.mark.parametrize("asked", ["tess", "TESS", "5DLabs-Tess", "5dlabs-tess"])
def test_only_configured_agents_are_accepted(asked: str) -> None:
    assert planned(StartRun("docs", {"agent": asked}), EVERYTHING).github_app == "5DLabs-Tess"
    with pytest.raises(SpecError, match=r"no agent `.*`; use one of: `5DLabs-Rex`"):
        planned(StartRun("docs", {"agent": asked}))


SEVERAL = (
    ".1", ", 4 and 5", ", 4", ",4", " or 4", " to 5", " - 5", "-5", " \u2013 5", " / 4", " & 4", " + 4",
    " and 4: log in", ", task 4", " and task #4", ", and 4", " and 4.1",
)  # fmt: skip
"""Ends of titles that begin with a task and name another one, or only a part of it."""


@pytest.mark.parametrize(
    ("title", "task"),
    [
        ("Task 3: log in", 3),
        ("Task 3: 2 or 4 baskets", 3),
        ("[task-12] log in", 12),
        ("do TASK #7", 7),
        ("Task 3 - 2FA", 3),
        ("Task 3 \u2013 2FA", 3),
        ("Task 3, add tests", 3),
        ("Task 3 or fewer clicks", 3),
        ("Task 3 to the end", 3),
        ("Task 3/tests", 3),
        ("multitask 3", None),
        *((f"Task 3{more}", None) for more in SEVERAL),
    ],
)
def test_a_mapped_command_takes_the_task_from_the_title(title: str, task: int | None) -> None:
    place = RequestTarget("acme/shop", "main", title)
    if task:
        assert planned(StartRun("code", {"service": "a"}), "", place).task_id == task
    else:
        with pytest.raises(SpecError, match="the task is missing"):
            planned(StartRun("code", {"service": "a"}), "", place)


@pytest.mark.parametrize(
    ("work", "text", "says"),
    [
        (StartRun("code", {"service": "API"}, 3), "", "service: must be lower case"),
        (StartRun("code", {"service": "a", "tools": "all"}, 3), "", "tools: must be 'minimal'"),
        (StartRun("docs", {"directory": "../x"}), "", r"directory: must not climb out of the repository"),
        (StartRun("docs", {"branch": "a..b"}), "", "branch: must be a git branch name"),
        (StartRun("docs", {"model": "gpt"}), "", "model: must be a model of the agent CLI claude"),
        (
            StartRun("code", {}, 3),
            "service: a\nplatformRepository: other/secrets",
            "belong to the owner of this repository",
        ),
    ],
)
def test_a_spec_error_says_what_to_do(work: StartRun, text: str, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        planned(work, text)


def test_a_spec_without_identity_is_an_error() -> None:
    with pytest.raises(SpecError, match="set githubApp"):
        build_spec(StartRun("docs"), PLACE, Configuration(), settings())


def test_urls_of_a_spec_use_the_configured_github_host() -> None:
    found = planned(StartRun("docs"), "", api_url="https://github.acme.example/api/v3")
    assert found.repository_url == "https://github.acme.example/acme/shop.git"
    found = planned(StartRun("docs"), "githubUser: a", api_url="https://ghes.example:8443/api/v3", allowed_users=["a"])
    assert found.repository_url == "git@ghes.example:acme/shop.git"
