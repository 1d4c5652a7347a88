"""Many runs: how many work at once, and how long what they leave is kept."""

from typing import Annotated

from pydantic import Field

from functions.settings.names import LocalQueue
from functions.settings.types import Section
from functions.settings.values import Days


class LimitSettings(Section):
    """How many runs work at once; what is over a limit waits as Queued. null: no limit."""

    runs: Annotated[int | None, Field(ge=0, le=2000, description="Of the installation; 0 pauses it.")] = None
    per_service: Annotated[int | None, Field(ge=1, le=2000, description="Code runs of one service.")] = None
    per_agent: Annotated[int | None, Field(ge=1, le=2000, description="Of one agent or GitHub user.")] = None
    kueue_queue: Annotated[
        LocalQueue, Field(description="Kueue LocalQueue that also admits each Job; empty: Jobs start at once.")
    ] = ""
    exclusive: Annotated[
        bool,
        Field(
            description="One code run per workspace and one docs run per repository, branch and directory at a time."
        ),
    ] = True


class RetentionSettings(Section):
    """How long things are kept, in days."""

    succeeded_days: Annotated[Days, Field(description="Runs that succeeded.")] = 7
    otherwise_days: Annotated[Days, Field(description="Runs that failed or were cancelled.")] = 30
    tombstone_days: Annotated[
        Days,
        Field(ge=7, description="What tells a request that comes again of its deleted run; a queue keeps it 7 days."),
    ] = 7
    workspace_days: Annotated[
        Days | None, Field(ge=1, description="Workspaces that no run names are reported after it; null: never.")
    ] = None
    delete_workspaces: Annotated[bool, Field(description="Delete them then, with all that is in them.")] = False
