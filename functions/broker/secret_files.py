"""Reads mounted secrets. Kubernetes replaces their files when a secret is changed, so that each use reads anew."""

from dataclasses import dataclass
from pathlib import Path

from functions.broker.problems import Problem, ProblemError


@dataclass(frozen=True, slots=True)
class SecretFile:
    """One key of one secret, where it is mounted."""

    path: Path
    secret: str
    key: str
    namespace: str

    def read(self) -> str:
        """Return the text without surrounding blanks; raise ProblemError if it is missing."""
        try:
            text = self.path.read_text().strip()
        except (FileNotFoundError, NotADirectoryError):
            text = ""
        except (OSError, UnicodeDecodeError):
            raise self.problem("cannot be read as text") from None
        if not text:
            raise self.problem("is missing or empty")
        return text

    def problem(self, what: str) -> ProblemError:
        """Return an error that names the secret and its key."""
        message = f"secret {self.secret} with key {self.key} {what} in namespace {self.namespace}"
        return ProblemError(Problem("MissingSecret", message))
