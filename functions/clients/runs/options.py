"""What the commands of `orchestrator runs` are told: the run, and where it is."""

from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any

import click

from functions.clients.errors import CommandError
from functions.clients.runs.target import VARIABLES

if TYPE_CHECKING:
    from functions.clients.runs.target import ClusterTarget


def names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of runs for the shell's completion; none where the cluster does not tell them."""
    import os

    from functions.clients.runs import lookup, target

    try:
        found = [raw["metadata"]["name"] for raw in lookup.find_all(target.from_environment(os.environ))]
    except CommandError:
        return []
    return [name for name in found if name.startswith(incomplete)]


name_argument = click.argument("name", shell_complete=names, help="The run's name.")
kind_option = click.option("--kind", default="", metavar="docs|code", help="Only runs of this kind.")


def _where(option: str, *short: str, words: str) -> Callable[..., Any]:
    variable = VARIABLES[option]
    return click.option(f"--{option}", *short, default="", envvar=variable, show_envvar=True, help=words)


WHERE = (
    _where("kubeconfig", words="The cluster; else KUBECONFIG."),
    _where("context", words="Context of the kubeconfig."),
    _where("namespace", "-n", words="Of the runs."),
)
"""The options that say where the runs are, by what `place.connect` calls them."""


def with_target_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command, whose first parameter is the place of the runs, the options that name it."""

    def called(kubeconfig: str, context: str, namespace: str, **given: Any) -> None:
        command(_place(kubeconfig, context, namespace), **given)

    found: Callable[..., None] = update_wrapper(called, command)
    for option in reversed(WHERE):
        found = option(found)
    return found


def _place(kubeconfig: str, context: str, namespace: str) -> "ClusterTarget":
    from functions.clients.runs import target

    return target.connect(kubeconfig, context, namespace)
