"""The settings file in YAML.

unreadable  missing, no YAML, an invalid date: the error names file and line, and never repeats the text
sections    an invalid section is refused by its name; an empty section sets no keys; an empty value is an error
duplicates  a duplicate key is refused with both lines, also if quoted, nested or merged; merged keys may be overridden
"""

import json
from pathlib import Path

import pytest

from functions.settings.errors import SettingsError
from functions.settings.job import JobSettings
from functions.settings.loading import load, load_webhook
from functions.settings.sections import load_section

IMAGE = {"ORCHESTRATOR_AGENT__IMAGE": "registry.example/agent", "ORCHESTRATOR_BROKER__IMAGE": "registry.example/agent"}


def test_a_missing_settings_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.yaml"):
        load({**IMAGE, "ORCHESTRATOR_CONFIG": str(tmp_path / "nowhere.yaml")})


@pytest.mark.parametrize("section", ["text", ["image"], 3])
def test_an_invalid_section_is_named(tmp_path: Path, section: object) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(json.dumps({"agent": section}))
    with pytest.raises(SettingsError, match="setting agent: "):
        load({"ORCHESTRATOR_CONFIG": str(file)}, image="none")


@pytest.mark.parametrize("empty", ["agent:", "agent: {}", "agent: null", "agent:\njob:\nqueues:\n"])
def test_an_empty_section_sets_no_key(tmp_path: Path, empty: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(empty)
    environ = {**IMAGE, "ORCHESTRATOR_CONFIG": str(file)}
    assert load(environ) == load(IMAGE)
    assert load({**environ, "ORCHESTRATOR_JOB__BACKOFF": "3"}).job.backoff == 3
    assert load_webhook(environ) == load_webhook(IMAGE)
    assert load_section(environ, "job", JobSettings) == JobSettings()


@pytest.mark.parametrize("written", ["namespace:", "access: {callers: {ci: }}", "job: {requests: }"])
def test_an_empty_value_is_refused(tmp_path: Path, written: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(written)
    with pytest.raises(SettingsError, match=f"setting {written.split(':')[0]}"):
        load({**IMAGE, "ORCHESTRATOR_CONFIG": str(file)})


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("job: {backoff: 1}\njob: {max_retries: 2}", "line 2: job is there already, on line 1; keep one of them"),
        ("job:\n  backoff: 1\n  max_retries: 2\n  backoff: 3", "line 4: backoff is there already, on line 2"),
        ("auth: {tokens: {ci: hunter2, ci: hunter3}}", "line 1: ci is there already, on line 1"),
        ("a: &a {x: 1, x: 2}\njob: {<<: *a}", "line 1: x is there already, on line 1"),
        ("job: {<<: {backoff: 1, backoff: 2}}", "line 1: backoff is there already, on line 1"),
        ("access: {callers: [{ci: 1}, {'ci': 1, \"ci\": 2}]}", "line 1: ci is there already, on line 1"),
    ],
)
def test_a_duplicate_key_in_the_file_is_named_with_both_lines(tmp_path: Path, written: str, problem: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(written)
    with pytest.raises(SettingsError) as caught:
        load({**IMAGE, "ORCHESTRATOR_CONFIG": str(file)})
    assert str(caught.value).startswith(f"ORCHESTRATOR_CONFIG: {file}: {problem}")
    assert "hunter" not in str(caught.value)


def test_a_merged_key_may_be_overridden(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(
        "job:\n  requests: &small {cpu: 100m, memory: 1Gi}\n  limits: {<<: *small, memory: 2Gi}\n"
        "agent: {image: i}\nbroker: {image: i}\n"
    )
    job = load({"ORCHESTRATOR_CONFIG": str(file)}).job
    assert (job.requests.memory, job.limits.memory, job.limits.cpu) == ("1Gi", "2Gi", "100m")
    file.write_text(
        "agent: {image: i}\nbroker: {image: i}\n"
        "job:\n"
        "  requests: &some {<<: {cpu: 100m, memory: 5Gi}, memory: 1Gi}\n"
        "  limits: {<<: [*some, *some], memory: 2Gi}\n"
    )
    assert load({"ORCHESTRATOR_CONFIG": str(file)}).job == job


@pytest.mark.parametrize("written", ["job: {backoff: 2026-13-45}", "a: [", "\tjob: 1", "? [a]\n: 1"])
def test_invalid_yaml_is_reported(tmp_path: Path, written: str) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(written)
    with pytest.raises(SettingsError, match="is not YAML"):
        load({**IMAGE, "ORCHESTRATOR_CONFIG": str(file)})
