"""Retries and cancels runs, as forms on the page of a run ask for."""

import hmac
import uuid
from typing import Literal

from flask import Response, redirect, request, url_for
from pydantic import TypeAdapter, ValidationError

from functions.cluster.errors import NotFound
from functions.console import page_data
from functions.console.context import Console
from functions.console.offers import Action
from functions.console.refused import Refused
from functions.runs import requests
from functions.runs.model.fields import Prompt
from functions.runs.model.run import Run
from functions.runs.requests import Patch, RequestRefused
from functions.storage.run_store import RunStore

_PROMPT: TypeAdapter[str] = TypeAdapter(Prompt)


def change(console: Console, action: Action, word: str, name: str) -> Response:
    """Apply a form; redirect to the run's page.

    Raises:
        Refused: the console is read-only, the form is not its own, or the run does not allow it.
        ClusterError: it may have been applied; the page of the run says so.
    """
    if not console.access.may_change:
        raise Refused(405, "This console is read-only; use orchestrator ui, or orchestrator runs.")
    if not hmac.compare_digest(console.token.encode(), request.form.get("token", "").encode()):
        raise Refused(403, "The form is older than this console; reload the page and send it again.")
    words, mode = _words() if action == "retry" else (None, "append")
    _apply(console, page_data.run(console, word, name), action, words, mode)
    response: Response = redirect(url_for("/runs/<word>/<name>", word=word, name=name, done=action), 303)  # type: ignore[assignment]
    return response


def _words() -> tuple[str | None, Literal["append", "replace"]]:
    """Return the words for the agent, None without any, and whether they replace the task's prompt."""
    text = request.form.get("words", "").replace("\r\n", "\n").strip()
    mode: Literal["append", "replace"] = "replace" if request.form.get("replace") else "append"
    if not text:
        if mode == "replace":
            raise Refused(422, "Write the words that are to replace the task's prompt.")
        return None, mode
    try:
        return _PROMPT.validate_python(text), mode
    except ValidationError as error:
        raise Refused(422, f"The words: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None


def _apply(console: Console, run: Run, action: Action, words: str | None, mode: Literal["append", "replace"]) -> None:
    key = str(uuid.uuid4())
    store = RunStore(console.cluster, console.namespace, console.clock)

    def patch(current: Run) -> None:
        wanted: Patch | None
        if action == "retry":
            wanted = requests.retry(current, key=key, words=words, mode=mode)
        else:
            wanted = requests.cancel(current)
        if wanted is not None:
            store.patch(current, wanted)

    try:
        store.retry_on_conflict(run, patch, "the person can ask again")
    except RequestRefused as refused:
        text = str(refused)
        raise Refused(409, f"{text[:1].upper()}{text[1:]}.") from None
    except NotFound:
        raise Refused(404, f"Run {run.name} was deleted.") from None
