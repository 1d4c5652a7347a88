"""The configuration: complete before anything starts, every problem named by its key."""

import json
from pathlib import Path

import pytest

from functions.settings import SettingsError, load

IMAGE = {"ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent"}


@pytest.mark.parametrize("written", ["", "job: {max_retries: 3}", "agent:", "agent: {}", "agent: {tag: '1'}"])
def test_without_an_image_nothing_starts(tmp_path: Path, written: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(written)
    with pytest.raises(SettingsError) as caught:
        load({"ORCHESTRATOR_CONFIG": str(file)})
    assert str(caught.value) == (
        "setting agent.image: is required (set it in the settings file or as ORCHESTRATOR_AGENT__IMAGE)"
    )


def test_an_image_is_taken_from_who_starts_no_container_only_where_none_is_configured() -> None:
    assert load({}, image="none").agent.image == "none"
    assert load(IMAGE, image="none").agent.image == "registry.example/agent"


@pytest.mark.parametrize("section", ["text", ["image"], 3])
def test_a_section_that_is_none_is_named(tmp_path: Path, section: object) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(json.dumps({"agent": section}))
    with pytest.raises(SettingsError, match="setting agent: "):
        load({"ORCHESTRATOR_CONFIG": str(file)}, image="none")


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("agent: {image: a, tag: '1'}\njob: {max_retries: 3}\n")
    found = load({"ORCHESTRATOR_CONFIG": str(file), "ORCHESTRATOR_AGENT__TAG": "2"})
    assert (found.agent.image, found.agent.tag, found.job.max_retries) == ("a", "2", 3)


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("ORCHESTRATOR_JOB__BACKOF", "1", "job.backof"),
        ("ORCHESTRATOR_JOB__MAX_RETRIES", "many", "job.max_retries"),
        ("ORCHESTRATOR_JOB__TTL_AFTER_FINISHED", "60", "job.ttl_after_finished"),
        ("ORCHESTRATOR_AGENT__PULL_POLICY", "Sometimes", "agent.pull_policy"),
        ("ORCHESTRATOR_AUTH__MODE", "bearer", "auth"),
        ("ORCHESTRATOR_SECRETS__API_KEYS", '{"x": {"secret": "s", "env": "PATH"}}', "secrets.api_keys.x.env"),
        ("ORCHESTRATOR_NAMESPACES", "x", "namespaces"),
        ("ORCHESTRATOR_QUEUES__PREFIX", "a-", "queues"),
        ("ORCHESTRATOR_QUEUES__PROJECT", "Not A Project", "queues.project"),
    ],
)
def test_a_bad_key_stops_the_start_naming_it(name: str, value: str, key: str) -> None:
    with pytest.raises(SettingsError, match=f"setting {key}: "):
        load({**IMAGE, name: value})


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"ORCHESTRATOR_JOB__BACKOFF": "-1", "ORCHESTRATOR_NAMESPACE": "5"})
    assert {"job.backoff", "agent.image"} <= {
        line.split(":")[0].removeprefix("setting ") for line in str(caught.value).split("\n")
    }


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.yaml"):
        load({**IMAGE, "ORCHESTRATOR_CONFIG": str(tmp_path / "nowhere.yaml")})


def test_a_token_is_not_told_in_an_error() -> None:
    with pytest.raises(SettingsError) as caught:
        load({**IMAGE, "ORCHESTRATOR_AUTH__TOKENS": '{"ci": ["s3cret"]}'})
    assert "s3cret" not in str(caught.value)


def test_two_callers_with_one_token_are_refused_without_telling_it() -> None:
    with pytest.raises(SettingsError, match=r"auth\.tokens: ada and ci have the same token") as caught:
        load({**IMAGE, "ORCHESTRATOR_AUTH__TOKENS": '{"ada": "s3cret", "ci": "s3cret"}'})
    assert "s3cret" not in str(caught.value)


def test_what_lies_below_a_name_is_set_with_all_the_rest() -> None:
    callers = '{"ada@example.com": {"agents": ["Not An Agent"]}}'
    with pytest.raises(SettingsError) as caught:
        load({**IMAGE, "ORCHESTRATOR_ACCESS__CALLERS": callers})
    assert str(caught.value).startswith("setting access.callers.ada@example.com.agents.0: ")
    assert str(caught.value).endswith("or as ORCHESTRATOR_ACCESS__CALLERS)")
