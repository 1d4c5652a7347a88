"""Implement one Task Master task.

No local files are needed. What is not given is taken from git in this directory, and shown.
"""

from typing import Any

import click

from functions.clients.options import output_option
from functions.clients.output import Output, say
from functions.clients.tasks import outcome_view, submit_code
from functions.clients.tasks.options import REQUEST_OPTIONS, spec_options
from functions.clients.tasks.options import fields as given_fields
from functions.clients.tasks.request import Request
from functions.runs.model import fields
from functions.runs.model.code_run_spec import CodeRunSpec

EPILOG = """\b
Examples:
  orchestrator task code 3 -s shop
  orchestrator task code 1.2 -s shop --task-tag checkout     a subtask, of a tag
  orchestrator task code 3 -s shop --github-app 5DLabs-Rex --repository-url https://github.com/acme/shop
"""


def _task_id(text: str) -> int | str:
    """Return the id as Task Master has it: a number, or a text."""
    if text.isascii() and text.isdigit():
        return int(text)
    if not fields.is_valid(fields.TaskId, text):
        raise click.BadParameter("must be a Task Master id, such as 3, 1.2 or HAM-1")
    return text


@click.command(
    help=__doc__,
    epilog=EPILOG,
    params=[
        click.Argument(["task_id"], type=_task_id, help="Task Master task or subtask, such as 3, 1.2 or HAM-1."),
        *spec_options(CodeRunSpec, "task_id", required=("service",)),
        *REQUEST_OPTIONS,
    ],
)
@output_option
def command(
    remote: str | None,
    api_url: str | None,
    idempotency_key: str | None,
    dry_run: bool,
    output: Output,
    **given: Any,
) -> None:
    """Ask for a code run."""
    request = Request(given_fields(given), api_url, idempotency_key, dry_run)
    outcome_view.show(submit_code.run(request, ".", say, remote), output)
