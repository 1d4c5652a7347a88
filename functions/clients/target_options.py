"""Options and arguments of the commands of `orchestrator runs`: which run, on which cluster."""

import os
from collections.abc import Callable
from functools import update_wrapper
from typing import Any

import click

from functions.clients.errors import CommandError
from functions.clients.runs import lookup, target
from functions.clients.runs.target import VARIABLES
from functions.runs.model.kinds import BY_WORD


def run_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return names of runs for the shell's completion; none if the cluster does not answer."""
    try:
        names = [raw["metadata"]["name"] for raw in lookup.find_all(target.from_environment(os.environ))]
    except CommandError:
        return []
    return [name for name in names if name.startswith(incomplete)]


name_argument = click.argument("name", shell_complete=run_names, help="The run's name.")
kind_option = click.option("--kind", default="", metavar="|".join(BY_WORD), help="Only runs of this kind.")


def _target_option(name: str, *short: str, words: str) -> Callable[..., Any]:
    return click.option(f"--{name}", *short, default="", envvar=VARIABLES[name], show_envvar=True, help=words)


TARGET_OPTIONS = (
    _target_option("kubeconfig", words="The cluster; else KUBECONFIG."),
    _target_option("context", words="Context of the kubeconfig."),
    _target_option("namespace", "-n", words="Namespace of the runs."),
)
"""The options that name a cluster and a namespace, by the parameters of `target.connect`."""


def with_target_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the target options to a command whose first parameter is a ClusterTarget."""

    def called(kubeconfig: str, context: str, namespace: str, **given: Any) -> None:
        command(target.connect(kubeconfig, context, namespace), **given)

    wrapped: Callable[..., None] = update_wrapper(called, command)
    for option in reversed(TARGET_OPTIONS):
        wrapped = option(wrapped)
    return wrapped
