"""The broker: the container beside the agent's that holds its credentials."""

from typing import Annotated, Literal

from pydantic import Field

from functions.settings.job import Resources
from functions.settings.types import ImageRepository, ImageTag, Section


class BrokerSettings(Section):
    """The broker's container; its image is the product's own (infra/images), and there is no default for it."""

    image: Annotated[ImageRepository, Field(description="Repository of the product's image, without the tag.")]
    tag: Annotated[ImageTag, Field(description="Tag of the image, optionally followed by @sha256:DIGEST.")] = "latest"
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    requests: Resources = Resources(cpu="20m", memory="96Mi")
    limits: Resources = Resources(cpu="1", memory="384Mi")
