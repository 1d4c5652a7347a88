"""The queue that events are published to."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from functions.settings.types import ProjectId, Section, Url, UrlOrNone, matching, or_empty

Account = Annotated[str, or_empty(matching(r"[^@\s]+@[^@\s]+", "must be the e-mail address of a service account"))]


class QueueSettings(Section):
    """The queue that events are published to: the embedded one (`url`) or Google Pub/Sub (`project`), not both.

    `orchestrator queues apply` configures push subscriptions from `endpoints`, `push_identity` and `push_audience`.
    """

    url: Annotated[UrlOrNone, Field(description="URL of the embedded queue.")] = ""
    project: Annotated[ProjectId, Field(description="Google Cloud project of the topics.")] = ""
    prefix: Annotated[
        str,
        Field(
            pattern=r"^([a-z][a-z0-9-]{0,99})?$",
            description="Prefix of topics and subscriptions on Pub/Sub, for installations that share a project.",
        ),
    ] = ""
    endpoints: Annotated[
        dict[str, Url],
        Field(description="URL of each function by its target (submit_docs, reconcile, ...)."),
    ] = {}
    push_identity: Annotated[Account, Field(description="Service account whose OIDC token pushes carry.")] = ""
    push_audience: Annotated[str, Field(description="Audience of that token; empty: the function's URL.")] = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.url and self.project:
            raise ValueError("url (the embedded queue) and project (Pub/Sub) are both set; keep one of them")
        given = {"prefix": self.prefix, "endpoints": self.endpoints, "push_identity": self.push_identity}
        unused = [key for key, value in given.items() if value and not self.project]
        if unused:
            raise ValueError(f"{', '.join(unused)} set without project; set queues.project too")
        if self.push_audience and not self.push_identity:
            raise ValueError("push_audience is set without push_identity; set queues.push_identity too")
        return self

    @property
    def configured(self) -> bool:
        """Whether there is a queue to publish to."""
        return bool(self.url or self.project)
