"""The credential of Vertex AI: a token of a Google service account."""

import json
from collections.abc import Mapping

import google.auth
import google.auth.exceptions
import google.auth.transport.urllib3
import urllib3
from google.auth.credentials import Credentials
from google.oauth2 import service_account

from functions.broker.problems import Problem, ProblemError
from functions.broker.secret_files import SecretFile

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""The scope that Vertex AI requires (Vertex AI: Authentication)."""


class GoogleCredential:
    """A short-lived token of a service account, from the key in the secret or else from the pod's own identity."""

    def __init__(self, secret: SecretFile) -> None:
        self._secret = secret
        self._request = google.auth.transport.urllib3.Request(urllib3.PoolManager())  # type: ignore[no-untyped-call]
        self._credentials: Credentials | None = None

    def headers(self) -> Mapping[str, str]:
        """Return the header with a token that is valid for some minutes. Raises ProblemError."""
        try:
            self._credentials = self._credentials or self._load()
            if not self._credentials.valid:
                self._credentials.refresh(self._request)  # type: ignore[no-untyped-call]
        except google.auth.exceptions.TransportError as error:
            raise ProblemError(Problem("NetworkError", f"Google did not issue a token: {error}")) from None
        except google.auth.exceptions.GoogleAuthError as error:
            raise self._secret.problem(f"is not accepted by Google ({type(error).__name__})") from None
        return {"Authorization": f"Bearer {self._credentials.token}"}

    def _load(self) -> Credentials:
        try:
            text = self._secret.read()
        except ProblemError:
            return self._identity_of_pod()
        try:
            key = json.loads(text)
            credentials: Credentials = service_account.Credentials.from_service_account_info(key, scopes=[SCOPE])  # type: ignore[no-untyped-call]
        except (ValueError, TypeError):
            raise self._secret.problem("is not the JSON key of a service account") from None
        return credentials

    def _identity_of_pod(self) -> Credentials:
        try:
            credentials: Credentials = google.auth.default(scopes=[SCOPE], request=self._request)[0]
        except google.auth.exceptions.DefaultCredentialsError:
            raise self._secret.problem("is missing, and the pod has no identity in Google Cloud,") from None
        return credentials
