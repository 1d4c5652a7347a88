"""`orchestrator task docs` and `orchestrator task code`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from functions.clients.options import OutputOption
from functions.clients.output import Output, columns, say, styled, write
from functions.clients.tasks.options import CODE, DOCS, environment, options

if TYPE_CHECKING:
    from functions.clients.tasks.request import Outcome, Request

app = typer.Typer(
    name="task",
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
    no_args_is_help=True,
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

ApiUrl = Annotated[
    str | None,
    typer.Option(
        envvar="ORCHESTRATOR_API_URL",
        help="Where the submit functions are: https://HOST (the function's name is added), a URL with {function} in "
        "it, or submit_docs=URL,submit_code=URL.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        help="Asks for the run of an earlier request with this key; with a new key for one beside any other."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing, ask nobody; say what would be done.")]
Remote = Annotated[str | None, typer.Option(help="The git remote, where it cannot be told.")]


@app.command(epilog=DOCS_EXAMPLE)
@options(DOCS)
def docs(
    working_directory: Path = Path(),
    remote: Remote = None,
    api_url: ApiUrl = None,
    idempotency_key: Key = None,
    dry_run: DryRun = False,
    output: OutputOption = Output.TABLE,
    **given: Any,
) -> None:
    """Document the Task Master tasks of a directory.

    Copies tasks/task_NNN.txt to docs/task-N/task.txt, commits and pushes what has changed in .taskmaster (nothing
    else), and asks for the docs run. What is not given is taken from git, and shown.
    """
    from functions.clients.tasks import docs as work

    request = _request(given, api_url, idempotency_key, dry_run)
    _tell(work.run(request, working_directory, say, remote), output)


@app.command(epilog=CODE_EXAMPLE)
@options(CODE)
def code(
    remote: Remote = None,
    api_url: ApiUrl = None,
    idempotency_key: Key = None,
    dry_run: DryRun = False,
    output: OutputOption = Output.TABLE,
    **given: Any,
) -> None:
    """Implement one Task Master task.

    No local files are needed. What is not given is taken from git in this directory, and shown.
    """
    from functions.clients.tasks import code as work

    request = _request(given, api_url, idempotency_key, dry_run)
    _tell(work.run(request, Path(), say, remote), output)


def _request(given: dict[str, Any], api_url: str | None, key: str | None, dry_run: bool) -> "Request":
    from functions.clients.tasks.request import Request

    if "env" in given:
        given["env"] = environment(given["env"])
    return Request(given, api_url, key, dry_run)


def _tell(outcome: "Outcome", output: Output) -> None:
    write(output, outcome.facts, lambda: _text(outcome))
    if outcome.accepted and output is Output.TABLE:
        say(f"follow it with: orchestrator runs watch {outcome.accepted.name}")


def _text(outcome: "Outcome") -> str:
    accepted = outcome.accepted
    if accepted is None:
        return columns([(field, value) for field, value in outcome.spec.items()])
    answer = columns([("NAME", "KIND", "NAMESPACE", "PHASE"), _row(accepted)])
    return answer if not accepted.repeated else f"{answer}\n{styled(accepted.message, 'yellow', sys.stdout)}"


def _row(accepted: Any) -> tuple[str, ...]:
    return (accepted.name, accepted.kind, accepted.namespace, accepted.phase)
