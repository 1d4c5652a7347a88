"""The steps that `decide` can ask for. Each says what to do, never how; `handlers` performs them."""

from typing import Literal

from functions.record import record
from functions.runs.model.status import RunStatus


@record
class Nothing:
    """The run is where it should be, or somebody else has to move first."""


@record
class LookAtJob:
    """Read the Job that the status names, then decide again."""


@record
class LookAtPods:
    """Read the pods of that Job, then decide again."""


@record
class LookAtEvents:
    """Read the Events of this pod, or Job, which does not say itself what it waits for, then decide again."""

    name: str
    kind: Literal["Pod", "Job"] = "Pod"


@record
class Adopt:
    """Put our finalizer on the run, then decide again."""


@record
class Start:
    """Render the task files, write this status, then create what it names."""

    status: RunStatus


@record
class CreateResources:
    """Create what the status names already: whoever recorded the attempt did not get so far."""


@record
class WriteStatus:
    """Write this status, then decide again."""

    status: RunStatus


@record
class Stop:
    """End the live Job of the attempt; its end is an event of its own."""


@record
class Withdraw:
    """Keep a Job without pods from ever starting one, then decide again.

    Its deadline does not run while it is suspended, nor, on older servers (measured on 1.20), while its pods are
    refused.
    """


@record
class Fence:
    """Create the attempt's Job so that it never starts a pod, then decide again: its name is taken from now on."""


@record
class Close:
    """Write this final status, and mark the run as finished."""

    status: RunStatus


@record
class Unmark:
    """Take the mark of a finished run off, then decide again: the sweep must see a run before it is reopened."""


@record
class Release:
    """Leave a tombstone and take our finalizer off, so that the deletion completes."""


Action = (
    Nothing
    | LookAtJob
    | LookAtPods
    | LookAtEvents
    | Adopt
    | Start
    | CreateResources
    | WriteStatus
    | Stop
    | Withdraw
    | Fence
    | Close
    | Unmark
    | Release
)
