"""The files of a new App: named like the keys of its Secret, readable by their owner alone."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

FILES = ("app-id", "client-id", "private-key", "webhook-secrets")
"""The first three are the keys of the Secret github-app-AGENT; the last is the setting github.webhook_secrets."""


class SetupError(Exception):
    """The App cannot be set up; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class NewApp:
    """Credentials that GitHub returns only when an App is created; `webhook_secret` is empty without a webhook."""

    id: str
    client_id: str
    slug: str
    page: str
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)


def prepare(directory: Path) -> None:
    """Create the directory; raise SetupError before anything is made at GitHub if a file is there."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(f"--directory: cannot create {directory}: {error.strerror}") from error
    there = [name for name in FILES if (directory / name).exists()]
    if there:
        raise SetupError(f"--directory: {directory} has {', '.join(there)} already; name another directory")


def write(directory: Path, app: NewApp) -> None:
    """Write the files of the App. Raises SetupError."""
    secret = json.dumps([app.webhook_secret] if app.webhook_secret else [])
    texts = (app.id, app.client_id, app.private_key, secret)
    for name, text in zip(FILES, texts, strict=True):
        try:
            file = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "w") as opened:
                opened.write(text)
        except OSError as error:
            raise SetupError(f"--directory: cannot write {directory / name}: {error.strerror}") from error
