"""Tasks without Task Master: `task code --issue N` and `--prompt TEXT|-`, and the same over MCP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.clients.mcp.task_tools import Code, task_code
from tests.clients.conftest import Ended
from tests.clients.in_process_cli import command
from tests.support.github import Github, Repository, serving


@pytest.fixture(scope="module")
def github() -> Iterator[Github]:
    with serving(Github()) as found:
        yield found


@pytest.fixture
def shop(github: Github) -> Repository:
    return github.repository()


def asked(github: Github, home: Path, *arguments: str, typed: str = "", token: bool = True) -> Ended:
    made = github.app.make(77, github.repositories, None, github.clock()).text
    environ = {"HOME": str(home), "ORCHESTRATOR_GITHUB__API_URL": github.url, "PATH": str(home)}
    url = f"https://{github.url.partition('//')[2]}/acme/shop.git"
    given = ["--repository-url", url, "--github-user", "octocat", "--dry-run", "-o", "json"]
    return command("task", "code", *arguments, *given, typed=typed, **environ, **({"GH_TOKEN": made} if token else {}))


def spec(ended: Ended) -> Any:
    assert ended.code == 0, ended.err
    return ended.json["spec"]


@pytest.mark.parametrize(("prompt", "typed"), [("# Mend it\n\nNow, please.", ""), ("-", "# Mend it\n\nNow, please.\n")])
def test_a_prompt_becomes_a_task(github: Github, shop: Repository, tmp_path: Path, prompt: str, typed: str) -> None:
    found = spec(asked(github, tmp_path, "--prompt", prompt, typed=typed))
    assert found["task"] == {"title": "Mend it", "text": "# Mend it\n\nNow, please."}
    assert found["service"] == "shop"
    assert not {"taskId", "platformRepositoryUrl"} & found.keys()


def test_a_long_first_line_is_cut_for_the_title(github: Github, shop: Repository, tmp_path: Path) -> None:
    found = spec(asked(github, tmp_path, "--prompt", "word " * 60))
    assert len(found["task"]["title"]) == 72
    assert found["task"]["text"] == ("word " * 60).strip()


def test_an_issue_becomes_a_task_with_trusted_comments(github: Github, shop: Repository, tmp_path: Path) -> None:
    number = shop.open_issue("Basket", "It loses items.", by="mallory")["number"]
    shop.comment(number, "Seen it too.")
    shop.comment(number, "Buy my goods.", by="mallory")
    found = spec(asked(github, tmp_path, "--issue", str(number)))
    assert (found["task"]["title"], found["task"]["url"]) == ("Basket", f"{shop.html_url}/issues/{number}")
    assert "\n> It loses items." in found["task"]["text"]
    assert "octocat commented:\n\nSeen it too." in found["task"]["text"]
    assert "goods" not in found["task"]["text"]


def test_an_unreadable_issue_is_refused(github: Github, shop: Repository, tmp_path: Path) -> None:
    pull = shop.open_pull("feature")["number"]
    for number, reason in ((pull, "is a pull request"), (999, "cannot be read: GitHub answered 404")):
        refused = asked(github, tmp_path, "--issue", str(number))
        assert refused.code != 0
        assert "--issue: " in refused.err
        assert reason in refused.err
    without = asked(github, tmp_path, "--issue", "1", token=False)
    assert "set GH_TOKEN" in without.err


def test_a_prompt_over_mcp_becomes_a_task(
    github: Github, shop: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    url = "https://github.com/acme/shop.git"
    given = Code.model_validate({"prompt": "Mend it", "repositoryUrl": url, "githubUser": "octocat", "dryRun": True})
    result = task_code(given, lambda _: None)
    assert result.parameters["task"] == {"title": "Mend it", "text": "Mend it"}
    assert result.parameters["service"] == "shop"
