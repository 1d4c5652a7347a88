"""Loading of settings: they are complete, and every problem is named by its key.

complete   a missing image is an error; all problems are reported at once
variables  override the file, and a key overrides its section; a duplicate key in their JSON is an error
unknown    named, with a suggestion if a setting has a similar name
secrets    in no error

Allowed values: test_settings_refused. The file: test_settings_file.
"""

from pathlib import Path

import pytest

from functions.settings.agent import ModelSettings
from functions.settings.errors import SettingsError
from functions.settings.loading import load, load_webhook
from functions.settings.sections import load_section

IMAGE = {"ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent", "ORCHESTRATOR_BROKER__IMAGE": "registry.example/agent"}


@pytest.mark.parametrize("written", ["", "job: {max_retries: 3}", "agent:", "agent: {}", "agent: {tag: '1'}"])
def test_settings_without_an_image_are_refused(tmp_path: Path, written: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(written)
    with pytest.raises(SettingsError) as caught:
        load({"ORCHESTRATOR_CONFIG": str(file)})
    assert str(caught.value) == (
        "setting agent.image: is required (set it in the settings file or as ORCHESTRATOR_AGENT__IMAGE)\n"
        "setting broker.image: is required (set it in the settings file or as ORCHESTRATOR_BROKER__IMAGE)"
    )


def test_the_callers_image_is_used_only_if_none_is_configured() -> None:
    assert load({}, image="none").agent.image == "none"
    assert load(IMAGE, image="none").agent.image == "registry.example/agent"


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("agent: {image: a, tag: '1'}\nbroker: {image: b}\njob: {max_retries: 3}\n")
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
def test_an_invalid_setting_is_refused_by_its_key(name: str, value: str, key: str) -> None:
    with pytest.raises(SettingsError, match=f"setting {key}: "):
        load({**IMAGE, name: value})


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"ORCHESTRATOR_JOB__BACKOFF": "-1", "ORCHESTRATOR_NAMESPACE": "5"})
    assert {"job.backoff", "agent.image"} <= {
        line.split(":")[0].removeprefix("setting ") for line in str(caught.value).split("\n")
    }


def test_an_error_does_not_show_a_token() -> None:
    with pytest.raises(SettingsError) as caught:
        load({**IMAGE, "ORCHESTRATOR_AUTH__TOKENS": '{"ci": ["s3cret"]}'})
    assert "s3cret" not in str(caught.value)


def test_two_callers_with_one_token_are_refused_without_showing_it() -> None:
    with pytest.raises(SettingsError, match=r"auth\.tokens: ada and ci have the same token") as caught:
        load({**IMAGE, "ORCHESTRATOR_AUTH__TOKENS": '{"ada": "s3cret", "ci": "s3cret"}'})
    assert "s3cret" not in str(caught.value)


def test_an_error_below_a_map_names_the_variable_of_the_whole_map() -> None:
    callers = '{"ada@example.com": {"agents": ["Not An Agent"]}}'
    with pytest.raises(SettingsError) as caught:
        load({**IMAGE, "ORCHESTRATOR_ACCESS__CALLERS": callers})
    assert str(caught.value).startswith("setting access.callers.ada@example.com.agents.0: ")
    assert str(caught.value).endswith("or as ORCHESTRATOR_ACCESS__CALLERS)")


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        ("namespaces", "did you mean namespace?"),
        ("job.backof", "did you mean job.backoff?"),
        ("job_backoff", "did you mean job.backoff?"),
        ("jobs", "did you mean job?"),
        ("job.limits.cpus", "did you mean job.limits.cpu?"),
        ("backoff", "did you mean job.backoff?"),
        ("image", "did you mean agent.image?"),
        ("access.callers.ci.agent", "did you mean access.callers.ci.agents?"),
        ("access.callers.ci.image", "remove it"),
        ("secrets.api_keys.gemini.names", "remove it"),
        ("nonsense", "remove it"),
        ("job.nonsense", "remove it"),
        ("", "remove it"),
    ],
)
def test_an_unknown_setting_is_reported_with_advice(key: str, advice: str) -> None:
    variable = "ORCHESTRATOR_" + key.replace(".", "__").upper()
    with pytest.raises(SettingsError) as caught:
        load({**IMAGE, variable: "1"})
    problems = [line for line in str(caught.value).split("\n") if "is not known" in line]
    assert problems == [f"setting {key}: is not known (in the settings file or as {variable}); {advice}"]


def test_webhook_and_section_loading_report_the_same_errors() -> None:
    wrong = {"ORCHESTRATOR_QUEUES__URLS": "http://a", "ORCHESTRATOR_MODELS__CODES": "x"}
    with pytest.raises(SettingsError, match=r"^setting queues\.urls: is not known .*; did you mean queues\.url\?$"):
        load_webhook(wrong)
    with pytest.raises(SettingsError, match=r"^setting models\.codes: is not known .*; did you mean models\.code\?$"):
        load_section(wrong, "models", ModelSettings)


def test_a_duplicate_key_in_a_variable_is_named() -> None:
    tokens = '{"ci": "hunter2", "ann": "a", "ci": "hunter3"}'
    with pytest.raises(SettingsError) as caught:
        load({**IMAGE, "ORCHESTRATOR_AUTH__TOKENS": tokens})
    assert str(caught.value) == "ORCHESTRATOR_AUTH__TOKENS: ci is there twice; keep one of them"


def test_the_variable_of_a_key_overrides_that_of_its_section() -> None:
    whole, key = {"ORCHESTRATOR_AGENT": '{"image": "a", "tag": "1"}'}, {"ORCHESTRATOR_AGENT__TAG": "2"}
    assert load({**IMAGE, **whole, **key}).agent == load({**IMAGE, **key, **whole}).agent
    assert load({**IMAGE, **key, **whole}).agent.tag == "2"
