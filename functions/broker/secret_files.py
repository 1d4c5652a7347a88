"""Reads mounted secrets. Each use reads the file again, because Kubernetes replaces it when the secret changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from functions.broker.problems import Problem, ProblemError


@dataclass(frozen=True, slots=True)
class SecretFile:
    """The mounted file of one key of a secret."""

    path: Path
    secret: str
    key: str
    namespace: str
    others: Sequence[str] = ()
    """Other keys of the secret."""

    def read(self) -> str:
        """Return the text without surrounding white space. Raises ProblemError if it is missing or not text."""
        try:
            text = self.path.read_text().strip()
        except (FileNotFoundError, NotADirectoryError):
            text = ""
        except (OSError, UnicodeDecodeError):
            raise self.problem("cannot be read as text") from None
        if not text:
            raise self.problem("is missing or empty", f"; set it with: {self._command}")
        return text

    @property
    def _command(self) -> str:
        """The command that creates the secret or, if it exists, replaces these keys."""
        keys = " ".join(f"--from-file={key}=FILE" for key in sorted((self.key, *self.others)))
        create = f"kubectl --namespace {self.namespace} create secret generic {self.secret} {keys}"
        return f"{create} --dry-run=client -o yaml | kubectl apply -f -"

    def problem(self, what: str, remedy: str = "") -> ProblemError:
        """Return an error that names the secret and its key."""
        message = f"secret {self.secret} with key {self.key} {what} in namespace {self.namespace}{remedy}"
        return ProblemError(Problem("MissingSecret", message))
