"""Access: which entry of `access.callers` applies to a caller, what it allows, and which entries are invalid.

| caller                                    | entry that applies                                          |
|-------------------------------------------|-------------------------------------------------------------|
| has an entry by name                      | that one alone, even if a wildcard allows more              |
| matches github:* or *@its.domain          | that wildcard                                               |
| matches neither                           | *; without it nothing is allowed                            |
| differs in case only                      | the same for logins and addresses; token names are exact    |
| has a similar name                        | never the other caller's entry                              |

| field of the run                          | allowed if                                                  |
|-------------------------------------------|-------------------------------------------------------------|
| githubUser, in any case                   | users contains it or *                                      |
| githubApp, with any prefix                | agents contains the agent or *                              |
| namespace                                 | namespaces contains it or *, which is the default           |
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
from functions.settings.access import AccessSettings
from functions.settings.auth import AuthSettings
from functions.settings.errors import SettingsError
from functions.settings.loading import load
from tests.support.api import ROOT
from tests.support.builders import CODE_SPEC

IMAGE = {"ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent", "ORCHESTRATOR_BROKER__IMAGE": "registry.example/agent"}


def access(**callers: Any) -> AccessSettings:
    return AccessSettings.model_validate({"callers": callers})


def named(*names: str) -> AccessSettings:
    """Return an entry for each name; each allows one agent, `a0`, `a1` and so on, which identifies the entry."""
    return access(**{name: {"agents": [f"a{number}"]} for number, name in enumerate(names)})


def of(found: AccessSettings, caller: str) -> int | None:
    """Return the number of the entry that applies to a caller."""
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
def test_the_most_specific_entry_applies_to_a_caller(caller: str, with_all: int, without_star: int | None) -> None:
    assert of(named(*ALL), caller) == with_all
    assert of(named(*ALL[:-1]), caller) == without_star


def test_a_letter_that_equals_another_only_in_lower_case_does_not_match() -> None:
    kelvin = "\N{KELVIN SIGN}"
    assert kelvin.lower() == "k"
    assert of(named("kate@example.com", "github:kate"), f"{kelvin}ate@example.com") is None
    assert of(named("kate@example.com", "github:kate"), f"github:{kelvin}ate") is None


def test_an_empty_entry_allows_nothing_although_the_wildcard_allows_everything() -> None:
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
def test_an_invalid_access_entry_is_refused_at_start_by_name(tmp_path: Path, callers: Any, problem: str) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"access": {"callers": callers}}))
    with pytest.raises(SettingsError, match=r"setting access\.callers") as caught:
        load({**IMAGE, "ORCHESTRATOR_CONFIG": str(file)})
    assert problem in str(caught.value)


def test_access_is_read_from_the_environment_and_is_off_by_default() -> None:
    assert load(IMAGE).access.callers is None
    found = load({**IMAGE, "ORCHESTRATOR_ACCESS": '{"callers": {"ci": {"agents": ["rex"]}}}'}).access
    assert found == load({**IMAGE, "ORCHESTRATOR_ACCESS__CALLERS": '{"ci": {"agents": ["rex"]}}'}).access
    assert found.grant("ci") is not None


def test_the_access_example_in_the_docs_is_valid(tmp_path: Path) -> None:
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
def test_entries_that_no_caller_can_match_are_found(auth: AuthSettings, never: list[str]) -> None:
    found = named("ci", "ada@example.com", "117", "anonymous", "github:octocat", "github:*", "*@example.com", "*")
    assert found.unreachable_entries(auth) == never


# Allowed credentials and namespaces ---------------------------------------------------------------------------------


def spec(**identity: str) -> RunSpec:
    body = {name: value for name, value in CODE_SPEC.items() if not name.startswith("github")}
    return SPECS["CodeRun"].model_validate({**body, **identity})


def fields(rights: Grant, asked: RunSpec) -> list[str]:
    return [field for field, _ in violations("ci", rights, asked, "shop")]


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
def test_a_spec_beyond_the_grant_is_refused_by_field(
    rights: Grant, identity: dict[str, str], refused: list[str]
) -> None:
    assert fields(rights, spec(**identity)) == refused


def test_a_refusal_names_caller_field_and_allowed_values() -> None:
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
def test_an_accepted_spec_uses_only_listed_credentials(name: str, listed: list[str], app: bool) -> None:
    """The pod's Secret and workspace are named after the agent, or after the user in lower case."""
    field = "githubApp" if app else "githubUser"
    rights = Grant([] if app else listed, listed if app else [], ["*"])
    try:
        asked = spec(**{field: name})
    except ValueError:
        return  # not a valid name of a user or App
    secret = naming.app_secret(asked) if app else naming.ssh_secret(asked)
    whose = secret.removeprefix("github-app-" if app else "github-ssh-")
    assert (fields(rights, asked) == []) == ("*" in listed or whose in listed)
