"""How long finished work is kept."""

from typing import Annotated

from pydantic import Field

from functions.settings.types import Days, Section


class RetentionSettings(Section):
    """How long things are kept, in days."""

    succeeded_days: Annotated[Days, Field(description="Runs that succeeded.")] = 7
    otherwise_days: Annotated[Days, Field(description="Runs that failed or were cancelled.")] = 30
    max_finished: Annotated[
        int | None, Field(ge=1, description="Most finished runs to keep, the latest; null: no limit.")
    ] = None
    tombstone_days: Annotated[
        Days,
        Field(ge=7, description="Records of deleted runs, which identify repeated requests; a queue keeps 7 days."),
    ] = 7
    workspace_days: Annotated[
        Days | None,
        Field(ge=1, description="Workspaces that no run uses are reported after this time; null: never."),
    ] = None
    delete_workspaces: Annotated[
        bool, Field(description="Delete such workspaces, with everything in them, instead of reporting them.")
    ] = False
