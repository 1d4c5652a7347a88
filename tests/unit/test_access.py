"""Whom callers may have work done as: who an entry is for, what it allows, and what is no entry.

| caller                                    | the entry that counts                                       |
|-------------------------------------------|-------------------------------------------------------------|
| is named                                  | that one alone, also where it allows less than a wildcard   |
| is not, but github:* or *@its.domain is   | that one                                                    |
| neither                                   | *, else none: nothing is allowed                            |
| in another case                           | the same for logins and addresses, another one for tokens   |
| looks like another                        | never that one's                                            |

| the run's                                 | is allowed                                                  |
|-------------------------------------------|-------------------------------------------------------------|
| githubUser, in any case                   | where users has it, or *                                    |
| githubApp, whatever is before its agent   | where agents has the agent, or *                            |
| namespace                                 | where namespaces has it, or *, which is the default         |
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.runs.model import naming
from functions.runs.model.run_spec import RunSpec
from functions.runs.model.specs import SPECS
from functions.runs.permissions import Grant, violations
from functions.settings import SettingsError, load
from functions.settings.access import AccessSettings
from functions.settings.auth import AuthSettings
from tests.support.api import ROOT
from tests.support.builders import CODE_SPEC

IMAGE = {"ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent", "ORCHESTRATOR_BROKER__IMAGE": "registry.example/agent"}


def access(**callers: Any) -> AccessSettings:
    return AccessSettings.model_validate({"callers": callers})


def named(*names: str) -> AccessSettings:
    """Each allows an agent of its own, by which it is known again."""
    return access(**{name: {"agents": [f"a{number}"]} for number, name in enumerate(names)})


def of(found: AccessSettings, caller: str) -> int | None:
    """The number of the entry that counts for a caller."""
    grant = found.grant(caller)
    return int(grant.agents[0][1:]) if grant else None


ALL = ("ci", "github:octocat", "github:*", "ada@example.com", "*@example.com", "*")


@pytest.mark.parametrize(
    ("caller", "with_all", "without_star"),
    [
        ("ci", 0, 0),
        ("CI", 5, None),
        ("github:octocat", 1, 1),
        ("github:OctoCat", 1, 1),
        ("github:hubot", 2, 2),
        ("github:mona-cat_octo", 2, 2),
        ("ada@example.com", 3, 3),
        ("Ada@Example.com", 3, 3),
        ("eve@example.com", 4, 4),
        ("eve@sub.example.com", 5, None),
        ("eve@example.com.evil.example", 5, None),
        ("example.com", 5, None),
        ("octocat", 5, None),
        ("ad\N{LATIN SMALL LETTER A WITH GRAVE}@example.com", 4, 4),
        ("117", 5, None),
        ("", 5, None),
    ],
)
def test_the_entry_that_says_most_counts(caller: str, with_all: int, without_star: int | None) -> None:
    assert of(named(*ALL), caller) == with_all
    assert of(named(*ALL[:-1]), caller) == without_star


def test_a_letter_that_only_becomes_another_is_another() -> None:
    kelvin = "\N{KELVIN SIGN}"
    assert kelvin.lower() == "k"
    assert of(named("kate@example.com", "github:kate"), f"{kelvin}ate@example.com") is None
    assert of(named("kate@example.com", "github:kate"), f"github:{kelvin}ate") is None


def test_who_is_named_with_nothing_may_nothing_whatever_others_may() -> None:
    found = access(**{"mallory@example.com": {}, "*": {"agents": ["*"], "users": ["*"]}}).grant("mallory@example.com")
    assert found is not None
    assert (found.users, found.agents) == ([], [])


@pytest.mark.parametrize(
    ("callers", "problem"),
    [
        ({}, "at least 1 item"),
        ({"": {}}, "'' is not a valid caller"),
        ({"**": {}}, "is not a valid caller; use a name, github:LOGIN"),
        ({"team-*": {}}, "is not a valid caller; use a name, github:LOGIN"),
        ({"github:": {}}, "is not a valid caller"),
        ({"github:octo*": {}}, "is not a valid caller"),
        ({"github:octo cat": {}}, "is not a valid caller"),
        ({"*@": {}}, "is not a valid caller"),
        ({"github:Octocat": {}, "github:octocat": {}}, "there twice"),
        ({"ci": {"agents": ["5DLabs-Rex"]}}, "agents.0"),
        ({"ci": {"agents": ["Rex"]}}, "agents.0"),
        ({"ci": {"users": ["octo cat"]}}, "users.0"),
        ({"ci": {"users": "octocat"}}, "users"),
        ({"ci": {"namespaces": ["Orchestrator"]}}, "namespaces.0"),
        ({"ci": {"agent": ["rex"]}}, "did you mean access.callers.ci.agents?"),
        ({"ci": None}, "callers.ci"),
    ],
)
def test_what_is_no_entry_stops_the_start_naming_it(tmp_path: Path, callers: Any, problem: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"access": {"callers": callers}}))
    with pytest.raises(SettingsError, match=r"setting access\.callers") as caught:
        load({**IMAGE, "ORCHESTRATOR_CONFIG": str(file)})
    assert problem in str(caught.value)


def test_it_can_come_by_the_environment_and_is_off_without() -> None:
    assert load(IMAGE).access.callers is None
    found = load({**IMAGE, "ORCHESTRATOR_ACCESS": '{"callers": {"ci": {"agents": ["rex"]}}}'}).access
    assert found == load({**IMAGE, "ORCHESTRATOR_ACCESS__CALLERS": '{"ci": {"agents": ["rex"]}}'}).access
    assert found.grant("ci") is not None


def test_the_example_of_the_readme_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(
        r"^```yaml\n(access:\n.*?)^```$", (ROOT / "docs" / "access.md").read_text(), re.DOTALL | re.MULTILINE
    )
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    found = load({**IMAGE, "ORCHESTRATOR_CONFIG": str(file)}).access
    assert found.unreachable_entries(AuthSettings(mode="bearer", tokens={"ci": "s3cret"})) == [
        "ada@acme.example",
        "orchestrator-pusher@acme-agents.iam.gserviceaccount.com",
    ]
    assert found.unreachable_entries(AuthSettings(mode="iam")) == ["ci"]


@pytest.mark.parametrize(
    ("auth", "never"),
    [
        (AuthSettings(), ["ci", "ada@example.com", "117"]),
        (AuthSettings(mode="bearer", tokens={"ci": "s3cret"}), ["ada@example.com", "117", "anonymous"]),
        (AuthSettings(mode="iam"), ["ci", "anonymous"]),
    ],
    ids=["none", "bearer", "iam"],
)
def test_entries_that_no_caller_can_be_are_found(auth: AuthSettings, never: list[str]) -> None:
    found = named("ci", "ada@example.com", "117", "anonymous", "github:octocat", "github:*", "*@example.com", "*")
    assert found.unreachable_entries(auth) == never


# What it allows -----------------------------------------------------------------------------------------------------


def spec(**identity: str) -> RunSpec:
    body = {name: value for name, value in CODE_SPEC.items() if not name.startswith("github")}
    return SPECS["CodeRun"].model_validate({**body, **identity})


def fields(rights: Grant, asked: RunSpec, namespace: str = "shop") -> list[str]:
    return [field for field, _ in violations("ci", rights, asked, namespace)]


@pytest.mark.parametrize(
    ("rights", "identity", "refused"),
    [
        (Grant(), {"githubUser": "octocat"}, ["namespace", "githubUser"]),
        (Grant(), {"githubApp": "5DLabs-Rex"}, ["namespace", "githubApp"]),
        (Grant(["*"], ["*"], ["*"]), {"githubUser": "octocat"}, []),
        (Grant(["*"], ["*"], ["shop"]), {"githubApp": "5DLabs-Rex"}, []),
        (Grant(["*"], ["*"], ["shop-2"]), {"githubApp": "5DLabs-Rex"}, ["namespace"]),
        (Grant(["octocat"], [], ["*"]), {"githubUser": "OctoCat"}, []),
        (Grant(["OctoCat"], [], ["*"]), {"githubUser": "octocat"}, []),
        (Grant(["octocat"], [], ["*"]), {"githubUser": "octocat2"}, ["githubUser"]),
        (Grant(["rex"], [], ["*"]), {"githubApp": "5DLabs-Rex"}, ["githubApp"]),
        (Grant([], ["octocat"], ["*"]), {"githubUser": "octocat"}, ["githubUser"]),
        (Grant(["*"], [], ["*"]), {"githubApp": "5DLabs-Rex"}, ["githubApp"]),
        (Grant([], ["*"], ["*"]), {"githubUser": "octocat"}, ["githubUser"]),
        (Grant([], ["rex"], ["*"]), {"githubApp": "5DLabs-Rex"}, []),
        (Grant([], ["rex"], ["*"]), {"githubApp": "5dlabs-REX"}, []),
        (Grant([], ["rex"], ["*"]), {"githubApp": "Rex"}, []),
        (Grant([], ["rex"], ["*"]), {"githubApp": "Rex-Tess"}, ["githubApp"]),
        (Grant([], ["rex"], ["*"]), {"githubApp": "Tess-Rex2"}, ["githubApp"]),
    ],
)
def test_what_is_not_listed_is_refused_by_field(rights: Grant, identity: dict[str, str], refused: list[str]) -> None:
    assert fields(rights, spec(**identity)) == refused


def test_a_refusal_says_who_what_and_what_would_be_right() -> None:
    rights = Grant(["octocat", "hubot"], ["tess"], ["web", "api"])
    assert violations("ci", rights, spec(githubApp="5DLabs-Rex"), "shop") == [
        ("namespace", "ci may not use the namespace shop; allowed namespaces: api, web"),
        ("githubApp", "ci may not use the agent rex; allowed users: hubot, octocat; allowed agents: tess"),
    ]
    assert violations("ci", Grant(["*"], [], ["*"]), spec(githubApp="5DLabs-Rex"), "shop") == [
        ("githubApp", "ci may not use the agent rex; allowed users: all; allowed agents: none"),
    ]


names = st.text("aB-1", min_size=1, max_size=6)


@given(names, st.lists(st.sampled_from(["a", "b", "1", "ab", "b1", "*"]), max_size=3), st.booleans())
def test_what_is_let_through_has_only_credentials_that_are_listed(name: str, listed: list[str], app: bool) -> None:
    """As pods find them: the Secret and the workspace are named by the agent, or by the user in lower case."""
    field = "githubApp" if app else "githubUser"
    rights = Grant([] if app else listed, listed if app else [], ["*"])
    try:
        asked = spec(**{field: name})
    except ValueError:
        return  # no name of a user or App
    secret = naming.app_secret(asked) if app else naming.ssh_secret(asked)
    whose = secret.removeprefix("github-app-" if app else "github-ssh-")
    assert (fields(rights, asked) == []) == ("*" in listed or whose in listed)
