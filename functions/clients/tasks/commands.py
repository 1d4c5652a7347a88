"""`orchestrator task docs` and `orchestrator task code`."""

import sys
from typing import TYPE_CHECKING, Any

from functions.clients.click_helpers import Group
from functions.clients.options import output_option
from functions.clients.output import Output, columns, say, styled, write
from functions.clients.tasks.options import ASKING, CODE, DOCS, fields

if TYPE_CHECKING:
    from functions.clients.tasks.request import Outcome

app = Group(
    "task",
    help="""Asks for work on Task Master tasks.

\b
  export ORCHESTRATOR_API_URL=https://agents.example
  orchestrator task docs -w services/shop         commit and push its .taskmaster, then document its tasks
  orchestrator task code 3 -s shop                implement task 3 of the repository of this directory
  orchestrator task code 3 -s shop --dry-run      only say what would be asked for

\b
Who asks: a Google identity token for *.run.app and *.cloudfunctions.net, else the bearer token in
ORCHESTRATOR_TOKEN; on one machine none is needed.
""",
)
DOCS_EXAMPLE = """\b
Example:
  orchestrator task docs -w services/shop --model claude-opus-4-20250514
"""
CODE_EXAMPLE = """\b
Examples:
  orchestrator task code 3 -s shop
  orchestrator task code 3 -s shop --github-app 5DLabs-Rex --repository-url https://github.com/acme/shop
"""


@app.command(params=[*DOCS, *ASKING], epilog=DOCS_EXAMPLE)
@output_option
def docs(
    working_directory: str,
    remote: str | None,
    api_url: str | None,
    idempotency_key: str | None,
    dry_run: bool,
    output: Output,
    **given: Any,
) -> None:
    """Document the Task Master tasks of a directory.

    Copies tasks/task_NNN.txt to docs/task-N/task.txt, commits and pushes what has changed in .taskmaster (nothing
    else), and asks for the docs run. What is not given is taken from git, and shown.
    """
    from pathlib import Path

    from functions.clients.tasks import docs as work
    from functions.clients.tasks.request import Request

    request = Request(fields(given), api_url, idempotency_key, dry_run)
    _tell(work.run(request, Path(working_directory), say, remote), output)


@app.command(params=[*CODE, *ASKING], epilog=CODE_EXAMPLE)
@output_option
def code(
    remote: str | None,
    api_url: str | None,
    idempotency_key: str | None,
    dry_run: bool,
    output: Output,
    **given: Any,
) -> None:
    """Implement one Task Master task.

    No local files are needed. What is not given is taken from git in this directory, and shown.
    """
    from functions.clients.tasks import code as work
    from functions.clients.tasks.request import Request

    request = Request(fields(given), api_url, idempotency_key, dry_run)
    _tell(work.run(request, ".", say, remote), output)


def _tell(outcome: "Outcome", output: Output) -> None:
    write(output, outcome.facts, lambda: _text(outcome))
    if outcome.accepted and output == "table":
        say(f"follow it with: orchestrator runs watch {outcome.accepted.name}")


def _text(outcome: "Outcome") -> str:
    accepted = outcome.accepted
    if accepted is None:
        return columns([(field, value) for field, value in outcome.spec.items()])
    answer = columns([("NAME", "KIND", "NAMESPACE", "PHASE"), _row(accepted)])
    return answer if not accepted.repeated else f"{answer}\n{styled(accepted.message, 'yellow', sys.stdout)}"


def _row(accepted: Any) -> tuple[str, ...]:
    return (accepted.name, accepted.kind, accepted.namespace, accepted.phase)
