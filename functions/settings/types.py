"""What every section of the settings is made of."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Settings cannot be changed after start, and a key nobody knows is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
