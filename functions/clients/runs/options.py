"""What the commands of `orchestrator runs` are told: the run, and where it is."""

from typing import TYPE_CHECKING, Annotated

import typer

from functions.clients.failing import CommandError
from functions.clients.runs.place import VARIABLES

if TYPE_CHECKING:
    from functions.clients.runs.place import Place


def names(incomplete: str) -> list[str]:
    """Names of runs for the shell's completion; none where the cluster does not tell them."""
    import os

    from functions.clients.runs import finding, place

    try:
        found = [raw["metadata"]["name"] for raw in finding.every(place.from_environment(os.environ))]
    except CommandError:
        return []
    return [name for name in found if name.startswith(incomplete)]


Name = Annotated[str, typer.Argument(help="The run's name.", autocompletion=names)]
Kubeconfig = Annotated[
    str, typer.Option("--kubeconfig", envvar=VARIABLES["kubeconfig"], help="The cluster; else KUBECONFIG.")
]
Context = Annotated[str, typer.Option("--context", envvar=VARIABLES["context"], help="Context of the kubeconfig.")]
Namespace = Annotated[str, typer.Option("--namespace", "-n", envvar=VARIABLES["namespace"], help="Of the runs.")]
Kind = Annotated[str, typer.Option("--kind", metavar="docs|code", help="Only runs of this kind.")]


def place_of(kubeconfig: str, context: str, namespace: str) -> "Place":
    """The place that the options name."""
    from functions.clients.runs import place

    return place.connect(kubeconfig, context, namespace)
