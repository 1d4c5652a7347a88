"""What a newcomer asks of `orchestrator runs` (cases N2 to N4, N10, N11, N13 of the field)."""

import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from functions import __version__
from functions.clients.runs import work
from functions.cluster.kinds import POD
from tests.clients.conftest import CommandLine, Functions, environment
from tests.clients.in_process_cli import command
from tests.clients.place import SINCE, Namespace, ended
from tests.support.builders import run

LATER = "2026-01-02T03:09:35Z"
ONE, TWO = "run-5f1d7c0a9be342d68c17a0e4", "run-5f1d7c0affffffffffffffff"


def finished(cost: float, until: str = LATER) -> dict[str, object]:
    usage = {"costUsd": cost, "inputTokens": 1, "outputTokens": 1, "turns": 1}
    attempt = {"attempt": 1, "jobName": "j1", "generation": 1, "startedAt": SINCE, "finishedAt": until}
    return {"attempt": 1, "attempts": [attempt], "usage": usage, "startedAt": SINCE, "finishedAt": until}


def test_runs_list_shows_both_kinds_in_one_table(namespace: Namespace) -> None:
    url = "https://git.example/shop/pull/12"
    namespace.put(
        "code-1", status=ended("Succeeded", "Completed", pullRequestUrl=url, **finished(1.5)), taskTitle="Sign in"
    )
    namespace.put("docs-1", "DocsRun", ended("Failed", "NoReport", **finished(0.25)))
    heading, *lines = namespace.runs("list").out.splitlines()
    assert heading.split() == ["TITLE", "PHASE", "REASON", "COST", "DURATION", "PR", "AGE", "NAME"]
    rows = {line.split()[-1]: line for line in lines}
    assert rows["code-1"].split()[:-2] == [
        "Task", "3:", "Sign", "in", "Succeeded", "Completed", "$1.50", "5m30s", "#12",
    ]  # fmt: skip
    assert rows["docs-1"].startswith("Document shop    Failed     NoReport   $0.25  5m30s")


def test_runs_list_takes_selector_order_and_limit(namespace: Namespace) -> None:
    waited = {**finished(1, "2026-01-02T03:04:10Z"), "finishedAt": "2026-01-02T05:00:00Z"}
    namespace.put("cheap", status=ended("Succeeded", "Completed", **waited))
    namespace.put("dear", status=ended("Succeeded", "Completed", **finished(9)), service="web", githubApp="Acme-Tess")

    def names(*arguments: str) -> list[str]:
        return namespace.runs("list", "-o", "name", *arguments).out.split()

    assert names("--sort-by", "cost") == names("--sort-by", "duration") == ["code/dear", "code/cheap"]
    assert names("--sort-by", "name") == ["code/cheap", "code/dear"]
    assert names("--sort-by", "cost", "--limit", "1") == ["code/dear"]
    assert names("-l", "agents.platform/agent=tess") == ["code/dear"]
    wide = namespace.runs("list", "-o", "wide", "-l", "agents.platform/agent=tess").out.splitlines()
    *usual, name = namespace.runs("list").out.splitlines()[0].split()
    more = ["KIND", "REPOSITORY", "SERVICE", "AGENT", "ATTEMPT", "MESSAGE"]
    assert wide[0].split() == [*usual, *more, name], "-o wide adds columns, as in kubectl"
    assert "tess" in wide[1].split()
    refused = namespace.runs("list", "--sort-by", "colour")
    assert (refused.code, "'cost'" in refused.err) == (2, True)
    assert namespace.runs("list", "-w", "-o", "json").code == 2


def test_run_is_found_by_the_first_characters_of_its_name(namespace: Namespace) -> None:
    namespace.put(ONE)
    shown = namespace.runs("list").out
    assert "run-5f1d7c0a\n" in shown
    assert namespace.runs("get", "run-5f1d7", "-o", "json").json["name"] == ONE
    assert namespace.runs("get", "5f1d7c", "-o", "json").json["name"] == ONE
    assert namespace.runs("get", "docs/run-5f1d7").code == 1
    assert "a shortened name has at least 4 characters" in namespace.runs("get", "run").err
    namespace.put(TWO, "DocsRun")
    assert {line.split()[-1] for line in namespace.runs("list").out.splitlines()} == {"NAME", ONE[:13], TWO[:13]}
    asked = namespace.runs("cancel", "run-5f1d7c0a")
    assert asked.code == 1
    assert f"  {ONE}  Task 3 of api" in asked.err
    assert f"  {TWO}  Document shop" in asked.err
    assert namespace.runs("get", "code/run-5f1d7c0a", "-o", "json").json["name"] == ONE
    assert namespace.runs("get", TWO, "-o", "json").json["kind"] == "DocsRun"


def test_runs_diff_and_open_show_the_agents_change(namespace: Namespace, tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", str(tmp_path / "shop"), *arguments], check=True, capture_output=True)

    (tmp_path / "shop").mkdir()
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.invalid")
    git("init", "--quiet", "--initial-branch=main")
    git(*identity, "commit", "--quiet", "--allow-empty", "--message=base")
    git("checkout", "--quiet", "-b", "agents/code-1")
    (tmp_path / "shop" / "stock.py").write_text("COUNT = 1\n")
    git("add", ".")
    git(*identity, "commit", "--quiet", "--message=work")
    namespace.put("code-1", status=ended("Succeeded", "Completed", branch="agents/code-1"))
    namespace.put("code-2")
    mirror = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{tmp_path / 'shop'}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://git.example/shop.git",
        "KUBECONFIG": str(namespace.functions.kubeconfig),
        "ORCHESTRATOR_NAMESPACE": namespace.name,
    }
    shown = subprocess.run(
        [sys.executable, "-m", "functions.clients", "runs", "diff", "code-1"],
        env={**environment(tmp_path), **mirror}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "+++ b/stock.py" in shown.stdout
    assert "+COUNT = 1" in shown.stdout
    assert "has pushed no branch yet" in namespace.runs("diff", "code-2").err
    opened = namespace.runs("open", "code-1", "--print")
    assert opened.out == "https://git.example/shop/compare/main...agents/code-1\n"


def test_runs_open_opens_only_web_addresses() -> None:
    assert work.page(run(status={"pullRequestUrl": "https://git.example/shop/pull/1"})).endswith("/pull/1")
    with pytest.raises(Exception, match="not a web address"):
        work.page(run(status={"pullRequestUrl": "file:///etc/passwd"}))


def test_run_is_deleted_after_confirmation_by_name_or_unique_prefix(namespace: Namespace) -> None:
    namespace.put(ONE)
    namespace.put("docs-1", "DocsRun")
    asked = namespace.runs("delete", "docs-1")
    assert (asked.code, "--yes" in asked.err) == (2, True)
    assert namespace.runs("delete", "docs-1", "5f1d7", "nope", "--yes").code == 1
    assert len(namespace.runs("list", "-o", "name").out.split()) == 2, "one wrong name deletes nothing"
    done = namespace.runs("delete", "docs-1", "5f1d7", "--yes")
    assert done.out.splitlines() == ["docs/docs-1 is deleted", f"code/{ONE} is deleted"]
    assert namespace.runs("list", "-o", "name").out == ""


def watched(functions: Functions, *arguments: str, until: str) -> tuple[str, int]:
    """Return the standard error of a watch in a pipe, interrupted after `until` appears, and its exit code."""
    process = subprocess.Popen(
        [sys.executable, "-m", "functions.clients", "runs", *arguments],
        env={**environment(functions.folder), "KUBECONFIG": str(functions.kubeconfig)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr
    said = ""
    while until not in said and (line := process.stderr.readline()):
        said += line
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=60)[1]
    return said + rest, process.returncode


def test_watch_in_a_pipe_says_that_no_run_is_running(functions: Functions) -> None:
    said, code = watched(functions, "watch", "-n", "empty", until="no unfinished runs")
    assert said == "no unfinished runs in namespace empty yet; Ctrl-C ends the view, not the runs\n"
    assert code == 130


def test_next_step_for_a_missing_task_is_a_corrected_request(namespace: Namespace) -> None:
    message = "task 999 is not in .taskmaster/tasks/tasks.json, which has 1, 2"
    namespace.put("code-1", status=ended("Failed", "InvalidInput", message=message))
    said = namespace.runs("get", "code-1", "-o", "json").json["next"]
    assert "or submit a corrected request; then try again with: orchestrator runs retry code-1, or submit it" in said
    asked = shlex.split(said.split("submit it again with: ")[1])
    assert asked[:3] == ["orchestrator", "task", "code"]
    assert command(*asked[1:], "--dry-run").code == 0, "the whole command is shown"
    assert "--message" not in said


@pytest.mark.parametrize("asked", [("-h",), ("runs", "-h"), ("runs", "list", "-h"), ("task", "code", "-h")])
def test_every_command_accepts_short_help_option(asked: tuple[str, ...]) -> None:
    result = command(*asked)
    assert (result.code, result.out.startswith("Usage: orchestrator")) == (0, True)


def test_version_option_prints_the_version() -> None:
    assert command("--version").out == f"orchestrator {__version__}\n"


def test_logs_refuse_an_invalid_since_time(namespace: Namespace) -> None:
    refused = namespace.runs("logs", "code-1", "--since", "yesterday")
    assert (refused.code, "such as 90s, 5m or 1h30m" in refused.err) == (2, True)


def test_logs_are_those_of_the_agent_container(namespace: Namespace) -> None:
    """CASES K3: the API server requires a container name if the pod has several containers."""
    attempt = {"attempt": 1, "generation": 1, "jobName": "code-1-1", "startedAt": SINCE}
    namespace.put("code-1", status={"phase": "Running", "attempt": 1, "attempts": [attempt]})
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "code-1-1-x",
            "namespace": namespace.name,
            "labels": {"job-name": "code-1-1"},
            "annotations": {"kubectl.kubernetes.io/default-container": "agent"},
        },
        "spec": {"containers": [{"name": name, "image": "x"} for name in ("proxy", "agent")]},
    }
    cluster = namespace.functions.cluster
    cluster.create(POD, pod)
    statuses: list[dict[str, Any]] = [{"name": name, "state": {"running": {}}} for name in ("agent", "proxy")]
    status = {"phase": "Running", "containerStatuses": statuses}
    cluster.patch(POD, namespace.name, "code-1-1-x", {"status": status}, "status")
    read = namespace.runs("logs", "code-1", "--raw")
    assert (read.code, read.out.splitlines()) == (0, ["one", "two", "three"]), read.err


def test_missing_git_is_reported_in_one_line(cli: CommandLine) -> None:
    lost = cli("task", "code", "1", "-s", "shop", "--dry-run", environ={"PATH": ""})
    assert (lost.code, lost.out) == (2, "")
    assert "git is not installed, or not on the PATH" in lost.err
