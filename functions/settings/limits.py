"""How many runs work at the same time."""

from typing import Annotated

from pydantic import Field

from functions.settings.types import LocalQueue, Section


class LimitSettings(Section):
    """How many runs may work at the same time; runs over a limit wait as Queued. null: no limit."""

    runs: Annotated[int | None, Field(ge=0, le=2000, description="In the whole installation; 0 pauses it.")] = None
    per_service: Annotated[int | None, Field(ge=1, le=2000, description="Code runs of one service.")] = None
    per_agent: Annotated[int | None, Field(ge=1, le=2000, description="Runs of one agent or GitHub user.")] = None
    kueue_queue: Annotated[
        LocalQueue, Field(description="Kueue LocalQueue that also admits each Job; empty: Jobs start at once.")
    ] = ""
    exclusive: Annotated[
        bool,
        Field(
            description="One code run per workspace and one docs run per repository, branch and directory at a time."
        ),
    ] = True
