"""Conditions of a status, its unknown fields, and the length of names."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.runs.model import naming
from functions.runs.model.api_model import wire
from functions.runs.model.conditions import set_lifecycle
from functions.runs.model.fields import RUN_NAME_LENGTH
from functions.runs.model.reasons import Reason
from functions.runs.model.specs import SPECS
from functions.runs.model.status import Condition, RunStatus, Truth
from tests.support.builders import CODE_SPEC, DOCS_SPEC, NOW, UID, run

LATER = NOW + timedelta(minutes=1)


def test_a_foreign_condition_is_kept_and_an_unchanged_one_keeps_its_time() -> None:
    foreign = Condition(type="Audited", status="True", reason="Seen", last_transition_time=NOW)
    first = set_lifecycle([foreign], "Unknown", Reason.STARTING, "", 1, NOW)
    second = set_lifecycle(first, "Unknown", Reason.RUNNING, "", 1, LATER)
    third = set_lifecycle(second, "True", Reason.COMPLETED, "", 1, LATER)
    assert foreign in third
    assert [c.last_transition_time for c in second if c.type == "Succeeded"] == [NOW]
    assert [c.last_transition_time for c in third if c.type == "Succeeded"] == [LATER]
    assert len({c.type for c in third}) == len(third) == 5


@pytest.mark.parametrize(
    ("succeeded", "stalled", "finished"),
    [("Unknown", "False", "False"), ("True", "False", "True"), ("False", "True", "True")],
)
def test_ready_stalled_and_finished_follow_the_decisive_condition(
    succeeded: Truth, stalled: Truth, finished: Truth
) -> None:
    found = {c.type: c.status for c in set_lifecycle([], succeeded, Reason.NO_REPORT, "", 1, NOW)}
    assert found == {"Succeeded": succeeded, "Ready": succeeded, "Stalled": stalled, "Finished": finished}


def test_a_status_update_keeps_fields_of_a_newer_revision() -> None:
    found = run(status={"phase": "Running", "fromTheFuture": {"a": 1}, "attempts": []})
    assert found.to_status_update(found.status)["status"]["fromTheFuture"] == {"a": 1}


def test_a_status_update_keeps_the_pull_request_url() -> None:
    found = run(status={"pullRequestUrl": "https://github.com/a/b/pull/1"})
    assert wire(found.status.model_copy(update={"message": "x"}))["pullRequestUrl"].endswith("/pull/1")


def test_an_unreadable_status_does_not_stop_its_run_from_being_read() -> None:
    found = run(status={"attempts": "many", "usage": {"turns": "x"}})
    assert found.status == RunStatus()
    assert "attempts: " in found.status_error
    assert "usage.turns: " in found.status_error


def test_a_phase_of_a_newer_revision_leaves_the_rest_readable() -> None:
    found = run(status={"phase": "Archived", "attempt": 2})
    assert (found.status.phase, found.status.attempt, found.status_error) == (None, 2, "")


@given(name=st.from_regex(r"\A[a-z0-9]([-a-z0-9]{0,43}[a-z0-9])?\Z"), attempt=st.integers(1, 99_999))
def test_job_names_fit_a_label_and_differ_by_attempt(name: str, attempt: int) -> None:
    job = naming.job_name("DocsRun", name, UID, attempt)
    assert len(job) <= 63
    assert job != naming.job_name("DocsRun", name, UID, attempt + 1)


@pytest.mark.parametrize(("kind", "spec"), [("DocsRun", DOCS_SPEC), ("CodeRun", CODE_SPEC)])
def test_run_names_are_short_enough_for_derived_names(kind: str, spec: dict[str, str]) -> None:
    found = SPECS[kind].model_validate(spec)
    assert len(found.name_prefix) + 5 <= RUN_NAME_LENGTH
    assert len(naming.run_name("any key")) <= RUN_NAME_LENGTH
    assert naming.run_name("any key") == naming.run_name("any key") != naming.run_name("other key")


def test_the_agent_is_the_last_part_of_the_apps_name_in_lower_case() -> None:
    found = SPECS["CodeRun"].model_validate(CODE_SPEC)
    assert (found.agent, found.workspace, naming.app_secret(found)) == (
        "rex",
        "workspace-api-rex-2e06e942",
        "github-app-rex",
    )


@pytest.mark.parametrize(("field", "name", "shown"), [("githubApp", "5DLabs-Rex", "rex"), ("githubUser", "Ann", "Ann")])
def test_the_status_names_the_agent_or_else_the_github_user(field: str, name: str, shown: str) -> None:
    spec = {key: value for key, value in CODE_SPEC.items() if key != "githubApp"} | {field: name}
    assert naming.subject(SPECS["CodeRun"].model_validate(spec))["agent"] == shown
