"""The Kubernetes Jobs of attempts."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from functions.runs.model.kinds import RunKind
from functions.runs.model.per_kind import field_per_kind
from functions.runs.model.quantity import Bytes, Cpu, thousandths
from functions.runs.model.run_spec import MaxRetries, TimeoutSeconds
from functions.settings.pod_additions import PodSettings
from functions.settings.types import Seconds, Section, StorageClass


class Resources(Section):
    """CPU, memory and storage of an agent's container as Kubernetes quantities."""

    cpu: Cpu
    memory: Bytes
    ephemeral_storage: Annotated[
        Bytes | None, Field(description="Storage outside the workspace; null: none is named.")
    ] = None

    @property
    def quantities(self) -> dict[str, str]:
        """The amounts that are set, by Kubernetes' names of resources."""
        amounts = {"cpu": self.cpu, "memory": self.memory, "ephemeral-storage": self.ephemeral_storage}
        return {name: amount for name, amount in amounts.items() if amount is not None}


def _deadline(kind: RunKind) -> tuple[Any, int]:
    description = f"Longest duration of a {kind.word} attempt once it starts."
    return Annotated[TimeoutSeconds, Field(description=description)], kind.default_deadline


@field_per_kind("{word}_deadline", _deadline)
class JobSettings(Section):
    """Jobs that run attempts. Times in seconds."""

    requests: Resources = Resources(cpu="100m", memory="256Mi")
    limits: Resources = Resources(cpu="2", memory="4Gi")
    max_resources: Annotated[
        Resources | None, Field(description="Most that a run's spec.resources may ask for; null: job.limits.")
    ] = None
    ttl_after_finished: Annotated[
        int,
        Field(
            ge=86_400,
            le=2_147_483_647,
            description="How long a finished Job is kept; its name is the lock of its attempt.",
        ),
    ] = 86_400
    broker: Annotated[
        Literal["sidecar", "container"],
        Field(
            description="How the broker runs beside the agent: as a native sidecar (Kubernetes 1.29) or a container."
        ),
    ] = "sidecar"
    pending_wait: Annotated[Seconds, Field(description="How long a run waits for people to fix what it lacks.")] = 900
    max_retries: Annotated[MaxRetries, Field(description="Automatic retries per run.")] = 1
    backoff: Annotated[
        int, Field(ge=0, le=600, description="Wait before the first retry; doubled for each further one, up to 600.")
    ] = 10
    workspace_size: Bytes = "10Gi"
    workspace_class: Annotated[
        StorageClass | None, Field(description="StorageClass; null or empty: the cluster's default.")
    ] = None
    pod: PodSettings = PodSettings()

    @property
    def bounds(self) -> dict[str, str]:
        """The most that a run may ask for, by Kubernetes' names of resources."""
        return (self.max_resources or self.limits).quantities

    def deadline(self, kind: RunKind) -> int:
        """Return the longest that an attempt of this kind may take, in seconds, unless its spec says otherwise."""
        seconds: int = getattr(self, f"{kind.word}_deadline")
        return seconds

    @model_validator(mode="after")
    def _requests_fit(self) -> Self:
        """Refuse a request above its limit, as the API server would refuse every pod."""
        requests, limits = self.requests.quantities, self.limits.quantities
        above = [
            key for key in requests.keys() & limits.keys() if thousandths(requests[key]) > thousandths(limits[key])
        ]
        if above:
            problems = ", ".join(
                f"requests.{key} ({requests[key]}) is above limits.{key} ({limits[key]})" for key in sorted(above)
            )
            raise ValueError(f"{problems}; lower the request or raise the limit")
        return self
