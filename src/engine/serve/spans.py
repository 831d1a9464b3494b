"""A server span for each inference, when the program has set OpenTelemetry up; engine.tracing has the spans below it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError
from engine.events import CallReport

if TYPE_CHECKING:
    from opentelemetry.trace import Span, TracerProvider


class Spans:
    """Of one server."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        from engine.tracing import tracer

        self._tracer = tracer(provider)

    def begin(self, name: str, request_id: str, traceparent: str | None) -> _Current:
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = TraceContextTextMapPropagator().extract({"traceparent": traceparent} if traceparent else {})
        attributes = {
            "http.request.method": "POST",
            "http.route": "/v2/models/{name}/infer",
            "engine.model": name,
            "engine.request_id": request_id,
        }
        span = self._tracer.start_span(f"infer {name}", context, SpanKind.SERVER, attributes)
        return _Current(self._tracer, span)


class _Current:
    """The span of a request that is being answered; traceparent: of what is done below it."""

    def __init__(self, tracer: Any, span: Span) -> None:
        self._tracer, self._span = tracer, span
        self._began = time.time_ns()
        told = span.get_span_context()
        self.traceparent = f"00-{told.trace_id:032x}-{told.span_id:016x}-{int(told.trace_flags):02x}"

    def end(self, model: Any, report: CallReport, status: int, error: BaseException | None) -> None:
        from engine.tracing import describe, failed

        describe(self._tracer, self._span, model, report, self._began)
        self._span.set_attribute("http.response.status_code", status)
        if isinstance(error, EngineError):
            failed(self._span, error)
        self._span.end()


def spans_if_set_up() -> Spans | None:
    """None without the SDK, or while nothing has set a tracer provider up: nobody would see them."""
    try:
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
    except ImportError:
        return None
    return Spans() if isinstance(trace.get_tracer_provider(), TracerProvider) else None
