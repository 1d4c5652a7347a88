"""What every section of the settings is made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Quantity = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(m|k|[KMGTPE]i|[MGTPE])?$")]
"""Amount of a resource, as Kubernetes writes it: 500m, 2, 4Gi."""


class Section(BaseModel):
    """Settings cannot be changed after start, and a key nobody knows is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
