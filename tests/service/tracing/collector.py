"""An OTLP/HTTP collector of the tests' own, on loopback: it reads the protobuf that comes and keeps the spans."""

import http.server
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(frozen=True)
class Told:
    """One span as it came."""

    name: str
    kind: str
    trace: str
    id: str
    parent: str
    state: str
    error: bool
    attributes: Mapping[str, Any]
    resource: Mapping[str, Any]
    began: int
    ended: int


@dataclass
class Collector:
    """What has come, and how to answer."""

    url: str
    status: int = 200
    answer: bytes = b""
    delay_s: float = 0.0
    location: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def spans(self) -> list[Told]:
        """All spans so far."""
        return [span for body in self.bodies for span in read(body)]

    def named(self, name: str) -> list[Told]:
        """Those of one name."""
        return [span for span in self.spans() if span.name == name]

    def one(self, name: str) -> Told:
        """The only one of a name."""
        (span,) = self.named(name)
        return span


def read(body: bytes) -> Iterator[Told]:
    message = ExportTraceServiceRequest()
    message.ParseFromString(body)
    for group in message.resource_spans:
        resource = plain(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                assert not span.events
                assert not span.links
                assert not span.status.message
                yield Told(
                    name=span.name,
                    kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
                    trace=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    state=span.trace_state,
                    error=span.status.code == 2,
                    attributes=plain(span.attributes),
                    resource=resource,
                    began=span.start_time_unix_nano,
                    ended=span.end_time_unix_nano,
                )


def plain(rows: Any) -> dict[str, Any]:
    return {row.key: value_of(row.value) for row in rows if isinstance(row, KeyValue)}


def value_of(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(part) for part in value.array_value.values]
    return getattr(value, str(kind))


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run one."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            released.wait(collector.delay_s)
            if collector.status == 200:
                collector.bodies.append(body)
                collector.headers.append({name.lower(): value for name, value in self.headers.items()})
                collector.paths.append(self.path)
            self.send_response(collector.status)
            if collector.location:
                self.send_header("location", collector.location)
            self.send_header("content-length", str(len(collector.answer)))
            self.end_headers()
            self.wfile.write(collector.answer)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except ConnectionError:
                return

    released = threading.Event()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield collector
        finally:
            released.set()
            server.shutdown()
            thread.join()
