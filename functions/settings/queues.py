"""Where events go."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from functions.settings.types import Section
from functions.settings.values import ProjectId, Url, UrlOrNone, matching, or_empty

Account = Annotated[str, or_empty(matching(r"[^@\s]+@[^@\s]+", "must be the e-mail address of a service account"))]


class QueueSettings(Section):
    """Where events are published: on the embedded queue (`url`) or on Google Pub/Sub (`project`), not on both.

    `endpoints`, `push_identity` and `push_audience` are what `orchestrator queues apply` sets up pushes with.
    """

    url: Annotated[UrlOrNone, Field(description="URL of the embedded queue.")] = ""
    project: Annotated[ProjectId, Field(description="Google Cloud project of the topics.")] = ""
    prefix: Annotated[
        str,
        Field(
            pattern=r"^([a-z][a-z0-9-]{0,99})?$",
            description="Begins the names of topics and subscriptions on Pub/Sub, where several share a project.",
        ),
    ] = ""
    endpoints: Annotated[
        dict[str, Url],
        Field(description="URL of each function, by its target (submit_docs, reconcile, ...)."),
    ] = {}
    push_identity: Annotated[Account, Field(description="Service account whose OIDC token pushes carry.")] = ""
    push_audience: Annotated[str, Field(description="Audience of that token; empty: the function's URL.")] = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.url and self.project:
            raise ValueError("url (the embedded queue) and project (Pub/Sub) are both set; keep one of them")
        given = {"prefix": self.prefix, "endpoints": self.endpoints, "push_identity": self.push_identity}
        lost = [key for key, value in given.items() if value and not self.project]
        if lost:
            raise ValueError(f"{', '.join(lost)} set without project; set queues.project too")
        if self.push_audience and not self.push_identity:
            raise ValueError("push_audience is set without push_identity; set queues.push_identity too")
        return self

    @property
    def configured(self) -> bool:
        """Whether there is anything to publish to."""
        return bool(self.url or self.project)
