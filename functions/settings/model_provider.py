"""Where the model of the agent CLI claude is served, and with which kind of credential. The broker asks it there."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from functions.settings.types import Section, UrlOrNone


class Price(Section):
    """US dollars per million tokens."""

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]
    cache_read: Annotated[float, Field(ge=0)] = 0.0
    cache_write: Annotated[float, Field(ge=0)] = 0.0


class ModelProviderSettings(Section):
    """The model's API. Its credential is in the Secret `secrets.api_key_secret_name`."""

    provider: Literal["anthropic", "gateway", "bedrock", "vertex"] = "anthropic"
    credential: Annotated[
        Literal["api_key", "oauth_token"], Field(description="What the Secret holds for the provider anthropic.")
    ] = "api_key"
    url: Annotated[UrlOrNone, Field(description="Base URL; required for gateway, else the provider's own.")] = ""
    region: Annotated[
        str, Field(pattern=r"^[a-z0-9-]*$", description="Region of bedrock or vertex; required for them.")
    ] = ""
    project: Annotated[
        str, Field(pattern=r"^[a-z0-9:.-]*$", description="Google Cloud project of vertex; required for it.")
    ] = ""
    prices: Annotated[
        dict[str, Price],
        Field(description="By the beginning of a model's name; for the costs that the broker counts itself."),
    ] = {}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        required = {"gateway": ("url",), "bedrock": ("region",), "vertex": ("region", "project")}
        missing = [name for name in required.get(self.provider, ()) if not getattr(self, name)]
        if missing:
            raise ValueError(f"provider {self.provider} needs {' and '.join(missing)}; set model.{missing[0]}")
        if self.credential == "oauth_token" and self.provider != "anthropic":
            raise ValueError("credential oauth_token is for the provider anthropic only; remove model.credential")
        return self

    @property
    def upstream(self) -> str:
        """The base URL of the API, as the agent CLI's base URL would be, without a slash at its end."""
        match self.provider:
            case "bedrock":
                url = self.url or f"https://bedrock-runtime.{self.region}.amazonaws.com"
            case "vertex":
                place = "" if self.region == "global" else f"{self.region}-"
                url = self.url or f"https://{place}aiplatform.googleapis.com/v1"
            case _:
                url = self.url or "https://api.anthropic.com"
        return url.rstrip("/")
