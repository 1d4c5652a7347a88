"""A whole stack on one machine: requests over HTTP, pushed branches, and the statuses of failed runs."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psutil
import pytest
import urllib3

from functions.cluster.errors import NotFound
from functions.cluster.kinds import JOB, POD, RUNS, SECRET
from functions.local.dev.repositories import git
from functions.runs.model.run import Run
from tests.agent.conftest import PARTS
from tests.agent.responses_server import Responses
from tests.conftest import SCALE
from tests.local.stack_bench import NAMESPACE, OPENAI_KEY, StackBench, reason
from tests.support.waiting import until

AT_ONCE = max(6, round(20 * SCALE))
"""Concurrent requests."""


@pytest.fixture(scope="module")
def without_secret(stack: StackBench) -> Run:
    """Return a run whose missing Secret was created later: its next attempt starts MIN_FIX_PAUSE, a minute, later."""
    name = stack.submit("submit_docs", stack.docs(githubUser="hubot"))
    run = stack.until("DocsRun", name, lambda run: reason(run) == "MissingSecret")
    metadata = {"name": "github-ssh-hubot", "namespace": NAMESPACE}
    key = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"ssh-privatekey": "k\n"}}
    stack.cluster.create(SECRET, key)
    return run


def test_missing_secret_is_named(without_secret: Run) -> None:
    assert "github-ssh-hubot" in (without_secret.status.message or "")
    assert "ssh-privatekey" in (without_secret.status.message or "")


def test_docs_run_pushes_its_branch(stack: StackBench, documented: Run) -> None:
    run = documented
    assert (run.status.phase, reason(run)) == ("Succeeded", "Completed")
    branch = run.status.branch or ""
    changed = git(stack.mirror.path, "diff", "--name-only", f"main...{branch}").split()
    assert {f".taskmaster/docs/task-{number}/task.md" for number in (1, 2, 3)} <= set(changed)
    assert all(path.startswith(".taskmaster/docs/") for path in changed)
    assert stack.starts(run.name) == 1


def test_codex_runs_beside_the_rehearsal_when_installed_with_a_key(
    stack: StackBench, codex_model: Responses, program: Callable[[str, str], str]
) -> None:
    program(str(PARTS / "codex"), "make parts, with npm installed")
    spec = stack.code(service="codex", agentCli="codex", model="gpt-5.1-codex")
    run = stack.finished("CodeRun", stack.submit("submit_code", spec), seconds=120)
    assert (reason(run), stack.starts(run.name)) == ("Completed", 0), run.status.message
    assert git(stack.mirror.path, "show", f"{run.status.branch}:hello.py") == "print(1)\n"
    assert {request["headers"]["Authorization"] for request in codex_model.requests} == {f"Bearer {OPENAI_KEY}"}


def test_repeated_request_with_one_key_is_one_run(stack: StackBench) -> None:
    key, body = str(uuid.uuid4()), stack.code(service="twice")
    first, second = stack.post("submit_code", body, key), stack.post("submit_code", body, key)
    assert (first[0], second[0]) == (201, 200)
    assert first[1]["data"]["uid"] == second[1]["data"]["uid"]
    run = stack.finished("CodeRun", first[1]["data"]["name"])
    assert (run.status.phase, len(stack.jobs(run)), stack.starts(run.name)) == ("Succeeded", 1, 1)


@pytest.mark.timeout(180)
def test_each_of_many_concurrent_requests_has_its_result(stack: StackBench) -> None:
    bodies = [stack.code(service=f"many-{number}", taskId=1 + number % 3) for number in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        names = list(pool.map(lambda body: stack.submit("submit_code", body), bodies))
    assert len(set(names)) == AT_ONCE
    runs = [stack.finished("CodeRun", name, seconds=150) for name in names]
    assert [reason(run) for run in runs] == ["Completed"] * AT_ONCE
    assert [len(stack.jobs(run)) for run in runs] == [1] * AT_ONCE
    assert [stack.starts(run.name) for run in runs] == [1] * AT_ONCE
    assert all(stack.mirror.commits(run.status.branch or "", "main") for run in runs)


def test_run_fails_when_its_script_exits_with_0_without_a_report(stack: StackBench) -> None:
    run = stack.finished("DocsRun", stack.submit("submit_docs", stack.docs(agentCli="silent")))
    assert (run.status.phase, reason(run)) == ("Failed", "NoReport")
    assert "no report" in (run.status.message or "")


def test_deadline_ends_the_attempt_and_its_child_processes(stack: StackBench) -> None:
    name = stack.submit("submit_docs", stack.docs(agentCli="endless"))
    run = stack.until("DocsRun", name, lambda run: run.status.phase == "Running")
    soon = {"spec": {"activeDeadlineSeconds": 2}}  # the Job's own deadline includes minutes for the pod's start
    stack.cluster.patch(JOB, NAMESPACE, run.status.job_name or "", soon)
    run = stack.finished("DocsRun", name)
    assert (run.status.phase, reason(run)) == ("Failed", "DeadlineExceeded")
    children = [int(pid) for pid in stack.children.read_text().split()]
    assert children
    states = [psutil.Process(pid).status() if psutil.pid_exists(pid) else "gone" for pid in children]
    assert set(states) <= {"gone", psutil.STATUS_ZOMBIE}, states


def test_cancelled_run_stops_its_agent(stack: StackBench) -> None:
    name = stack.submit("submit_docs", stack.docs(agentCli="endless"))
    stack.until("DocsRun", name, lambda run: run.status.phase == "Running")
    stack.cluster.patch(RUNS["DocsRun"], NAMESPACE, name, {"spec": {"cancel": True}})
    run = stack.finished("DocsRun", name)
    assert (run.status.phase, len(stack.jobs(run))) == ("Cancelled", 1)


def test_deleting_a_running_run_deletes_its_job_and_pod(stack: StackBench) -> None:
    name = stack.submit("submit_docs", stack.docs(agentCli="endless"))
    run = stack.until("DocsRun", name, lambda run: run.status.phase == "Running")
    stack.cluster.delete(RUNS["DocsRun"], NAMESPACE, name, run.uid)
    pods = partial(stack.cluster.list, POD, NAMESPACE, f"job-name={run.status.job_name}")
    until(lambda: not stack.jobs(run) and not list(pods()), otherwise="the Job or its pod still exists", every=0.1)
    with pytest.raises(NotFound):
        stack.run("DocsRun", name)


def test_console_shows_a_run_with_its_diff(stack: StackBench, documented: Run) -> None:
    name = documented.name
    for path, contains in (("/", name), (f"/runs/docs/{name}", "rehearsal"), (f"/runs/docs/{name}/diff", "task.md")):
        page = urllib3.request("GET", f"{stack.stack.console_url}{path}", retries=False, timeout=30)
        assert (page.status, contains in page.data.decode()) == (200, True), documented.status.message


def test_run_continues_once_its_missing_secret_is_created(stack: StackBench, without_secret: Run) -> None:
    assert stack.finished("DocsRun", without_secret.name, seconds=150).status.phase == "Succeeded"
