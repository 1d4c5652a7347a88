"""Sends generated operations to one server and normalises its answers, so that two servers can be compared.

Values that differ between servers (uids, versions, times, namespaces) become symbols, the same symbol for the same
value.
"""

import json
import re
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.contract.apiserver.client import Obj
from tests.contract.apiserver.deliberate import alike
from tests.contract.apiserver.operations import Operation
from tests.contract.apiserver.pieces import NO_UID, merged, sample
from tests.contract.apiserver.samples import Namespace

UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
VERSION = re.compile(r"(in (?:the precondition|record) \()(\d+)")
DROPPED = ("managedFields", "selfLink")
END = "zz-end"
"""Name of the object whose event ends a watch: all earlier events have arrived then."""


@dataclass
class Player:
    """One server, and its answers so far in this sequence."""

    namespace: Namespace
    first: str = ""
    objects: dict[str, list[Obj]] = field(default_factory=dict)
    """Every state of an object in an answer, oldest first, by plural and name."""
    tokens: dict[str, str] = field(default_factory=dict)
    symbols: dict[str, str] = field(default_factory=dict)
    ends: int = 0

    def play(self, operation: Operation) -> tuple[int, Any]:
        """Send the operation; return HTTP status and normalised body of the answer."""
        if not self.first:
            self.first = self.namespace.server.get(self.namespace.path("configmaps")).body["metadata"][
                "resourceVersion"
            ]
        if operation.method == "WATCH":
            return 200, self._normal(alike(self._watched(operation)))
        path = self._path(operation)
        body = self._resolved(operation.body)
        if operation.onto:
            body = merged(self._known(operation), body)
        answer = self.namespace.server.call(operation.method, path, body, operation.media)
        found = json.loads(answer.text)
        self._remember(operation.plural, found)
        return answer.code, self._normal(alike(found))

    def _path(self, operation: Operation) -> str:
        query = {key: self._resolved(value) for key, value in operation.query.items()}
        path = self.namespace.path(operation.plural, operation.name, operation.subresource)
        return f"{path}?{urlencode(query)}" if query else path

    def _known(self, operation: Operation) -> Obj:
        states = self.objects.get(f"{operation.plural}/{operation.name}")
        return states[-1] if states else sample(operation.plural, operation.name)

    def _remember(self, plural: str, found: Any) -> None:
        for item in found.get("items", [found]):
            meta = item.get("metadata", {})
            if "uid" in meta and "resourceVersion" in meta:  # the object in the answer to a dry run does not exist
                self.objects.setdefault(f"{plural}/{meta['name']}", []).append(item)
        if found.get("kind", "").endswith("List"):
            self.tokens[plural] = found["metadata"].get("continue", "")

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._resolved(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._resolved(inner) for inner in value]
        return self._symbol(value) if isinstance(value, str) and value.startswith("$") else value

    def _symbol(self, text: str) -> str:
        what, _, where = text[1:].partition(":")
        states = [state["metadata"] for state in self.objects.get(where, ())]
        match what:
            case "first":
                return self.first
            case "continue":
                return self.tokens.get(where, "")
            case "uid":
                return str(states[-1]["uid"]) if states else NO_UID
            case "version":
                return str(states[-1]["resourceVersion"]) if states else self.first
            case "stale":
                return str(states[0]["resourceVersion"]) if states else self.first
        return text

    def _watched(self, operation: Operation) -> list[Obj]:
        """Create an object that every selector matches, and return the events of the watch up to its event."""
        self.ends += 1
        end = f"{END}-{self.ends}"
        label = operation.query.get("labelSelector", "")
        labels = {"app=x": {"app": "x"}, "tier": {"tier": "t"}}.get(label, {})
        item = merged(sample(operation.plural, end), {"metadata": {"labels": labels}})
        self.namespace.create(item, operation.plural)
        query = {key: self._resolved(value) for key, value in operation.query.items()}
        events: list[Obj] = []
        path = self.namespace.path(operation.plural)
        with closing(self.namespace.server.stream(path, timeoutSeconds=20, **query)) as stream:
            for event in stream:
                if event["object"]["metadata"].get("name") == end:
                    return events
                events.append(event)
                if event["type"] == "ERROR":
                    return events
        return [*events, {"type": "the watch ended too early"}]

    def _normal(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            kept = {name: inner for name, inner in value.items() if name not in DROPPED}
            if kept.get("kind", "").endswith("List") and "metadata" in kept:
                kept["metadata"] = {**kept["metadata"], "resourceVersion": "of the list"}
            return {name: self._normal(kept[name], name) for name in sorted(kept)}  # symbols in the same order
        if isinstance(value, list):
            return [self._normal(inner) for inner in value]
        return self._words(value, key) if isinstance(value, str) else value

    def _words(self, text: str, key: str) -> str:
        if key == "resourceVersion" and text.isdecimal():
            return self.symbols.setdefault(text, f"version {len(self.symbols)}")
        if key == "continue" and text:
            return "a token"
        for uid in UID.findall(text):
            self.symbols.setdefault(uid, f"uid {len(self.symbols)}")
        text = UID.sub(lambda match: self.symbols[match[0]], text)
        if key == "message":
            text = VERSION.sub(lambda match: match[1] + self.symbols.get(match[2], "an unknown version"), text)
        return TIME.sub("a time", text).replace(self.namespace.name, "<namespace>")
