"""Renders the task files of an attempt, and separates final errors from those that people can fix."""

from functions.manifests.attempt import deadline
from functions.runs import installation_rules
from functions.runs.lifecycle import budget
from functions.runs.model.reasons import FollowUp, Reason, follow_up
from functions.runs.model.run import Run
from functions.runs.repository_hosts import forbidden_repositories
from functions.settings.model import Settings
from functions.templating.render import AttemptContext, TaskFiles, TaskFilesTooLarge, TemplateError
from functions.templating.render import task_files as render


class Unrenderable(Exception):
    """The task files cannot be rendered; the text says where and why."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    @property
    def final(self) -> bool:
        """Whether the run fails at once, because no change of settings or templates can help it."""
        return follow_up(self.reason) is not FollowUp.WAIT_FOR_FIX


def attempt_context(settings: Settings, run: Run) -> AttemptContext:
    """Return the attempt recorded in the run's status, as templates see it."""
    status, recorded = run.status, run.status.open_attempt
    assert run.spec, "an attempt is recorded for a valid spec only"
    budget_left = {"max_turns": budget.turns_left(run), "max_cost_usd": budget.cost_left(run)}
    spec = run.spec.model_copy(update=budget_left)
    assert recorded, "an attempt is recorded before its files are rendered"
    assert status.branch, "the branch is recorded with the attempt"
    assert status.session_id, "the session is recorded with the attempt"
    return AttemptContext(
        run=run.name,
        namespace=run.namespace,
        uid=run.uid,
        attempt=recorded.attempt,
        job_name=recorded.job_name,
        spec=spec,
        branch=status.branch,
        session_id=status.session_id,
        resume=recorded.resumes,
        deadline_seconds=deadline(run, settings.job),
    )


def task_files(settings: Settings, run: Run) -> TaskFiles:
    """Return the files of the attempt recorded in the run's status; raise Unrenderable."""
    spec = run.spec
    assert spec, "an attempt is recorded for a valid spec only"
    for field, why in installation_rules.forbidden_secrets(spec, settings.secrets.allowed):
        raise Unrenderable(Reason.CONFIGURATION_ERROR, f"{field}: {why}")
    for field, why in installation_rules.out_of_bounds(spec, settings.job.bounds):
        raise Unrenderable(Reason.CONFIGURATION_ERROR, f"{field}: {why}")
    for field, why in () if settings.auth.one_machine else forbidden_repositories(spec):
        raise Unrenderable(Reason.INVALID_SPEC, f"{field}: {why}")
    try:
        return render(attempt_context(settings, run), settings)
    except TemplateError as error:
        raise Unrenderable(Reason.TEMPLATE_ERROR, str(error)) from error
    except TaskFilesTooLarge as error:
        raise Unrenderable(Reason.TASK_FILES_TOO_LARGE, str(error)) from error
