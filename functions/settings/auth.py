"""Authentication of callers."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from functions.settings.types import Section


class AuthSettings(Section):
    """How callers of the submit functions authenticate."""

    mode: Annotated[
        Literal["none", "bearer", "iam"],
        Field(
            description="none: loopback only; bearer: the tokens below; iam: the platform has verified an OIDC token."
        ),
    ] = "none"
    tokens: Annotated[
        dict[str, str], Field(description="Bearer tokens by caller's name, for mode bearer.", repr=False)
    ] = {}

    @field_validator("tokens")
    @classmethod
    def _unique_tokens(cls, tokens: dict[str, str]) -> dict[str, str]:
        owners: dict[str, str] = {}
        for name, token in tokens.items():
            if not re.fullmatch("[!-~]([ -~]*[!-~])?", token):  # text that a header transmits unchanged
                problem = "has a line break, spaces around it or a character outside ASCII" if token else "is empty"
                raise ValueError(f"the token of {name} {problem}; use a token of letters and digits")
            if owners.setdefault(token, name) != name:
                raise ValueError(f"{owners[token]} and {name} have the same token; give each caller its own")
        return tokens

    @property
    def one_machine(self) -> bool:
        """Whether the functions serve this machine alone, whose repositories agents may reach."""
        return self.mode == "none"

    @model_validator(mode="after")
    def _bearer_needs_tokens(self) -> Self:
        if self.mode == "bearer" and not self.tokens:
            raise ValueError("tokens must name at least one caller when mode is bearer")
        return self
