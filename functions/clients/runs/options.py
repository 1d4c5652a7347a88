"""What the commands of `orchestrator runs` are told: the run, and where it is."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

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
Kind = Annotated[str, typer.Option("--kind", metavar="docs|code", help="Only runs of this kind.")]
WHERE: dict[str, Any] = {
    "kubeconfig": Annotated[
        str, typer.Option("--kubeconfig", envvar=VARIABLES["kubeconfig"], help="The cluster; else KUBECONFIG.")
    ],
    "context": Annotated[
        str, typer.Option("--context", envvar=VARIABLES["context"], help="Context of the kubeconfig.")
    ],
    "namespace": Annotated[
        str, typer.Option("--namespace", "-n", envvar=VARIABLES["namespace"], help="Of the runs.")
    ],
}
"""The options that say where the runs are, by what `place.connect` calls them."""


def placed(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command, whose first parameter is the place of the runs, the options that name it."""
    signature = inspect.signature(command)
    _, *own = signature.parameters.values()
    where = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default="", annotation=WHERE[name]) for name in WHERE
    ]

    def called(**values: Any) -> None:
        named = {name: values.pop(name) for name in WHERE}
        command(_place(**named), **values)

    called.__name__, called.__doc__ = command.__name__, command.__doc__
    called.__dict__["__signature__"] = signature.replace(parameters=[*own, *where])
    return called


def _place(**named: str) -> "Place":
    from functions.clients.runs import place

    return place.connect(**named)
