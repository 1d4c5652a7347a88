"""Which repositories are on the configured Git host, by any of their URLs, and what an attempt is told of it."""

import pytest

from functions.settings import SettingsError, load
from functions.settings.github import GithubSettings
from functions.templating.render import task_files
from functions.templating.task import on_github
from tests.support.builders import settings
from tests.unit.test_templating import task


@pytest.mark.parametrize(
    ("url", "host", "expected"),
    [
        ("https://github.com/acme/shop", "github.com", "acme/shop"),
        ("https://github.com/acme/shop.git", "github.com", "acme/shop"),
        ("https://github.com/acme/shop/", "github.com", "acme/shop"),
        ("git@github.com:acme/shop.git", "github.com", "acme/shop"),
        ("ssh://git@github.com/acme/shop.js", "github.com", "acme/shop.js"),
        ("ssh://git@ghe.example:2222/acme/shop", "ghe.example", "acme/shop"),
        ("https://ghe.example:8443/acme/shop", "ghe.example:8443", "acme/shop"),
        ("https://ghe.example/acme/shop", "ghe.example:8443", ""),
        ("https://github.com.evil.example/acme/shop", "github.com", ""),
        ("https://githubXcom/acme/shop", "github.com", ""),
        ("https://gitlab.com/acme/shop", "github.com", ""),
        ("https://github.com/acme/group/shop", "github.com", ""),
        ("https://github.com/shop", "github.com", ""),
    ],
)
def test_a_repository_is_known_by_any_of_its_urls(url: str, host: str, expected: str) -> None:
    assert on_github(url, host) == expected


@pytest.mark.parametrize(
    ("api", "host"),
    [
        ("https://api.github.com", "github.com"),
        ("https://api.acme.ghe.com", "acme.ghe.com"),
        ("https://ghe.example/api/v3", "ghe.example"),
    ],
)
def test_the_host_follows_from_the_api(api: str, host: str) -> None:
    assert GithubSettings(api_url=api).host == host


def test_an_api_without_https_is_refused() -> None:
    environ = {"ORCHESTRATOR_AGENT__IMAGE": "i", "ORCHESTRATOR_GITHUB__API_URL": "http://ghe.example/api/v3"}
    with pytest.raises(SettingsError, match=r"setting github\.api_url: "):
        load(environ)


def test_more_host_keys_are_pinned_beside_githubs() -> None:
    line = "ghe.example ssh-ed25519 AAAA"
    found = task_files(task(), settings(github={"known_hosts": [line]})).files["known_hosts"].splitlines()
    assert found[-1] == line
    assert [each.split()[0] for each in found[:-1]] == ["github.com"] * 3


def test_an_attempt_ends_itself_120_seconds_ahead_of_its_deadline() -> None:
    assert "readonly WORK_SECONDS=7080\n" in task_files(task(), settings()).files["container.sh"]
