"""Spans of OpenTelemetry (extra engine[otel]): a call, and below it its time in the queue and computing."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError
from engine.events import CallReport

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

_STEP = re.compile(r"\s*([\d.]+) us  (\S+)( *)(\S*)")
_LONGEST_PADDING = 28


class Traced:
    """A model whose calls leave spans; everything but run, run_async and calling it is the model's own.

    model: an engine.Model, or whatever has its call surface.
    """

    def __init__(self, model: Any, tracer_provider: TracerProvider | None = None) -> None:
        self._model = model
        self._tracer = tracer(tracer_provider)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def run(self, feeds: dict[str, Any], *, nodes: bool = False, **options: Any) -> dict[str, Any]:
        """As Model.run. nodes: a span for each step of the plan too; of the options only timeout is possible then."""
        report = options.setdefault("report", CallReport()) if not nodes else CallReport()
        with self._tracer.start_as_current_span(
            "engine.run", record_exception=False, set_status_on_exception=False
        ) as span:
            began = time.time_ns()
            try:
                if nodes:
                    answer, steps = self._model.profile(feeds, **options)
                    node_spans(self._tracer, steps, began)
                else:
                    answer = self._model.run(feeds, **options)
            except EngineError as error:
                failed(span, error)
                raise
            finally:
                describe(self._tracer, span, self._model, report, began)
            return dict(answer)

    async def run_async(self, feeds: dict[str, Any], **options: Any) -> dict[str, Any]:
        """As Model.run_async."""
        report = options.setdefault("report", CallReport())
        with self._tracer.start_as_current_span(
            "engine.run", record_exception=False, set_status_on_exception=False
        ) as span:
            began = time.time_ns()
            try:
                answer: dict[str, Any] = await self._model.run_async(feeds, **options)
                return answer
            except EngineError as error:
                failed(span, error)
                raise
            finally:
                describe(self._tracer, span, self._model, report, began)

    def __call__(self, *args: Any, timeout: float | None = None) -> Any:
        answer = self.run(dict(zip(self._model.input_names, args, strict=True)), timeout=timeout)
        return next(iter(answer.values())) if len(answer) == 1 else tuple(answer.values())


def tracer(provider: TracerProvider | None = None) -> Tracer:
    from opentelemetry import trace

    return trace.get_tracer("engine", tracer_provider=provider)


def describe(tracer: Tracer, span: Span, model: Any, report: CallReport, began: int) -> None:
    """Attributes, and the spans queue and compute below it. began: nanoseconds since the epoch."""
    if not span.is_recording():
        return
    from opentelemetry.trace import set_span_in_context

    span.set_attribute("engine.model", str(getattr(model, "name", "")))
    if report.version:
        span.set_attribute("engine.version", report.version)
    context = set_span_in_context(span)
    at = began
    for name, seconds in (("queue", report.waited), ("compute", report.computed)):
        if seconds > 0:
            until = at + int(seconds * 1e9)
            tracer.start_span(name, context, start_time=at).end(until)
            at = until


def failed(span: Span, error: EngineError) -> None:
    from opentelemetry.trace import Status, StatusCode

    span.set_status(Status(StatusCode.ERROR, str(error)))
    span.set_attribute("error.type", type(error).__name__)
    if error.node is not None:
        span.set_attribute("engine.node", error.node)


def node_spans(tracer: Tracer, steps: str, began: int) -> None:
    """A span for each line of Model.profile's text, one after the other, below the current one."""
    at = began
    for operator, node, nanoseconds in parse_steps(steps):
        span = tracer.start_span(node or operator, start_time=at, attributes={"engine.operator": operator})
        at += nanoseconds
        span.end(at)


def parse_steps(text: str) -> Iterable[tuple[str, str, int]]:
    """(operator, node or "", nanoseconds) of each line of Model.profile's text."""
    for line in text.splitlines():
        found = _STEP.match(line)
        if found is not None:
            node = found[4] if len(found[3]) <= _LONGEST_PADDING else ""
            yield found[2], node, int(float(found[1]) * 1e3)
