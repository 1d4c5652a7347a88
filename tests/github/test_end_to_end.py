"""From a comment on GitHub to a pull request and back: signed deliveries, the functions as processes, the embedded
queue, rehearsed agents in git repositories. Only GitHub is a fake, on loopback.

| action                                    | expected                                                           |
|-------------------------------------------|--------------------------------------------------------------------|
| `/code 3 service=api` on an issue         | a branch, a pull request, comment and check run that say Succeeded |
| `/retry ...` on that pull request         | a second attempt with these instructions, in the same session;     |
|                                           | same pull request, same comment                                    |
| a label on an issue without Task Master   | a branch, a pull request that closes it                            |
| ... whose check fails, with a log         | a retry with the log's end in its prompt                           |
| ... that is merged                        | the issue's comment says so, with retry, cost and time             |
| a comment while the webhook is down       | redelivered on request of the sweep                                |
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.cluster.kinds import CODE_RUN, CONFIG_MAP
from functions.github.reports import comment
from functions.local.dev.repositories import Mirror, example, git
from functions.local.dev.server import free_port
from functions.local.dev.stack import Options, Stack
from functions.runs.lifecycle import states
from functions.runs.model import naming
from functions.runs.model.run import Run, parse
from tests.support import waiting
from tests.support.fork_server import forked_functions
from tests.support.github import Github, Repository, payloads, serving

NAMESPACE = "orchestrator"
PATIENCE = 120
"""Seconds; on an idle machine each step takes a few."""


class Branches(dict[str, str]):
    """The branches of the repository that agents push to, with their last commits, read at each access."""

    def __init__(self, mirror: Mirror) -> None:
        super().__init__()
        self._mirror = mirror

    def look(self) -> "Branches":
        listed = git(self._mirror.path, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads")
        for line in listed.splitlines():
            name, _, self[name] = line.partition(" ")
        return self

    def __contains__(self, name: object) -> bool:
        return super(Branches, self.look()).__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        return super(Branches, self.look()).get(name, default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        return super(Branches, self.look()).setdefault(name, default)

    def values(self) -> Any:
        return super(Branches, self.look()).values()


class EndToEndBench:
    """The running stack, GitHub, and the repository that both have."""

    def __init__(self, stack: Stack, github: Github, mirror: Mirror) -> None:
        self.stack, self.github = stack, github
        self.shop: Repository = github.repository()
        self.shop.branches = Branches(mirror)
        self.shop.files["main", ".github/orchestrator.yaml"] = b"githubUser: octocat\n"

    def write_comment(self, number: int, text: str) -> int:
        """Write a comment; return the status of the delivery, 0 without an answer."""
        payload = payloads.issue_comment(self.shop, number, self.shop.comment(number, text))
        return self.github.hook.deliver("issue_comment", payload).status_code

    def runs(self) -> list[Run]:
        found = [parse(raw) for raw in self.stack.cluster.list(CODE_RUN, NAMESPACE)]
        return sorted(found, key=lambda run: run.created)

    def reported(self, known: int, attempt: int = 1) -> Run:
        """Wait for the newest of more than `known` runs to end that attempt and be reported on GitHub; return it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            runs = self.runs()
            if len(runs) > known and self._is_reported(runs[-1], attempt):
                return runs[-1]
            time.sleep(0.1)
        raise AssertionError([(run.status.phase, run.status.message, self.ours(run)) for run in self.runs()])

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until `is_so` returns true."""
        waiting.until(is_so, PATIENCE, lambda: [self.ours(run) for run in self.runs()], every=0.1)

    def _is_reported(self, run: Run, attempt: int) -> bool:
        over = states.state(run.status) in states.FINISHED and run.status.attempt == attempt
        return over and [each["body"] for each in self.ours(run)] == [comment.text(run)] and self._checked(run)

    def _checked(self, run: Run) -> bool:
        commits = {each.commit for each in run.status.attempts}
        done = {each["head_sha"] for each in self.shop.checks.values() if each["status"] == "completed"}
        return commits <= done

    def ours(self, run: Run) -> list[dict[str, Any]]:
        return [
            dict(each) for each in comment.select_own(self.shop.comments.values(), run.uid, str(self.github.app.id))
        ]

    def prompt(self, attempt: int, run: Run) -> str:
        """Return the prompt of that attempt."""
        name = naming.job_name(run.kind, run.name, run.uid, attempt)
        return str(self.stack.cluster.get(CONFIG_MAP, NAMESPACE, name)["data"]["prompt.md"])


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EndToEndBench]:
    folder = tmp_path_factory.mktemp("end-to-end")
    mirrors = folder / "mirrors"
    mirrors.mkdir()
    mirror = Mirror("git@127.0.0.1:acme/shop.git", example(mirrors).path)
    with serving(Github()) as github:
        stack = Stack(Options(folder / "state", sweep_seconds=1, environ=_environ(github, folder)), [mirror])
        try:
            with forked_functions():
                stack.start()
            github.hook.url = stack.functions["github_webhook"]
            yield EndToEndBench(stack, github, mirror)
        finally:
            stack.stop()


def _environ(github: Github, folder: Path) -> dict[str, str]:
    key = folder / "app.pem"
    key.write_text(github.app.private_key)
    return {
        "PATH": os.environ["PATH"],
        "REHEARSAL_SECONDS": "0.2",
        "ORCHESTRATOR_GITHUB__API_URL": github.url,
        "ORCHESTRATOR_GITHUB__APP_ID": str(github.app.id),
        "ORCHESTRATOR_GITHUB__PRIVATE_KEY_FILE": str(key),
        "ORCHESTRATOR_GITHUB__WEBHOOK_SECRETS": json.dumps([github.hook.secret]),
        "ORCHESTRATOR_GITHUB__ALLOWED_USERS": json.dumps(["octocat"]),
    }


def test_a_comment_becomes_a_pull_request_that_a_retry_continues(bench: EndToEndBench) -> None:
    issue = int(bench.shop.open_issue()["number"])
    assert bench.write_comment(issue, "Please do it.\n\n/code 3 service=api") == 200
    first = bench.reported(known=0)
    (pull,) = bench.shop.pulls.values()
    (sticky,) = bench.ours(first)
    (check,) = bench.shop.checks.values()
    assert (first.status.phase, first.status.branch) == ("Succeeded", pull["head"]["ref"])
    assert first.status.pull_request_url == pull["html_url"]
    assert sticky["issue_url"].endswith(f"/issues/{issue}")
    assert "**Succeeded**" in sticky["body"]
    assert pull["html_url"] in sticky["body"]
    assert (check["conclusion"], check["details_url"]) == ("success", sticky["html_url"])
    assert check["head_sha"] == pull["head"]["sha"]
    assert f"#{issue}" in pull["body"]

    assert bench.write_comment(pull["number"], "/retry use the other library") == 200
    second = bench.reported(known=0, attempt=2)
    assert (second.uid, second.status.phase, len(bench.runs())) == (first.uid, "Succeeded", 1)
    assert "use the other library" in bench.prompt(2, second)
    assert "use the other library" not in bench.prompt(1, second)
    assert second.status.session_id == first.status.session_id
    assert [each.resumes for each in second.status.attempts] == [False, True]
    assert (len(bench.shop.pulls), second.status.pull_request_url) == (1, pull["html_url"])
    assert [each["id"] for each in bench.ours(second)] == [sticky["id"]]
    assert "- Attempt: 2" in bench.ours(second)[0]["body"]


LOG = """\
2026-01-02T03:04:06.1234567Z E   assert basket.total == 3
2026-01-02T03:04:06.1234567Z ##[error]Process completed with exit code 1.
2026-01-02T03:04:07.1234567Z Cleaning up orphan processes
"""


def test_an_issue_becomes_a_merged_pull_request_that_closes_it(bench: EndToEndBench) -> None:
    shop, known = bench.shop, len(bench.runs())
    shop.files["main", ".github/orchestrator.yaml"] = b"githubUser: octocat\nlabels: {doit: /code}\n"
    issue = int(shop.open_issue("Mend the basket", "It loses items.")["number"])
    assert (
        bench.github.hook.deliver("issues", payloads.issue(shop, issue, "labeled", label={"name": "doit"})).status_code
        == 200
    )
    first = bench.reported(known)
    pull = next(each for each in shop.pulls.values() if each["head"]["ref"] == first.status.branch)
    assert pull["title"] == "Mend the basket"
    assert f"\nCloses #{issue}" in pull["body"]

    failed = payloads.check_run(shop, first.status.branch or "", app="github-actions", head_sha=pull["head"]["sha"])
    check = failed["check_run"]
    check["details_url"] = f"{shop.html_url}/actions/runs/77/job/{check['id']}"
    shop.checks[check["id"]], shop.job_logs[check["id"]] = check, LOG
    assert bench.github.hook.deliver("check_run", failed).status_code == 200
    second = bench.reported(known, attempt=2)
    assert (second.uid, second.status.phase) == (first.uid, "Succeeded")
    assert "E   assert basket.total == 3\n##[error]Process completed" in bench.prompt(2, second)
    assert "orphan" not in bench.prompt(2, second)

    check |= {"conclusion": "success"}
    pull |= {"state": "closed", "merged": True}
    assert (
        bench.github.hook.deliver("pull_request", payloads.pull_request(shop, pull["number"], "closed")).status_code
        == 200
    )
    bench.until(lambda: "merged" in bench.ours(second)[0]["body"])
    (sticky,) = bench.ours(second)
    assert sticky["issue_url"].endswith(f"/issues/{issue}")
    for words in ("**Issue", "- Attempt: 2", "- Retried because of feedback: once", f"<{pull['html_url']}>, merged"):
        assert words in sticky["body"]
    for words in ("- Used: $", "- Took: "):
        assert words in sticky["body"]


def test_a_delivery_lost_while_the_webhook_is_down_is_redelivered(bench: EndToEndBench) -> None:
    issue, known = int(bench.shop.open_issue()["number"]), len(bench.runs())
    there, bench.github.hook.url = bench.github.hook.url, f"http://127.0.0.1:{free_port()}"
    assert bench.write_comment(issue, "/code 2 service=lost") == 0
    bench.github.hook.url = there
    run = bench.reported(known)
    assert (run.status.phase, run.raw["spec"]["service"]) == ("Succeeded", "lost")
    assert [each.redelivery for each in bench.github.hook.log][-1]
