"""The queue that events are published to."""

from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from functions.settings.nats import NatsSettings
from functions.settings.types import ProjectId, Section, Url, UrlOrNone, matching, or_empty

Account = Annotated[str, or_empty(matching(r"[^@\s]+@[^@\s]+", "must be the e-mail address of a service account"))]


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
        selected = {
            "url (the embedded queue)": self.url,
            "project (Pub/Sub)": self.project,
            "nats.servers (NATS)": self.nats.servers,
        }
        both = [name for name, value in selected.items() if value]
        if len(both) > 1:
            raise ValueError(f"{' and '.join(both)} are both set; keep one of them")
        self._refuse_unused({"prefix": self.prefix, "endpoints": self.endpoints}, "project or nats.servers")
        self._refuse_unused({"push_identity": self.push_identity}, "project")
        self._refuse_unused({"push_token": self.push_token.get_secret_value()}, "nats.servers")
        if self.push_audience and not self.push_identity:
            raise ValueError("push_audience is set without push_identity; set queues.push_identity too")
        return self

    def _refuse_unused(self, given: dict[str, object], owners: str) -> None:
        """Raise ValueError for a setting that no selected back end reads."""
        unused = [key for key, value in given.items() if value]
        owned = (self.project and "project" in owners) or (self.nats.servers and "nats.servers" in owners)
        if unused and not owned:
            first = owners.partition(" or ")[0]
            raise ValueError(f"{', '.join(unused)} set without {owners}; set queues.{first} too")

    @property
    def configured(self) -> bool:
        """Whether there is a queue to publish to."""
        return bool(self.url or self.project or self.nats.servers)
