"""The options of `task docs` and `task code`: the fields of their specs in kebab-case, each once.

They are data of their own, since the models of the specs are too slow to import for `--help`. A test compares both:
every field has its option, with the same words.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import click

from functions.clients.api_url import VARIABLE
from functions.clients.errors import WrongUsage


def _option(words: str, *names: str, **more: Any) -> click.Option:
    return click.Option(names, help=words, **more)


FIRST = (
    _option("Full model name, passed verbatim.", "--model"),
    _option("GitHub login whose SSH key is used.", "--github-user"),
    _option("GitHub App, such as 5DLabs-Rex; its last part names the agent.", "--github-app"),
    _option("Repository the work happens in.", "--repository-url"),
)
LAST = (
    _option("Program that works: a directory of templates/.", "--agent-cli"),
    _option("Environment variables for the agent.", "--env", multiple=True, metavar="NAME=VALUE"),
    _option("Secrets whose keys become environment variables.", "--env-from-secrets", multiple=True),
    _option("Longest an attempt may take.", "--timeout-seconds", type=int),
    _option("Automatic retries after failed attempts.", "--max-retries", type=int),
    _option("How long a finished Job is kept.", "--ttl-seconds-after-finished", type=int),
    _option("Higher is admitted first.", "--priority", type=int),
    _option("Most turns of the agent.", "--max-turns", type=int),
    _option("Most the agent may spend, in US dollars.", "--max-cost-usd", type=float),
)
DOCS: tuple[click.Parameter, ...] = (
    _option(
        "Directory that holds .taskmaster.",
        "-w",
        "--working-directory",
        type=click.Path(),
        default=".",
        show_default=True,
    ),
    *FIRST,
    _option("Branch to document; the pull request goes back to it.", "--source-branch"),
    *LAST,
)
CODE: tuple[click.Parameter, ...] = (
    click.Argument(["task_id"], type=int, help="Task Master task."),
    _option("Service the work is for; owns the workspace.", "-s", "--service", required=True),
    *FIRST,
    _option("Base of the work and of the pull request.", "--branch"),
    _option("Directory of the repository to work in.", "-w", "--working-directory"),
    _option("Repository the Task Master definitions come from.", "--platform-repository-url"),
    _option("Its branch; default: that repository's default branch.", "--platform-branch"),
    _option("Directory there that holds .taskmaster.", "--platform-directory"),
    _option("Preset of MCP tools.", "--tool-config", type=click.Choice(["minimal", "default", "advanced"])),
    _option("Remote MCP tools, comma separated; replaces the preset's.", "--remote-tools"),
    _option("Local MCP tools, comma separated; replaces the preset's.", "--local-tools"),
    _option("What a person adds to the prompt.", "--prompt-modification"),
    _option(
        "Whether it is added to the prompt or replaces it.",
        "--prompt-mode",
        type=click.Choice(["append", "replace"]),
    ),
    _option("Take up the last session of the workspace.", "--continue-session", is_flag=True, default=None),
    _option("Raised by each person's retry.", "--context-version", type=int),
    *LAST,
)

ASKING = (
    _option("The git remote, where it cannot be told.", "--remote"),
    _option(
        "Where the submit functions are: https://HOST (the function's name is added), a URL with {function} in it, "
        "or submit_docs=URL,submit_code=URL.",
        "--api-url",
        envvar=VARIABLE,
        show_envvar=True,
    ),
    _option(
        "Asks for the run of an earlier request with this key; with a new key for one beside any other.",
        "--idempotency-key",
    ),
    _option("Change nothing, ask nobody; say what would be done.", "--dry-run", is_flag=True),
)
"""What both commands have besides the fields of their spec."""


def fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was given of `values`, as the spec has it in snake_case. Raises WrongUsage."""
    given = {name: value for name, value in values.items() if value not in (None, ())}
    found = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    return {**found, "env": environment(found["env"])} if "env" in found else found


def environment(given: Iterable[str]) -> list[dict[str, str]]:
    """`NAME=VALUE` of each --env as the spec has it. Raises WrongUsage for one without `=`."""
    pairs = [each.partition("=") for each in given]
    if not all(equals for _, equals, _ in pairs):
        raise WrongUsage("--env: must be NAME=VALUE; it may be given several times")
    return [{"name": name, "value": value} for name, _, value in pairs]
