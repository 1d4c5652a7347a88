"""Each defect of the predecessor (SPEC section 12), in its own words, and the test that covers it.

The test named beside a defect must exist; it is looked up in the source and not run here.
"""

import ast
from functools import cache
from pathlib import Path

import pytest
from pydantic import ValidationError

from functions.runs.model.code_run_spec import CodeRunSpec
from tests.support.builders import CODE_SPEC

TESTS = Path(__file__).resolve().parents[1]

CAUGHT_BY = {
    "timestamp job names": "life/test_run.py::test_run_has_one_job_however_often_its_event_is_delivered",
    "a Job without command succeeded at once": ("unit/test_job.py::test_a_job_has_a_command_and_creates_one_pod_only"),
    "a succeeded run started more pods": "life/test_run.py::test_a_succeeded_run_starts_no_further_pod",
    "status Running while the image could not be pulled": (
        "unit/test_decide.py::test_an_image_pull_error_is_shown_as_pending_with_the_kubelets_message"
    ),
    "one ConfigMap shared by all docs runs, never refreshed on 409": (
        "life/test_run.py::test_runs_have_separate_task_files_that_they_own"
    ),
    "deleting one run deleted other runs' Jobs": (
        "life/test_run.py::test_deleting_one_run_leaves_the_jobs_of_others_alone"
    ),
    "camelCase/snake_case mismatch blocked every list": (
        "unit/test_spec_rules.py::test_a_crd_has_its_category_scope_and_status_subresource"
    ),
    "one malformed resource blocked all others and their deletion": (
        "life/test_malformed.py::test_run_that_violates_stricter_rules_does_not_stop_other_runs"
    ),
    "config with one key missing, silent defaults, wrong image": (
        "unit/test_settings.py::test_settings_without_an_image_are_refused"
    ),
    "controller without RBAC for the new kinds": ("cluster/test_rights.py::test_user_has_exactly_the_declared_rights"),
    "condition list replaced on each write": (
        "unit/test_status.py::test_a_foreign_condition_is_kept_and_an_unchanged_one_keeps_its_time"
    ),
    "PR URL erased by a null merge": ("unit/test_status.py::test_a_status_update_keeps_the_pull_request_url"),
    "status patch triggered reconcile for ever": (
        "faults/test_named_defects.py::test_events_of_a_run_end_when_nothing_else_happens"
    ),
    "nested vs flat template data, blank values": (
        "unit/test_templating.py::test_an_unknown_variable_is_named_with_template_and_line"
    ),
    "service vs service_name blank; non-strict engine hid both": (
        "unit/test_templating_strict.py::test_an_unknown_name_is_an_error_with_template_and_line"
    ),
    "HTML escaping in shell and JSON": ("unit/test_templating.py::test_task_files_contain_no_html_escapes"),
    "backticks of a prompt run by the shell": (
        "agent/test_secrets_and_quoting.py::test_prompt_reaches_the_agent_verbatim"
    ),
    "key at a path uid 1000 cannot read": (
        "unit/test_job.py::test_the_git_key_is_readable_by_the_agents_user_where_it_is_mounted"
    ),
    "chmod in a read-only mount": (
        "agent/test_secrets_and_quoting.py::test_broker_runs_ssh_with_the_key_and_pinned_host_keys"
    ),
    "hooks hard-coded": "unit/test_templating.py::test_every_hook_file_is_shipped",
    "hook name differing between settings and disk": (
        "unit/test_templating.py::test_settings_register_exactly_the_shipped_hooks"
    ),
    "claude.md vs CLAUDE.md": (
        "agent/test_happy_path.py::test_memory_file_has_the_instructions_and_the_base_branchs_text"
    ),
    "https URL with SSH-only credentials": (
        "agent/test_secrets_and_quoting.py::test_urls_of_github_go_over_ssh_for_a_user"
    ),
    "gh pr create without a token": ("agent/test_pull_request.py::test_no_pull_request_is_requested_without_a_token"),
    "private key inside the work tree": (
        "agent/test_secrets_and_quoting.py::test_private_key_is_in_no_file_that_the_attempt_writes"
    ),
    'comma list "" became [""]': "unit/test_defects.py::test_an_empty_list_of_tools_is_refused",
    "PR to a branch nobody asked for": (
        "agent/test_pull_request.py::test_pull_request_to_another_base_branch_is_ignored"
    ),
    "errors answered with HTTP 200": (
        "local/test_stack_input.py::test_every_function_refuses_invalid_input_and_creates_no_object"
    ),
    "Job created but name never recorded after 409": (
        "faults/test_named_defects.py::test_job_that_already_exists_is_named_in_the_status"
    ),
    "run created while the watch was down never picked up": (
        "bridge/test_following.py::test_run_created_while_the_watch_was_down_is_published"
    ),
    "template newer than code or the reverse failing late": (
        "life/test_attempts.py::test_template_error_is_shown_with_file_and_variable_and_retried"
    ),
    "CRDs not applied on upgrade, then 404 for ever": (
        "bridge/test_following.py::test_kind_is_watched_once_its_crd_is_applied"
    ),
    "uninstalling with finalizers left a CRD terminating": (
        "faults/test_named_defects.py::test_runs_deleted_at_once_are_gone_after_an_hourly_sweep"
    ),
    "file-name case lost between checkout and artefact": (
        "unit/test_templating.py::test_every_required_task_file_is_shipped"
    ),
    "pull secrets lost in a rewrite": ("unit/test_job.py::test_image_and_pull_secrets_come_from_configuration_only"),
    "container.sh, prompt and settings mount lost in a rewrite": (
        "unit/test_job.py::test_every_expected_mount_exists_and_has_a_volume"
    ),
    "workspace clean-up ran into read-only mounts": (
        "agent/test_container.py::test_attempt_succeeds_in_a_hardened_container"
    ),
    "configuration errors logged at INFO": (
        "local/test_alone.py::test_function_without_an_agent_image_names_the_setting_and_exits"
    ),
    "dead watch behind a healthy /health": ("bridge/test_health.py::test_dead_watch_makes_health_fail"),
    "relative directory resolved twice in a subfolder": (
        "agent/test_happy_path.py::test_agent_works_in_the_working_directory"
    ),
}


@cache
def _tests_in(path: Path) -> frozenset[str]:
    """Return the names of the functions of a test module; empty if the module does not exist."""
    if not path.exists():
        return frozenset()
    found = ast.walk(ast.parse(path.read_text()))
    return frozenset(node.name for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize(("defect", "test"), CAUGHT_BY.items(), ids=list(CAUGHT_BY))
def test_each_defect_of_the_predecessor_has_a_test(defect: str, test: str) -> None:
    module, _, name = test.partition("::")
    assert name in _tests_in(TESTS / module), f"{defect}: there is no test {test} any more"


@pytest.mark.parametrize("field", ["localTools", "remoteTools"])
@pytest.mark.parametrize("text", ["", ",", "a,", " "])
def test_an_empty_list_of_tools_is_refused(field: str, text: str) -> None:
    with pytest.raises(ValidationError, match=r"must (be names of MCP tools|have 1 to)"):
        CodeRunSpec.model_validate({**CODE_SPEC, field: text})


def test_a_missing_test_is_noticed() -> None:
    assert "test_that_does_not_exist" not in _tests_in(Path(__file__))
    assert _tests_in(TESTS / "unit/no_such_module.py") == frozenset()
