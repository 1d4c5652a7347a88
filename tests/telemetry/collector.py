"""A collector that receives OTLP over HTTP on a loopback port and keeps it."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any

from tests.support.http_servers import Handler, listening
from tests.telemetry.parts import needed


@dataclass
class Collector:
    """The telemetry sent to `url`: spans and points as protobuf messages, logs as JSON, headers of requests."""

    url: str
    status: int = 200
    spans: list[Any] = field(default_factory=list)
    points: list[tuple[Any, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)

    def records(self) -> list[tuple[str, str, str]]:
        """Return name, trace id and span id of the log records that were sent as JSON."""
        return [
            (record["body"]["stringValue"], record.get("traceId", ""), record.get("spanId", ""))
            for document in self.logs
            for resource in document["resourceLogs"]
            for scope in resource["scopeLogs"]
            for record in scope["logRecords"]
        ]

    def take(self, path: str, body: bytes) -> None:
        if path.endswith("/v1/logs"):
            self.logs += [json.loads(body)]
            return
        services = needed("opentelemetry.proto.collector." + ("trace" if path.endswith("traces") else "metrics"))
        if path.endswith("/v1/traces"):
            for resource in services.ExportTraceServiceRequest.FromString(body).resource_spans:
                self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        else:
            for resource in services.ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        kept = metric.sum if metric.HasField("sum") else metric.histogram
                        self.points += [(metric, point) for point in kept.data_points]

    def traces(self) -> dict[str, set[str]]:
        """Return the names of the spans of functions, by trace id."""
        found: dict[str, set[str]] = {}
        for span in self.spans:
            if span.kind == SERVER:
                found.setdefault(span.trace_id.hex(), set()).add(span.name)
        return found


SERVER = 2
"""Span.SpanKind of a server (opentelemetry/proto/trace/v1/trace.proto)."""


@contextmanager
def collecting(status: int = 200) -> Iterator[Collector]:
    """Run a collector that answers `status` until the block ends."""

    class Taking(Handler):
        def asked(self) -> None:
            body = self.received()
            found.headers.append({name.lower(): text for name, text in self.headers.items()})
            found.take(self.path, gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.answer(found.status, {})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    found = Collector(f"http://127.0.0.1:{server.server_port}", status)
    with listening(server):
        yield found
