"""The console: where it is found, and who may see it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from functions.settings.types import Section, UrlOrNone


class ConsoleSettings(Section):
    """The web page of an installation, as a read-only function behind the platform's identity."""

    url: Annotated[
        UrlOrNone, Field(description="Address of the console, which comments on GitHub link to; empty: no links.")
    ] = ""
    identity: Annotated[
        Literal["none", "iap", "ingress"],
        Field(
            description="none: loopback only; iap: Google's Identity-Aware Proxy, whose assertion is verified; "
            "ingress: a proxy in front has authenticated the person and names them in the header below."
        ),
    ] = "none"
    audience: Annotated[
        str,
        Field(
            pattern=r"^(/projects/\d+/[!-~]+)?$",
            description="Audience of the assertion for iap, such as /projects/NUMBER/locations/REGION/services/NAME.",
        ),
    ] = ""
    header: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9-]+$",
            description="Header with the person's name for ingress. The proxy must remove it from what people send.",
        ),
    ] = "X-Forwarded-Email"

    @model_validator(mode="after")
    def _iap_needs_audience(self) -> Self:
        if self.identity == "iap" and not self.audience:
            raise ValueError(
                "audience is required for identity iap, else assertions for any other service would be accepted; "
                "set console.audience"
            )
        return self
