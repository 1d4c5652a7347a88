"""Implement one task: of Task Master, an issue, or a prompt.

No local files are needed. What is not given is taken from git in this directory, and shown.
"""

import sys
from typing import Any

import click

from functions.clients.errors import WrongUsage
from functions.clients.options import output_option
from functions.clients.output import Output, say
from functions.clients.tasks import outcome_view, submit_code
from functions.clients.tasks.options import REQUEST_OPTIONS, option, spec_options
from functions.clients.tasks.options import fields as given_fields
from functions.clients.tasks.request import Request
from functions.runs.model import fields
from functions.runs.model.code_run_spec import CodeRunSpec
from functions.runs.model.field_rules import is_valid

EPILOG = """\b
Examples:
  orchestrator task code 3
  orchestrator task code --issue 12                          the token is that of gh, or GH_TOKEN
  orchestrator task code --prompt "Fix the basket"           or --prompt - to read it from standard input
  orchestrator task code 1.2 -s shop --task-tag checkout     a subtask, of a tag
  orchestrator task code 3 -s shop --github-app Acme-Rex --repository-url https://github.com/acme/shop
"""


def _task_id(text: str) -> int | str:
    """Return the id as Task Master has it: a number, or a text."""
    if text.isascii() and text.isdigit():
        return int(text)
    if not is_valid(fields.TaskId, text):
        raise click.BadParameter("must be a Task Master id, such as 3, 1.2 or HAM-1")
    return text


@click.command(
    help=__doc__,
    epilog=EPILOG,
    params=[
        click.Argument(
            ["task_id"], required=False, type=_task_id, help="Task Master task or subtask, such as 3, 1.2 or HAM-1."
        ),
        option("Number of the repository's issue that is the task.", "--issue", type=click.IntRange(min=1)),
        option("The task in your own words; - reads them from standard input.", "--prompt", metavar="TEXT|-"),
        *spec_options(CodeRunSpec, "task_id"),
        *REQUEST_OPTIONS,
    ],
)
@output_option
def command(
    remote: str | None,
    api_url: str | None,
    idempotency_key: str | None,
    dry_run: bool,
    issue: int | None,
    prompt: str | None,
    output: Output,
    **given: Any,
) -> None:
    """Ask for a code run."""
    if [given["task_id"], issue, prompt].count(None) != 2:
        raise WrongUsage("give exactly one task: TASK_ID, --issue or --prompt")
    fields_given = given_fields(given)
    if prompt is not None:
        fields_given["task"] = submit_code.prompt_as_task(sys.stdin.read() if prompt == "-" else prompt)
    request = Request(fields_given, api_url, idempotency_key, dry_run, issue=issue)
    outcome_view.show(submit_code.run(request, ".", say, remote), output)
