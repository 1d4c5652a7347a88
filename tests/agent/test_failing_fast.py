"""Invalid input or configuration ends the attempt before the agent starts, with a message that says what to correct."""

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from functions.runs.model.reasons import Reason
from functions.runs.model.report import Report
from tests.agent.conftest import SpecFactory
from tests.agent.world import Pod, World
from tests.support.python import search_path


def refused(pod: Pod, reason: Reason, *words: str) -> Report:
    """Run the pod; return its report after checking that it failed for `reason`, with `words`, without an agent."""
    result = pod.run()
    assert (result.outcome, result.reason) == ("failed", reason), pod.log
    assert not [word for word in words if word not in result.message], result.message
    assert "[rehearsal]" not in pod.log
    return result


@pytest.mark.parametrize(
    ("identity", "secrets", "words"),
    [
        ({"githubUser": "OctoCat"}, {}, ["github-ssh-octocat", "ssh-privatekey", "namespace agents"]),
        ({"githubUser": "octocat"}, {"ssh/id_ed25519": ""}, ["github-ssh-octocat", "ssh-privatekey"]),
        ({"githubApp": "5DLabs-Rex"}, {"github-app/private-key": "k"}, ["github-app-rex", "app-id"]),
        ({"githubApp": "5DLabs-Rex"}, {"github-app/app-id": "1"}, ["github-app-rex", "private-key"]),
    ],
)
def test_missing_secret_is_named_with_its_key_within_seconds(
    world: World, code_spec: SpecFactory, identity: Mapping[str, str], secrets: Mapping[str, str], words: list[str]
) -> None:
    pod = world.pod(world.task(code_spec(**{"githubUser": None, **identity})), secrets=secrets)
    started = time.monotonic()
    refused(pod, Reason.MISSING_SECRET, *words)
    assert time.monotonic() - started < 20, "the attempt does not wait for the broker's start timeout"


@pytest.mark.parametrize("key", ["", " \n"])
def test_missing_api_key_is_named(world: World, code_spec: SpecFactory, key: str) -> None:
    pod = world.pod(world.task(code_spec()), secrets={"ssh/id_ed25519": "k", "model/credential": key}, AGENT_COMMAND="")
    words = "secret claude-api-key with key api-key is missing or empty in namespace agents"
    command = "kubectl --namespace agents create secret generic claude-api-key --from-file=api-key=FILE"
    command += " --dry-run=client -o yaml | kubectl apply -f -"
    refused(pod, Reason.MISSING_SECRET, f"{words}; set it with: {command}")


@pytest.mark.parametrize("text", ['{"permissions": {"deny": ["Bash"]}', "[]", "null", "not json"])
def test_malformed_settings_end_the_attempt(world: World, code_spec: SpecFactory, text: str) -> None:
    pod = world.pod(world.task(code_spec()), files={"settings.json": text})
    refused(pod, Reason.CONFIGURATION_ERROR, "/etc/claude-code/managed-settings.json", "not a JSON object")


@pytest.mark.parametrize("name", ["CLAUDE.md", "prompt.md", "known_hosts", "settings.json"])
def test_missing_task_file_is_named(world: World, code_spec: SpecFactory, name: str) -> None:
    pod = world.pod(world.task(code_spec()), files={name: ""})
    refused(pod, Reason.CONFIGURATION_ERROR, f"/config/{name}")


def test_missing_program_of_the_image_is_named(world: World, code_spec: SpecFactory) -> None:
    tools = world.path / "bin"
    tools.mkdir()
    for name in ("bash", "mktemp", "git", "flock", "sleep"):
        (tools / name).symlink_to(Path("/usr/bin") / name)
    refused(world.pod(world.task(code_spec()), PATH=str(tools)), Reason.CONFIGURATION_ERROR, "no python3")


def test_missing_base_branch_is_named(world: World, code_spec: SpecFactory) -> None:
    pod = world.pod(world.task(code_spec(branch="release/9")))
    refused(pod, Reason.INVALID_INPUT, "release/9", "https://github.com/acme/shop")


@pytest.mark.parametrize("field", ["repositoryUrl", "platformRepositoryUrl"])
def test_missing_repository_is_named(world: World, code_spec: SpecFactory, field: str) -> None:
    url = "https://github.com/acme/nowhere"
    there = {f"url.{world.remotes.url}nowhere.insteadOf": url}
    refused(world.pod(world.task(code_spec(**{field: url})), git_config=there), Reason.REPOSITORY_DENIED, url)


def test_missing_platform_branch_is_named(world: World, code_spec: SpecFactory) -> None:
    pod = world.pod(world.task(code_spec(platformBranch="plans")))
    refused(pod, Reason.INVALID_INPUT, "plans", "https://github.com/acme/platform")


def test_unreachable_git_host_is_a_network_error(world: World, code_spec: SpecFactory) -> None:
    pod = world.pod(world.task(code_spec(repositoryUrl="https://127.0.0.1:1/x")), GIT_HTTP_LOW_SPEED_TIME="1")
    refused(pod, Reason.NETWORK, "https://127.0.0.1:1/x")


def test_missing_write_access_is_reported_before_the_agent_starts(world: World, code_spec: SpecFactory) -> None:
    read_only = world.origin_runs("receivepack", "echo 'ERROR: this key is read only' >&2\nexit 1")
    pod = world.pod(world.task(code_spec()), **read_only)
    refused(pod, Reason.PUSH_REFUSED, "this key is read only")
    assert world.remotes.branches("shop") == ["main"]


def test_undefined_task_names_every_searched_path(world: World, code_spec: SpecFactory) -> None:
    pod = world.pod(world.task(code_spec(taskId=99)))
    places = [".taskmaster/docs/task-99/", ".taskmaster/tasks/task_099.txt", ".taskmaster/tasks/tasks.json"]
    refused(pod, Reason.INVALID_INPUT, "task 99", *places)


def test_platform_directory_without_tasks_is_named(world: World, code_spec: SpecFactory) -> None:
    pod = world.pod(world.task(code_spec(platformDirectory="team/a")))
    refused(pod, Reason.INVALID_INPUT, "team/a/.taskmaster")


def test_missing_working_directory_is_named(world: World, code_spec: SpecFactory) -> None:
    refused(world.pod(world.task(code_spec(workingDirectory="svc/api"))), Reason.INVALID_INPUT, "svc/api")


def test_docs_run_without_tasks_names_the_searched_path(world: World, docs_spec: SpecFactory) -> None:
    pod = world.pod(world.task(docs_spec(repositoryUrl="https://github.com/acme/shop", workingDirectory="src")))
    refused(pod, Reason.INVALID_INPUT, "src/.taskmaster/tasks/tasks.json", "main")


def test_working_directory_outside_the_repository_is_refused(world: World, code_spec: SpecFactory) -> None:
    world.remotes.create("trap", {"a": "x"})
    world.remotes.link("trap", "svc", "/")
    pod = world.pod(world.task(code_spec(repositoryUrl="https://github.com/acme/trap", workingDirectory="svc")))
    refused(pod, Reason.INVALID_INPUT, "leads out of the repository")


def test_unexpected_failure_names_the_line_of_the_script(world: World, code_spec: SpecFactory) -> None:
    broken = world.path / "broken/cp"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    pod = world.pod(world.task(code_spec()))
    pod.environ = {**pod.environ, "PATH": f"{broken.parent}:{pod.environ['PATH']}"}
    result = refused(pod, Reason.CONFIGURATION_ERROR, "container.sh stopped at line")
    assert json.loads(result.model_dump_json())["commit"] is None


def test_file_in_place_of_the_documents_directory_is_named(world: World, code_spec: SpecFactory) -> None:
    world.remotes.commit("shop", {".taskmaster/docs": "x"})
    result = refused(world.pod(world.task(code_spec())), Reason.INVALID_INPUT, ".taskmaster/docs is not a directory")
    assert "no room" not in result.message


def test_link_in_place_of_the_documents_directory_is_named(world: World, code_spec: SpecFactory) -> None:
    world.remotes.link("shop", ".taskmaster", "src")
    refused(world.pod(world.task(code_spec())), Reason.INVALID_INPUT, ".taskmaster is not a directory")


def test_full_workspace_is_no_invalid_input_when_documents_are_copied(world: World, code_spec: SpecFactory) -> None:
    shim = world.path / "bin/mkdir"
    shim.parent.mkdir()
    shim.write_text(
        '#!/bin/bash\n[[ $* != *.taskmaster/docs/task-* ]] || { echo "mkdir: No space left on device" >&2; exit 1; }\n'
        f'exec {shutil.which("mkdir")} "$@"\n'
    )
    shim.chmod(0o755)
    pod = world.pod(world.task(code_spec()), PATH=f"{shim.parent}:{search_path()}")
    refused(pod, Reason.CONFIGURATION_ERROR, "workspace (No space left on device)", "job.workspace_size")
