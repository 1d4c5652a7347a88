"""The API calls of a handler's work made again, raw, for other runs: what the same work costs at the least.

Calls are recorded while one run is worked on. Made again for another one, they carry its names, uid and version;
numbers in names have six digits, so that one replacement is enough.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from functions.cluster.transport import Request, Transport
from functions.runs.model.run import Run


@dataclass
class Timing:
    """A transport that adds up the seconds its calls take."""

    inner: Transport
    seconds: float = 0.0

    def send(self, request: Request) -> Any:
        begun = time.perf_counter()
        try:
            return self.inner.send(request)
        finally:
            self.seconds += time.perf_counter() - begun

    def stream(self, request: Request) -> Iterator[Any]:
        return self.inner.stream(request)


@dataclass(frozen=True)
class Replay:
    """The calls made for `run`, whose names hold `number`."""

    run: Run
    number: str
    calls: Sequence[Request]

    def send(self, transport: Transport, run: Run, number: str) -> None:
        """Makes them for another run."""
        pairs = ((self.run.uid, run.uid), (self.run.uid[:5], run.uid[:5]), (self.number, number))
        version = run.resource_version
        for call in self.calls:
            text, path = json.dumps(call.body), call.path
            for old, new in pairs:
                text, path = text.replace(old, new), path.replace(old, new)
            body = json.loads(text)
            if call.method == "PUT":
                body["metadata"]["resourceVersion"] = version
            answer = transport.send(replace(call, path=path, body=body))
            if answer.get("kind") == run.kind:
                version = answer["metadata"]["resourceVersion"]
