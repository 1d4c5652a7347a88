"""The Jobs that attempts run in."""

from typing import Annotated

from pydantic import Field

from functions.settings.section import Quantity, Section


class Resources(Section):
    """CPU and memory of an agent's container, as Kubernetes quantities."""

    cpu: Quantity
    memory: Quantity


class JobSettings(Section):
    """Jobs that run attempts. Times in seconds."""

    code_deadline: Annotated[int, Field(ge=1, description="Longest a code attempt may take once it starts.")] = 7200
    docs_deadline: Annotated[int, Field(ge=1, description="Longest a docs attempt may take once it starts.")] = 14_400
    requests: Resources = Resources(cpu="100m", memory="256Mi")
    limits: Resources = Resources(cpu="2", memory="4Gi")
    ttl_after_finished: Annotated[
        int,
        Field(ge=86_400, le=2_147_483_647, description="How long a finished Job is kept; it is its attempt's lock."),
    ] = 86_400
    pending_wait: Annotated[int, Field(ge=1, description="How long a run waits for what people can mend.")] = 900
    max_retries: Annotated[int, Field(ge=0, le=10, description="Automatic retries per run.")] = 1
    backoff: Annotated[int, Field(ge=0, description="Wait before the first retry; doubled for each more.")] = 10
    workspace_size: Quantity = "10Gi"
    workspace_class: Annotated[str | None, Field(description="StorageClass; null: the cluster's default.")] = None
