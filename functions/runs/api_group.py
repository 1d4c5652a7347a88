"""The API group of runs, and its labels and finalizer. Needs no models."""

GROUP = "agents.platform"
VERSION = "v1"
API_VERSION = f"{GROUP}/{VERSION}"
FINALIZER = f"{GROUP}/cleanup"
FINISHED = f"{GROUP}/finished"
"""Label of a run with nothing left to do; its value is the run's uid. The sweep lists the runs without it."""


def label(name: str) -> str:
    """Return the label `agents.platform/<name>`."""
    return f"{GROUP}/{name}"
