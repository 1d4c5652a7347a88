"""Models of the API: snake_case in Python, camelCase on the wire."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class ApiModel(BaseModel):
    """A model whose wire names are camelCase. Unknown fields are ignored: a newer revision may know them."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        frozen=True,
        hide_input_in_errors=True,  # errors are logged, and what is wrong may be a secret
    )


def wire(model: BaseModel) -> dict[str, Any]:
    """`model` as JSON on the wire: camelCase, without what is absent."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)
