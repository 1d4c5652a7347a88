"""Who may call."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from functions.settings.types import Section


class AuthSettings(Section):
    """Who may call the submit functions."""

    mode: Annotated[
        Literal["none", "bearer", "iam"],
        Field(description="none: loopback only; bearer: tokens below; iam: the platform checked the OIDC token."),
    ] = "none"
    tokens: Annotated[
        dict[str, str], Field(description="Caller's name to bearer token, for mode bearer.", repr=False)
    ] = {}

    @field_validator("tokens")
    @classmethod
    def _each_is_one_callers(cls, tokens: dict[str, str]) -> dict[str, str]:
        owners: dict[str, str] = {}
        for name, token in tokens.items():
            if not re.fullmatch("[!-~]([ -~]*[!-~])?", token):  # what a header hands on as it is
                what = "has a line break, spaces around it or a letter outside ASCII" if token else "is empty"
                raise ValueError(f"the token of {name} {what}; give the caller one of letters and digits")
            if owners.setdefault(token, name) != name:
                raise ValueError(f"{owners[token]} and {name} have the same token; give each caller one of their own")
        return tokens

    @model_validator(mode="after")
    def _bearer_needs_tokens(self) -> Self:
        if self.mode == "bearer" and not self.tokens:
            raise ValueError("tokens must name at least one caller when mode is bearer")
        return self
