"""The queue that events are published to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from functions.settings.nats import NatsSettings
from functions.settings.types import ProjectId, Section, Url, UrlOrNone, matching, or_empty

Account = Annotated[str, or_empty(matching(r"[^@\s]+@[^@\s]+", "must be the e-mail address of a service account"))]


@dataclass(frozen=True, slots=True)
class BackEndName:
    """The package of a back end in `queues/backends`, and its title for people."""

    package: str
    title: str


BACK_ENDS: Mapping[str, BackEndName] = {
    "url": BackEndName("embedded", "the embedded queue"),
    "project": BackEndName("pubsub", "Pub/Sub"),
    "nats.servers": BackEndName("nats", "NATS"),
}
"""The back ends, by the field that selects each."""

SELECT_BACK_END = "set " + " or ".join(f"queues.{field} ({back_end.title})" for field, back_end in BACK_ENDS.items())
"""The remedy if no queue is configured."""

READ_BY: Mapping[str, Sequence[str]] = {
    "prefix": ("project", "nats.servers"),
    "endpoints": ("project", "nats.servers"),
    "push_identity": ("project",),
    "push_token": ("nats.servers",),
}
"""The fields that only some back ends read, and the fields that select these."""


class QueueSettings(Section):
    """The queue that events are published to: embedded (`url`), Google Pub/Sub (`project`) or NATS (`nats`).

    `orchestrator queues apply` configures Pub/Sub from `endpoints`, `push_identity` and `push_audience`;
    `orchestrator dispatch` delivers from NATS to `endpoints`, with `push_token`.
    """

    url: Annotated[UrlOrNone, Field(description="URL of the embedded queue.")] = ""
    project: Annotated[ProjectId, Field(description="Google Cloud project of the topics.")] = ""
    nats: Annotated[NatsSettings, Field(description="NATS JetStream.")] = NatsSettings()
    prefix: Annotated[
        str,
        Field(
            pattern=r"^([a-z][a-z0-9-]{0,99})?$",
            description="Prefix of topics and subscriptions, for installations that share a project or a NATS account.",
        ),
    ] = ""
    endpoints: Annotated[
        dict[str, Url],
        Field(description="URL of each function by its target (submit_docs, reconcile, ...)."),
    ] = {}
    push_identity: Annotated[Account, Field(description="Service account whose OIDC token pushes carry.")] = ""
    push_audience: Annotated[str, Field(description="Audience of that token; empty: the function's URL.")] = ""
    push_token: Annotated[
        SecretStr, Field(description="Bearer token that `orchestrator dispatch` sends; one of auth.tokens.")
    ] = SecretStr("")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.selected) > 1:
            both = " and ".join(f"{name} ({BACK_ENDS[name].title})" for name in self.selected)
            raise ValueError(f"{both} are both set; keep one of them")
        unused: dict[Sequence[str], list[str]] = {}
        for name, owners in READ_BY.items():
            if _is_set(self, name) and not set(owners) & set(self.selected):
                unused.setdefault(owners, []).append(name)
        for owners, names in unused.items():
            why = f"{', '.join(names)} set without {' or '.join(owners)}"
            raise ValueError(f"{why}; set queues.{owners[0]} too")
        if self.push_audience and not self.push_identity:
            raise ValueError("push_audience is set without push_identity; set queues.push_identity too")
        return self

    @property
    def selected(self) -> Sequence[str]:
        """The fields that select a back end and are set; at most one."""
        return [name for name in BACK_ENDS if _is_set(self, name)]

    @property
    def configured(self) -> bool:
        """Whether there is a queue to publish to."""
        return bool(self.selected)


def _is_set(settings: QueueSettings, name: str) -> bool:
    value = attrgetter(name)(settings)
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
