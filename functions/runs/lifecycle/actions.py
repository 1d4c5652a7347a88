"""The steps that `decide` can ask for. Each says what to do, never how; the reconciler performs them."""

from dataclasses import dataclass
from typing import Literal

from functions.runs.model.status import RunStatus


@dataclass(frozen=True, slots=True)
class Nothing:
    """The run is where it should be, or something else has to happen first."""


@dataclass(frozen=True, slots=True)
class ReadJob:
    """Read the Job that the status names, then decide again."""


@dataclass(frozen=True, slots=True)
class ReadPods:
    """Read the pods of that Job, then decide again."""


@dataclass(frozen=True, slots=True)
class ReadEvents:
    """Read the Events of this pod or Job, whose status does not say what it waits for, then decide again."""

    name: str
    kind: Literal["Pod", "Job"] = "Pod"


@dataclass(frozen=True, slots=True)
class Adopt:
    """Put our finalizer on the run, then decide again."""


@dataclass(frozen=True, slots=True)
class Start:
    """Render the task files, write this status, then create what it names."""

    status: RunStatus


@dataclass(frozen=True, slots=True)
class CreateResources:
    """Create what the status already names: the process that recorded the attempt did not, or it was deleted since."""


@dataclass(frozen=True, slots=True)
class WriteStatus:
    """Write this status, then decide again."""

    status: RunStatus


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the live Job of the attempt, then decide again."""


@dataclass(frozen=True, slots=True)
class PreventPods:
    """Keep a Job without pods from ever starting one, then decide again.

    Its deadline does not run while it is suspended, nor, on older servers (measured on 1.20), while its pods are
    rejected.
    """


@dataclass(frozen=True, slots=True)
class Fence:
    """Reserve the name of the attempt's Job with a Job that never starts a pod, then decide again."""


@dataclass(frozen=True, slots=True)
class Close:
    """Write this final status, then label the run as finished."""

    status: RunStatus


@dataclass(frozen=True, slots=True)
class ReopenForSweep:
    """Remove the label of a finished run, then decide again: the sweep must list a run before it is reopened."""


@dataclass(frozen=True, slots=True)
class Release:
    """Leave a tombstone and remove our finalizer, so that the deletion completes."""


Action = (
    Nothing
    | ReadJob
    | ReadPods
    | ReadEvents
    | Adopt
    | Start
    | CreateResources
    | WriteStatus
    | Stop
    | PreventPods
    | Fence
    | Close
    | ReopenForSweep
    | Release
)
