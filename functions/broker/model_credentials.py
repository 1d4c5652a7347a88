"""The credential of the model API, which replaces the pod's random value in each request."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from functions.broker.configuration import Model
from functions.broker.secret_files import SecretFile


class ModelCredential(Protocol):
    """The credential for one upstream."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers that authenticate the next request; may block. Raises ProblemError."""
        ...


class SecretCredential:
    """A value from a secret, sent in one header."""

    def __init__(self, secret: SecretFile, form: Callable[[str], Mapping[str, str]]) -> None:
        self._secret, self._form = secret, form

    def headers(self) -> Mapping[str, str]:
        """Return the header with the value. Raises ProblemError."""
        return self._form(self._secret.read())


def credential_of(model: Model, mounted: Path, namespace: str) -> ModelCredential:
    """Return the credential for the configured upstream, without reading its secret."""
    secret = SecretFile(mounted, model.secret, model.key, namespace)
    match model.credential:
        case "api_key":
            return SecretCredential(secret, lambda value: {"x-api-key": value})
        case "bearer_token" | "bedrock":  # Amazon Bedrock API keys are bearer tokens too
            return SecretCredential(secret, _bearer)
        case "vertex":
            # Imported here: only Vertex AI needs Google's modules, and each attempt waits for its broker's start.
            from functions.broker.google_credential import GoogleCredential

            return GoogleCredential(secret)


def _bearer(value: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {value}"}
