"""The section `github`: the API, the repositories, the App and the webhook's secrets."""

import json
import re
from pathlib import Path

import pytest

from functions.runs.model.repository_names import for_git, on_github
from functions.settings.errors import SettingsError
from functions.settings.github import GithubSettings
from functions.settings.loading import load
from functions.templating.render import task_files
from tests.support.builders import settings
from tests.support.github.app import App
from tests.unit.rendering import task


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
        ("https://ghe.example:443/acme/shop", "ghe.example:8443", ""),
        ("https://ghe.example:8443/acme/shop", "ghe.example", ""),
        ("https://GitHub.com/Acme/Shop", "github.com", "Acme/Shop"),
        ("https://github.com:443/acme/shop", "github.com", "acme/shop"),
        ("git@GitHub.com:/acme/shop.git", "github.com", "acme/shop"),
        ("ssh://git@ssh.github.com:443/acme/shop.git", "github.com", "acme/shop"),
        ("ssh://git@ssh.ghe.example:443/acme/shop.git", "ghe.example", ""),
        ("https://github.com.evil.example/acme/shop", "github.com", ""),
        ("https://githubXcom/acme/shop", "github.com", ""),
        ("https://gitlab.com/acme/shop", "github.com", ""),
        ("https://github.com/acme/group/shop", "github.com", ""),
        ("https://github.com/shop", "github.com", ""),
    ],
)
def test_every_url_form_of_a_github_repository_is_recognised(url: str, host: str, expected: str) -> None:
    assert on_github(url, host) == expected


@pytest.mark.parametrize(
    ("url", "host", "as_app", "as_user"),
    [
        ("https://github.com/acme/shop.git", "github.com", "", ""),
        ("git@github.com:acme/shop.git", "github.com", "", ""),
        ("ssh://git@github.com/acme/shop", "github.com", "", ""),
        ("https://gitlab.com:443/acme/shop", "github.com", "", ""),
        ("https://GitHub.com/Acme/shop.git", "github.com", *["https://github.com/Acme/shop"] * 2),
        ("https://github.com:443/acme/shop", "github.com", *["https://github.com/acme/shop"] * 2),
        ("git@github.com:/acme/shop.git", "github.com", *["https://github.com/acme/shop"] * 2),
        ("ssh://git@ssh.github.com:443/acme/shop", "github.com", "https://github.com/acme/shop", ""),
        ("ssh://git@ghe.example:22/acme/shop", "ghe.example:8443", "https://ghe.example:8443/acme/shop", ""),
    ],
)
def test_git_gets_a_url_that_its_rules_recognise(url: str, host: str, as_app: str, as_user: str) -> None:
    """An empty text means the URL as it is written."""
    assert for_git(url, host, as_app=True) == (as_app or url)
    assert for_git(url, host, as_app=False) == (as_user or url)


@pytest.mark.parametrize(
    ("api", "host"),
    [
        ("https://api.github.com", "github.com"),
        ("https://api.acme.ghe.com", "acme.ghe.com"),
        ("https://ghe.example/api/v3", "ghe.example"),
        ("https://ghe.example:8443/api/v3", "ghe.example:8443"),
        ("https://GHE.example:443/api/v3", "ghe.example"),
        ("https://API.GitHub.com", "github.com"),
    ],
)
def test_the_git_host_follows_from_the_api_url(api: str, host: str) -> None:
    assert GithubSettings(api_url=api).host == host


ENVIRON = {"ORCHESTRATOR_AGENT__IMAGE": "i", "ORCHESTRATOR_BROKER__IMAGE": "i"}
PEM = App().private_key


def loaded(**given: str) -> GithubSettings:
    return load(ENVIRON | {f"ORCHESTRATOR_GITHUB__{name.upper()}": text for name, text in given.items()}).github


@pytest.mark.parametrize(
    "url",
    [
        "http://ghe.example/api/v3",
        "http://127.0.0.1.example",
        "http://localhost.example:80/",
        "http://127.0.0.1@ghe.example",
        "http://127.0.0.1:80@ghe.example",
        "ftp://ghe.example",
        "ghe.example",
        "",
    ],
)
def test_an_api_without_https_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"setting github\.api_url: "):
        loaded(api_url=url)


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://ghe.example", "https://ghe.example/api/v3"),
        ("https://ghe.example:8443/api/", "https://ghe.example:8443/api/v3"),
        ("https://github.com", "https://api.github.com"),
        ("https://GitHub.com/", "https://api.github.com"),
        ("https://www.github.com", "https://api.github.com"),
        ("https://api.github.com/v3", "https://api.github.com"),
        ("https://octo.ghe.com", "https://api.octo.ghe.com"),
        ("https://octo.ghe.com:443/api", "https://api.octo.ghe.com"),
        ("https://notghe.com", "https://notghe.com/api/v3"),
    ],
)
def test_an_address_that_is_not_of_the_api_is_refused_with_the_right_one(url: str, written: str) -> None:
    with pytest.raises(SettingsError, match=rf"setting github\.api_url: .*{re.escape(written)}(\s|$)"):
        loaded(api_url=url)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_webhook_secret_that_ends_in_a_line_break_is_refused(end: str) -> None:
    with pytest.raises(SettingsError, match=r"setting github\.webhook_secrets\.1: .*line break") as caught:
        loaded(webhook_secrets=json.dumps(["a", f"s3cret{end}"]))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("login", ["@renovate[bot]", "renovate[bot] ", ""])
def test_a_bot_that_cannot_be_a_login_is_refused(login: str) -> None:
    with pytest.raises(SettingsError, match=r"setting github\.bots\.0: .*renovate\[bot\]"):
        loaded(bots=json.dumps([login]))


def test_logins_of_apps_copilot_and_machine_users_are_accepted_as_bots() -> None:
    logins = ["renovate[bot]", "Renovate[bot]", "Copilot", "deploy-user_acme"]
    assert loaded(bots=json.dumps(logins)).bots == logins


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost:8080/api/v3", "http://[::1]:80"])
def test_plain_http_is_accepted_on_loopback(url: str) -> None:
    assert loaded(api_url=url).api_url == url


def test_github_is_not_configured_by_default() -> None:
    assert not loaded().configured
    assert not loaded(webhook_secrets='["s"]').configured, "the webhook needs no App"


def test_an_app_has_an_id_and_a_key_in_a_setting_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(PEM)
    for found in (loaded(app_id="1", private_key=PEM), loaded(app_id="Iv1.a", private_key_file=str(file))):
        assert (found.configured, found.key) == (True, PEM)
    file.write_text("rotated")
    assert found.key == "rotated"


def test_a_numeric_app_id_in_yaml_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(
        f"agent: {{image: i}}\nbroker: {{image: i}}\ngithub: {{app_id: 12345, private_key: {json.dumps(PEM)}}}\n"
    )
    assert load({"ORCHESTRATOR_CONFIG": str(file)}).github.app_id == "12345"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"app_id": "1"}, "github.private_key"),
        ({"private_key": PEM}, "github.app_id"),
        ({"private_key_file": "FILE"}, "github.app_id"),
        ({"app_id": "1", "private_key": PEM, "private_key_file": "FILE"}, "private_key_file are both set"),
        ({"app_id": "1", "private_key_file": "FILE/nowhere"}, "private_key_file: cannot read"),
        ({"app_id": "1", "private_key": "s3cret"}, "private_key holds no private key in PEM form"),
        ({"app_id": "1", "private_key": PEM[:200]}, "private_key holds no private key in PEM form"),
        ({"app_id": "1", "private_key_file": "EMPTY"}, "private_key_file holds no private key in PEM form"),
        ({"app_id": "a b", "private_key": PEM}, "setting github.app_id"),
        ({"webhook_secrets": '["s3cret", ""]'}, "setting github.webhook_secrets.1"),
        ({"webhook_secrets": "s3cret"}, "setting github.webhook_secrets"),
    ],
)
def test_an_incomplete_configuration_is_refused_by_setting(tmp_path: Path, given: dict[str, str], named: str) -> None:
    (tmp_path / "key").write_text(PEM)
    (tmp_path / "empty").write_text("s3cret")
    files = {"FILE": str(tmp_path / "key"), "EMPTY": str(tmp_path / "empty"), "FILE/nowhere": str(tmp_path / "no")}
    with pytest.raises(SettingsError) as caught:
        loaded(**{name: files.get(text, text) for name, text in given.items()})
    assert named in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert PEM.splitlines()[1] not in str(caught.value)


def test_github_secrets_are_not_printed() -> None:
    found = loaded(app_id="1", private_key=PEM, webhook_secrets='["wh-s3cret"]')
    shown = f"{found!r} {found} {found.model_dump()}"
    assert "s3cret" not in shown
    assert PEM.splitlines()[1] not in shown
    assert [each.get_secret_value() for each in found.webhook_secrets] == ["wh-s3cret"]


def test_configured_host_keys_are_added_to_githubs() -> None:
    line = "ghe.example ssh-ed25519 AAAA"
    found = task_files(task(), settings(github={"known_hosts": [line]})).files["known_hosts"].splitlines()
    assert found[-1] == line
    assert [each.split()[0] for each in found[:-1]] == ["github.com"] * 3


def test_the_work_of_an_attempt_ends_120_seconds_before_its_deadline() -> None:
    assert "readonly WORK_SECONDS=7080\n" in task_files(task(), settings()).files["container.sh"]


def test_default_app_and_allowed_users_are_read_and_validated() -> None:
    found = GithubSettings(default_app="5DLabs-Rex", allowed_users=["octocat"])
    assert (found.default_app, found.allowed_users) == ("5DLabs-Rex", ["octocat"])
    with pytest.raises(ValueError, match="default_app"):
        GithubSettings(default_app="no app!")
