"""Spans and meters of OpenTelemetry, against its SDK."""

import asyncio
import pathlib

import engine
import engine.tracing
import numpy as np
import pytest
from asking import entry, infer
from servicing import ENDLESS, counting, feeds

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.metrics import MeterProvider  # noqa: E402
from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter  # noqa: E402

DIGITS = pathlib.Path(__file__).resolve().parent.parent / "examples" / "digits" / "digits.onnx"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def spans():
    exporter = InMemorySpanExporter()
    exporter.provider = TracerProvider()
    exporter.provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


def by_name(spans):
    return {span.name: span for span in spans.get_finished_spans()}


def test_a_call_and_its_parts(spans):
    traced = engine.tracing.Traced(counting(name="counting"), spans.provider)
    assert traced.run(feeds(3))["y"].tolist() == [3.0] * 4
    found = by_name(spans)
    call, compute = found["engine.run"], found["compute"]
    assert (call.attributes["engine.model"], call.attributes["engine.version"]) == ("counting", 1)
    assert compute.parent.span_id == call.context.span_id
    assert call.start_time <= compute.start_time < compute.end_time <= call.end_time
    assert traced.version == 1


def test_async_and_by_position(spans):
    model = engine.load(DIGITS)
    traced = engine.tracing.Traced(model, spans.provider)
    image = np.zeros((1, 8, 8), np.float32)
    assert traced(image).shape == (1, 10)
    assert asyncio.run(traced.run_async({"image": image}))["scores"].shape == (1, 10)
    assert [span.name for span in spans.get_finished_spans()].count("engine.run") == 2


def test_a_call_that_fails(spans):
    traced = engine.tracing.Traced(counting(), spans.provider)
    with pytest.raises(engine.DeadlineExceeded):
        traced.run(feeds(ENDLESS), timeout=0.01)
    call = by_name(spans)["engine.run"]
    assert not call.status.is_ok
    assert call.attributes["error.type"] == "DeadlineExceeded"
    assert "Loop" in call.attributes["engine.node"]
    assert by_name(spans)["compute"].end_time - by_name(spans)["compute"].start_time > 9_000_000


def test_nodes(spans):
    traced = engine.tracing.Traced(engine.load(DIGITS), spans.provider)
    traced.run({"image": np.zeros((1, 8, 8), np.float32)}, nodes=True)
    nodes = [span for span in spans.get_finished_spans() if "engine.operator" in (span.attributes or {})]
    call = by_name(spans)["engine.run"]
    assert nodes
    assert {node.parent.span_id for node in nodes} == {call.context.span_id}
    assert len(nodes) == traced.plan({"image": np.zeros((1, 8, 8), np.float32)})["steps"]


def test_steps_with_and_without_names():
    text = "       1.5 us  Gemm                         dense_1" + " " * 34 + "float32[1,10]\n      20.0 us  Add" + " " * 67 + "float32[1]\n"
    assert list(engine.tracing.parse_steps(text)) == [("Gemm", "dense_1", 1500), ("Add", "", 20000)]


def test_a_server_span(spans):
    pytest.importorskip("starlette")
    import engine.serve

    app = engine.serve.app({"digits": engine.load(DIGITS, name="digits")}, tracer_provider=spans.provider)
    inputs = [entry("image", "FP32", [1, 8, 8], [0.0] * 64)]
    answer = infer(app, "digits", inputs, traceparent=TRACE, x_request_id="r-1")
    found = by_name(spans)
    server = found["infer digits"]
    assert f"{server.context.trace_id:032x}" == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert f"{server.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert answer.headers["traceparent"] == f"00-{server.context.trace_id:032x}-{server.context.span_id:016x}-01"
    assert server.attributes["http.response.status_code"] == 200
    assert found["compute"].parent.span_id == server.context.span_id
    assert infer(app, "digits", [entry("image", "FP32", [1, 8], [0.0] * 8)]).status == 400
    assert by_name(spans)["infer digits"].attributes["error.type"] == "InvalidInput"


def test_meters():
    from engine.metrics import Collector
    from engine.metrics.otel import observe

    model = counting(name="counting")
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    observe(provider, Collector(models=[model]))
    model.run(feeds(1))
    found = {
        metric.name: list(metric.data.data_points)
        for resource in reader.get_metrics_data().resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    answered = [point.value for point in found["engine.requests"] if point.attributes["outcome"] == "ok"]
    assert answered in ([1], [2])
    assert found["engine.request_duration.count"][0].value == answered[0]
    assert found["engine.request_duration.sum"][0].value > 0
    last = [point for point in found["engine.request_duration.bucket"] if point.attributes["le"] == "+Inf"]
    assert last[0].value == answered[0]
    assert found["engine.concurrency_limit"][0].value == 1
    provider.shutdown()
