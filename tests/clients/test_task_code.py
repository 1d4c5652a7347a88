"""`orchestrator task code` as a process, with the running function.

task                     of Task Master, an issue, a prompt, also from standard input
sources of values        options only, outside of git; the repository of the directory; a subdirectory; a separate
                         repository of tasks; the settings' models; the number of git calls
options                  one for each field of the spec, sent verbatim
second request           refused with the name of the unfinished run; a known key finds its run, a new key creates
                         another run
refusals                 missing and wrong options; rejections by the server
output                   table, JSON, YAML; progress on standard error only
"""

import os
import shutil
from pathlib import Path

import pytest
import yaml

from functions.clients.tasks import options
from functions.clients.tasks.spec_validation import kebab
from functions.runs.model.code_run_spec import CodeRunSpec
from tests.clients.conftest import URL, CommandLine, Ended, Functions, Repository, environment, name_remote
from tests.clients.in_process_cli import command

ELSEWHERE = "ssh://git@git.example.invalid/acme/api.git"
GIVEN = ("--repository-url", URL, "--github-user", "hubot")
NOBODY = "http://127.0.0.1:1"
"""An address for usage errors, which are reported before any request."""
NOT_OPTIONS = {"cancel", "task"}
"""Fields without an option: a new run is not cancelled; --issue and --prompt give the task."""


@pytest.fixture
def code(cli: CommandLine, functions: Functions) -> CommandLine:
    """Return a function that runs `task code`, by default in the home directory and with JSON output."""

    def run(*arguments: str, cwd: Path | None = None, output: str = "json", **environ: str) -> Ended:
        where = {"ORCHESTRATOR_API_URL": functions.api_url, **environ}
        return cli("task", "code", *arguments, "-o", output, cwd=cwd, environ=where)

    return run


def test_no_local_files_are_needed_with_urls(code: CommandLine, functions: Functions) -> None:
    done = code("3", "-s", "no-files", *GIVEN)
    found = functions.spec(done)
    assert (found["taskId"], found["service"], found["githubUser"]) == (3, "no-files", "hubot")
    assert (found["repositoryUrl"], found["platformRepositoryUrl"], found["branch"]) == (URL, URL, "main")
    assert found["model"] == "sonnet"
    assert done.json["found"] == {"platformRepositoryUrl": "the same repository", "model": "setting models.code"}
    assert (done.json["namespace"], done.json["kind"], done.json["repeated"]) == ("orchestrator", "CodeRun", False)


def test_missing_values_are_taken_from_git_and_printed(
    code: CommandLine, functions: Functions, repository: Repository
) -> None:
    repository.git("push", "--quiet", "origin", "main:trunk")
    repository.git("symbolic-ref", "HEAD", "refs/heads/trunk", at=repository.bare)
    repository.git("fetch", "--quiet")
    repository.git("remote", "set-head", "origin", "--auto")
    service = repository.path / "services" / "shop"
    service.mkdir(parents=True)
    done = code("1", "-s", "from-git", cwd=service)
    found = functions.spec(done)
    assert (found["repositoryUrl"], found["platformRepositoryUrl"]) == (URL, URL)
    assert (found["branch"], found["workingDirectory"], found["githubUser"]) == ("trunk", "services/shop", "octocat")
    assert found["platformDirectory"] == ".", "the tasks are at the root"
    for line in (
        f"repository          {URL} (git's remote origin)",
        "branch              trunk (default branch of origin)",
        "working-directory   services/shop (this directory)",
        "github-user         octocat (git's user.name)",
    ):
        assert line in done.err


def test_a_prompt_in_a_clone_with_task_master_files_needs_no_platform_repository(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository.path)
    found = command("task", "code", "--prompt", "Mend it", "--dry-run", "-o", "json", **environment(repository.home))
    assert found.code == 0, found.err
    assert found.json["spec"]["task"]["title"] == "Mend it"
    assert not [name for name in found.json["spec"] if name.startswith("platform")]


@pytest.mark.parametrize(
    ("given", "platform"),
    [([], None), (["-w", "services"], "."), (["-w", "services", "--platform-directory", "plans"], "plans")],
)
def test_the_platform_directory_defaults_to_the_root_of_the_tasks(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, given: list[str], platform: str | None
) -> None:
    monkeypatch.chdir(repository.path)
    done = command("task", "code", "1", "-s", "api", *given, "--dry-run", "-o", "json", **environment(repository.home))
    assert done.json["spec"].get("platformDirectory") == platform


def test_tasks_and_work_may_be_in_different_repositories(
    code: CommandLine, functions: Functions, repository: Repository
) -> None:
    repository.write("plans/.taskmaster/tasks/tasks.json", "{}")
    tasks = ("--platform-repository-url", URL, "--platform-directory", "plans")
    done = code("1", "-s", "elsewhere", "--repository-url", ELSEWHERE, *tasks, cwd=repository.path / "plans")
    found = functions.spec(done)
    assert (found["repositoryUrl"], found["platformRepositoryUrl"]) == (ELSEWHERE, URL)
    assert (found["platformDirectory"], found["workingDirectory"]) == ("plans", ".")


def test_an_https_remote_is_accepted_with_a_github_user(
    code: CommandLine, functions: Functions, repository: Repository
) -> None:
    https = "https://github.com/acme/shop"
    name_remote(repository, https, repository.bare)
    repository.git("remote", "set-url", "origin", https)
    assert functions.spec(code("1", "-s", "https", cwd=repository.path))["repositoryUrl"] == https


def test_a_remote_with_an_insteadof_prefix_is_sent_expanded(
    code: CommandLine, functions: Functions, repository: Repository
) -> None:
    repository.git("config", "url.https://github.com/.insteadOf", "gh:")
    repository.git("remote", "set-url", "origin", "gh:acme/shop")
    found = functions.spec(code("1", "-s", "expanded", cwd=repository.path))
    assert found["repositoryUrl"] == "https://github.com/acme/shop"


def test_git_is_called_4_times_and_not_at_all_if_all_values_are_given(
    code: CommandLine, repository: Repository, tmp_path: Path
) -> None:
    asked, found = tmp_path / "asked", shutil.which("git")
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "git"
    program.write_text(f'#!/bin/sh\necho "$*" >> {asked}\nexec {found} "$@"\n')
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    assert code("1", "-s", "seldom", *GIVEN, cwd=tmp_path, PATH=path).code == 0
    assert not asked.exists()
    assert code("1", "-s", "often", cwd=repository.path, PATH=path).code == 0
    # the top of the work tree, the branch, the configuration, the remote's default branch
    assert len(asked.read_text().splitlines()) == 4


def test_the_last_of_several_git_configuration_values_counts(
    code: CommandLine, functions: Functions, repository: Repository
) -> None:
    repository.git("config", "--add", "remote.origin.url", "https://git.example.invalid/acme/other.git")
    repository.git("config", "Remote.Origin.url", "https://git.example.invalid/acme/shouted.git")
    repository.git("config", "GitHub.User", "hubot")
    found = functions.spec(code("1", "-s", "several", cwd=repository.path))
    assert (found["repositoryUrl"], found["githubUser"]) == ("https://git.example.invalid/acme/other.git", "hubot")


def test_the_model_comes_from_the_settings_section_models(
    code: CommandLine, functions: Functions, tmp_path: Path
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("models: {code: claude-from-file}\n")
    found = functions.spec(code("1", "-s", "model-file", *GIVEN, ORCHESTRATOR_CONFIG=str(file)))
    assert found["model"] == "claude-from-file"
    wrong = code("1", "-s", "model-file", *GIVEN, ORCHESTRATOR_MODELS__CODES="claude-x")
    assert wrong.code == 1
    assert "models.codes" in wrong.err


EVERYTHING = {
    "task_id": 9,
    "task_tag": "checkout",
    "service": "everything",
    "model": "gpt-5.1-codex",
    "github_app": "5DLabs-Rex",
    "repository_url": ELSEWHERE,
    "branch": "release/1",
    "working_directory": "a dir/'quoted'",
    "platform_repository_url": URL,
    "task_title": "Sign in",
    "platform_branch": "plans",
    "platform_directory": "plans",
    "tool_config": "advanced",
    "remote_tools": "a,b",
    "local_tools": "c",
    "prompt_modification": 'say "hi" $(id)\n`id`',
    "prompt_mode": "replace",
    "continue_session": True,
    "context_version": 2,
    "agent_cli": "codex",
    "env": [{"name": "A", "value": "1=2"}, {"name": "B", "value": ""}],
    "env_from_secrets": ["one", "two"],
    "resources": {"cpu": "500m", "ephemeral_storage": "1Gi"},
    "timeout_seconds": 60,
    "max_retries": 0,
    "ttl_seconds_after_finished": 86_400,
    "priority": -5,
    "max_turns": 7,
    "max_cost_usd": 1.5,
}


def test_every_option_is_sent_in_the_spec(cli: CommandLine) -> None:
    arguments = [str(EVERYTHING["task_id"])]
    for name, value in EVERYTHING.items():
        flag = kebab(name)
        if name == "env":
            arguments += ["--env", "A=1=2", "--env", "B="]
        elif name == "resources":
            arguments += ["--resources", "cpu=500m", "--resources", "ephemeral-storage=1Gi"]
        elif isinstance(value, list):
            arguments += [part for each in value for part in (flag, each)]
        elif value is True:
            arguments.append(flag)
        elif name != "task_id":
            arguments += [flag, str(value)]
    done = cli("task", "code", *arguments, "--dry-run", "-o", "json")
    assert done.code == 0, done.err
    assert done.json["spec"] == CodeRunSpec.model_validate(EVERYTHING).model_dump(
        mode="json", by_alias=True, exclude_unset=True
    )
    assert done.json["found"] == {}


def test_every_field_of_the_spec_has_a_tested_option() -> None:
    names = {str(option.name) for option in options.spec_options(CodeRunSpec)}
    assert names == CodeRunSpec.model_fields.keys() - NOT_OPTIONS
    assert EVERYTHING.keys() == names - {"github_user"}


def test_a_second_request_is_refused_with_the_name_of_the_unfinished_run(
    code: CommandLine, functions: Functions
) -> None:
    first, second = code("1", "-s", "twice", *GIVEN), code("1", "-s", "twice", *GIVEN)
    assert (first.code, second.code) == (0, 1)
    assert f"answered 409 (an unfinished run has this task: {first.json['name']})" in second.err
    assert "for a second run beside it give --idempotency-key" in second.err
    beside = code("1", "-s", "twice", *GIVEN, "--idempotency-key", "one more")
    assert (beside.json["repeated"], beside.json["name"] != first.json["name"]) == (False, True)


def test_an_idempotency_key_finds_its_run(code: CommandLine) -> None:
    first = code("1", "-s", "keys", *GIVEN)
    again = code("1", "-s", "keys", *GIVEN, "--idempotency-key", first.json["idempotencyKey"])
    assert (again.json["uid"], again.json["repeated"]) == (first.json["uid"], True)
    other = code("2", "-s", "keys", *GIVEN, "--idempotency-key", first.json["idempotencyKey"])
    assert other.code == 1
    assert "leave --idempotency-key out" in other.err


def test_results_go_to_standard_output_and_progress_does_not(code: CommandLine) -> None:
    table = code("1", "-s", "shown", *GIVEN, output="table")
    heading, row = table.out.splitlines()
    assert heading.split() == ["NAME", "KIND", "NAMESPACE", "PHASE"]
    assert row.split()[1:] == ["CodeRun", "orchestrator", "Pending"]
    assert f"orchestrator runs watch {row.split()[0]}" in table.err
    text = code("2", "-s", "shown", *GIVEN, output="yaml")
    assert yaml.safe_load(text.out)["spec"]["service"] == "shown"
    assert "\x1b" not in table.out + table.err


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        (["-s", "api", *GIVEN], ["exactly one task: TASK_ID, --issue or --prompt"]),
        (["1", "--prompt", "x", *GIVEN], ["exactly one task: TASK_ID, --issue or --prompt"]),
        (["--prompt", " ", *GIVEN], ["--prompt: is empty"]),
        (["--issue", "0", *GIVEN], ["--issue"]),
        (["--issue", "1", *GIVEN], ["--issue", "is not on github.com"]),
        (["one", "-s", "api"], ["TASK_ID"]),
        (["1", "-s", "api"], ["not a git repository", "or give --repository-url"]),
        (["1", "-s", "api", "--repository-url", URL], ["--github-user or --github-app"]),
        (["0", "-s", "No_Label", *GIVEN, "--branch", "a..b"], ["--task-id", "--service", "--branch"]),
        (["1", "-s", "api", *GIVEN, "--github-app", "x-rex"], ["exactly one of githubUser and githubApp"]),
        (["1", "-s", "api", *GIVEN, "--env", "A"], ["--env: must be NAME=VALUE"]),
        (["1", "-s", "api", *GIVEN, "--idempotency-key", "a\r\nX: b"], ["--idempotency-key: must have"]),
        (["1", "-s", "api", *GIVEN, "--api-url", ""], ["--api-url", "ORCHESTRATOR_API_URL"]),
        (["1", "-s", "api", *GIVEN, "--api-url", "ftp://x"], ["http or https"]),
    ],
    ids=lambda each: " ".join(each)[:40],
)
def test_wrong_usage_names_the_option(
    home: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], problems: list[str]
) -> None:
    monkeypatch.chdir(home)
    refused = command("task", "code", *arguments, **{"ORCHESTRATOR_API_URL": NOBODY, **environment(home)})
    assert (refused.code, refused.out) == (2, "")
    assert [each for each in problems if each not in refused.err] == []


def test_a_wrong_repository_url_is_named_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository of the tasks is taken from it, and is wrong for the same reason."""
    monkeypatch.chdir(home)
    wrong = ("1", "-s", "api", "--repository-url", "shop", "--github-user", "octocat")
    refused = command("task", "code", *wrong, **{"ORCHESTRATOR_API_URL": NOBODY, **environment(home)})
    assert (refused.code, "--repository-url: must be https" in refused.err) == (2, True)
    assert "--platform-repository-url:" not in refused.err


def test_a_rejection_by_the_server_is_reported_by_field(code: CommandLine, functions: Functions) -> None:
    refused = code("1", "-s", "refused", *GIVEN, "--env-from-secrets", "admin")
    assert (refused.code, refused.out) == (1, "")
    assert "answered 400 (a secret may not be used)" in refused.err
    assert "envFromSecrets: admin: not listed in the setting secrets.allowed" in refused.err
    assert not [each for each in functions.runs("CodeRun").values() if each["spec"]["service"] == "refused"]
