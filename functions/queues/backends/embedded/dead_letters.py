"""The dead letters of the embedded queue."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import urllib3

from functions.events.event import Event
from functions.queues.dead_letters import DeadLetter, DeadLetterError, run_of
from functions.queues.topology import dead_letter_topic

CALL_SECONDS = 10.0


class EmbeddedDeadLetters:
    """The dead letters of the embedded queue; one is delivered again to the subscription that rejected it."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._pool = urllib3.PoolManager(retries=False, timeout=CALL_SECONDS)

    def list(self, topic: str) -> Sequence[DeadLetter]:
        """Return the dead letters of a topic, oldest first; raise DeadLetterError."""
        answer = json.loads(self._call("GET", f"/dead/{dead_letter_topic(topic)}", {200}).data)
        return [_letter(topic, letter) for letter in answer["letters"]]

    def replay(self, topic: str, ids: Sequence[str]) -> Sequence[str]:
        """Deliver these again and return the ids that were found; raise DeadLetterError."""
        return [letter for letter in ids if self._is_done("POST", topic, letter, "/replay")]

    def drop(self, topic: str, ids: Sequence[str]) -> Sequence[str]:
        """Delete these and return the ids that were found; raise DeadLetterError."""
        return [letter for letter in ids if self._is_done("DELETE", topic, letter)]

    def _is_done(self, method: str, topic: str, letter: str, verb: str = "") -> bool:
        if not letter.isdecimal():
            return False
        path = f"/dead/{dead_letter_topic(topic)}/{letter}{verb}"
        return self._call(method, path, {204, 404}).status == 204

    def _call(self, method: str, path: str, expected: set[int]) -> urllib3.BaseHTTPResponse:
        try:
            answer = self._pool.request(method, self._url + path)
        except urllib3.exceptions.HTTPError as error:
            raise DeadLetterError(f"the embedded queue at {self._url} did not answer: {error}") from error
        if answer.status not in expected:
            raise DeadLetterError(f"the embedded queue answered {answer.status}: {answer.data[:200]!r}")
        return answer


def _letter(topic: str, letter: Mapping[str, Any]) -> DeadLetter:
    shown = letter["event"]
    event = Event(shown["id"], shown["source"], shown["type"], shown.get("subject", ""), shown.get("data"))
    return DeadLetter(
        topic=topic,
        id=str(letter["id"]),
        message_id=letter["messageId"],
        subscription=letter["subscription"],
        attempts=str(letter["attempts"]),
        reason=letter["reason"],
        event_id=event.id,
        event_type=event.type,
        run=run_of(event),
    )
