"""One context of the user's kubeconfig files, as the `kubernetes` package reads them, and its errors in plain words.

The package merges the files and handles tokens, client certificates, exec and auth plugins. Added here: a `tokenFile`
is read again while the process runs, as kubectl does, and a command that gives no credentials is an error.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from kubernetes.client import Configuration
from kubernetes.config import ConfigException
from kubernetes.config.kube_config import ConfigNode, KubeConfigLoader, KubeConfigMerger
from urllib3.util import parse_url
from yaml import YAMLError

from functions.cluster.errors import NoCredentials
from functions.settings.cluster import ClusterSettings

TOKEN_SECONDS = 60.0
"""How long a token read from a file is used: as long as the package uses that of a pod."""

REFUSED = "no credentials for the cluster (setting cluster.kubeconfig)"
REMEDY = "give a file that `kubectl config view` shows"

MALFORMED = (AttributeError, KeyError, TypeError, ValueError, RecursionError)
"""Errors that the package raises for values of unexpected types."""


class Kubeconfig:
    """The context that the settings name, or the current one.

    Raises NoCredentials, naming the files, if they cannot be used.
    """

    def __init__(self, settings: ClusterSettings) -> None:
        self._source = settings.kubeconfig or os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
        with explained(self._source):
            files = KubeConfigMerger(self._source)
            if files.config is None:
                raise ConfigException("there is no such file")
            for entry in files.config["users"].value:
                entry.value["user"] = entry.value.get("user") or {}  # null is a user without credentials
            self._loader = KubeConfigLoader(
                files.config,
                settings.context or None,
                config_base_path=None,  # each file's own folder
                config_persister=files.save_changes,
            )
            self._context = self._loader.current_context["context"]
            self._users = files.config["users"]

    @property
    def namespace(self) -> str:
        """The context's namespace; empty if it names none."""
        return str(self._context.get("namespace") or "")

    def apply(self, configuration: Configuration) -> None:
        """Fill in server, TLS, proxy and credentials."""
        with explained(self._source):
            self._loader.load_and_set(configuration)
            if not parse_url(configuration.host).host:
                raise ValueError("the context's cluster has no server")
            user = self._users.get_with_name(self._context.get("user"), safe=True)
            if user is not None and len(user["user"]):
                self._complete(user["user"], configuration)

    def _complete(self, user: ConfigNode, configuration: Configuration) -> None:
        """Check and add what the package does not."""
        if "exec" in user and not (configuration.api_key or configuration.cert_file):
            problem = f"the command {user['exec']['command']} gave no credentials; run it to see why"
            raise NoCredentials(f"{REFUSED}: {self._source}: {problem}")
        if "tokenFile" in user and not user.safe_get("token"):
            file = Path(user.path).parent / user["tokenFile"]
            configuration.refresh_api_key_hook = TokenFile(file)  # type: ignore[assignment]


class TokenFile:
    """Sets the bearer token from a file, which it reads again every minute."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._file, self._clock = file, clock
        self._token, self._until = "", 0.0

    def __call__(self, configuration: Configuration) -> None:
        """Set the token of the next request; raise NoCredentials if the file cannot be read."""
        if self._clock() >= self._until:
            with explained(str(self._file)):
                self._token = self._file.read_text().strip()
            self._until = self._clock() + TOKEN_SECONDS
        configuration.api_key["BearerToken"] = f"Bearer {self._token}"


@contextmanager
def explained(source: str) -> Iterator[None]:
    """Raise NoCredentials, naming the source and nothing it holds, in place of the package's errors."""
    try:
        yield
    except (ConfigException, YAMLError, OSError, *MALFORMED) as error:
        problem = f"{REFUSED}: {source}: {_problem(error)}"
        raise NoCredentials(problem) from None  # the cause quotes the file, which holds secrets


def _problem(error: Exception) -> str:
    if isinstance(error, ConfigException):
        return f"{str(error).partition('{')[0]}; {REMEDY}"  # after the brace the package quotes whole entries
    if isinstance(error, OSError):
        return f"{error.strerror or 'it cannot be read'}; {REMEDY}"
    mark = getattr(error, "problem_mark", None)
    return f"{f'it is not YAML (line {mark.line + 1})' if mark else 'it has not the form of a kubeconfig'}; {REMEDY}"
