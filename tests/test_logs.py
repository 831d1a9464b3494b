"""What the logger "engine" is told, with which fields; that it costs little when nobody listens; the JSON formatter."""

import asyncio
import io
import json
import logging
import time

import engine
import engine.logs
import numpy as np
import pytest
from servicing import ENDLESS, busy, constant_model, counting, feeds, ones
from subprocesses import python

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Heard(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)

    def events(self):
        return [record.event for record in self.records]

    def only(self, event):
        (record,) = [record for record in self.records if record.event == event]
        return record


@pytest.fixture
def heard():
    handler, logger = Heard(), logging.getLogger("engine")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


def test_the_life_of_a_model(heard, tmp_path):
    path = tmp_path / "constant.onnx"
    path.write_bytes(constant_model(1.0))
    model = engine.load(path)
    model.reload(path)
    model.rollback()
    with pytest.raises(engine.InvalidModel):
        model.reload(b"nonsense")
    model.drain(1)
    assert heard.events() == ["load", "reload", "rollback", "reload_failed", "drain"]
    load = heard.only("load")
    assert (load.model, load.version, load.digest, load.path) == ("constant", 1, model.digest, str(path))
    assert load.seconds > 0
    assert (heard.only("reload").version, heard.only("rollback").version) == (2, 1)
    failed = heard.only("reload_failed")
    assert (failed.levelname, failed.error) == ("ERROR", "InvalidModel")
    drain = heard.only("drain")
    assert (drain.finished, drain.cancelled, drain.refused) == (0, 0, 0)


def test_a_load_that_fails(heard):
    with pytest.raises(engine.DigestMismatch):
        engine.load(constant_model(1.0), sha256="0" * 64, name="broken")
    record = heard.only("load_failed")
    assert (record.model, record.error, record.levelname) == ("broken", "DigestMismatch", "ERROR")


def call_sync(model, *args, **options):
    return model.run(*args, **options)


def call_async(model, *args, **options):
    async def call():
        return await model.run_async(*args, **options)

    return asyncio.run(call())


def call_submit(model, *args, **options):
    return model.submit(*args, **options).result()


@pytest.mark.parametrize("call", [call_sync, call_async, call_submit])
def test_calls_that_fail(heard, call):
    model = counting(max_queue=0, name="counting")
    heard.records.clear()
    with engine.logs.request("r-7", TRACE):
        with pytest.raises(engine.DeadlineExceeded) as late:
            call(model, feeds(ENDLESS), timeout=0.01)
        with pytest.raises(engine.InvalidInput) as invalid:
            call(model, {"x": 1})
        with busy(model), pytest.raises(engine.Overloaded) as refused:
            call(model, feeds(1))
    with pytest.raises(engine.InvalidInput) as named:
        call(model, {}, request_id="r-8")
    assert (late.value.request_id, late.value.traceparent) == ("r-7", TRACE)
    assert (invalid.value.request_id, refused.value.request_id) == ("r-7", "r-7")
    assert (named.value.request_id, named.value.traceparent) == ("r-8", None)
    of_mine = [record for record in heard.records if record.request_id]
    assert [record.event for record in of_mine] == ["call_late", "call_refused", "call_refused", "call_refused"]
    assert [record.outcome for record in of_mine] == ["deadline", "invalid", "overloaded", "invalid"]
    assert {record.levelname for record in of_mine} == {"INFO"}
    assert {record.model for record in of_mine} == {"counting"}
    record = of_mine[0]
    assert (record.request_id, record.traceparent, record.version) == ("r-7", TRACE, 1)
    assert record.computed > 0 and record.waited + record.computed > 0.009
    assert "Loop" in record.node
    assert of_mine[2].retry_after >= 0


def test_an_answered_call_says_nothing(heard):
    model = counting()
    heard.records.clear()
    model.run(feeds(1), request_id="r")
    assert not heard.records


def test_requests_do_not_mix():
    model = counting()

    async def call(k):
        with engine.logs.request(f"r-{k}"):
            await asyncio.sleep(0)
            with pytest.raises(engine.InvalidInput) as error:
                await model.run_async({})
            return error.value.request_id

    async def all_of_them():
        return await asyncio.gather(*(call(k) for k in range(20)))

    assert asyncio.run(all_of_them()) == [f"r-{k}" for k in range(20)]
    assert engine.logs.current_request() == (None, None)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (TRACE, ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", True)),
        (TRACE[:-2] + "00", ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", False)),
        (TRACE[:-2] + "03", ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", True)),
        ("cc" + TRACE[2:] + "-more", ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", True)),
        (TRACE + "-more", None),
        ("ff" + TRACE[2:], None),
        (TRACE.upper(), None),
        ("00-" + "0" * 32 + "-00f067aa0ba902b7-01", None),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01", None),
        ("", None),
        (TRACE + "\n", None),
    ],
)
def test_traceparent(header, found):
    assert engine.logs.parse_traceparent(header) == found
    with engine.logs.request(traceparent=header):
        assert engine.logs.current_request().traceparent == (header if found else None)


def test_json_lines():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(engine.logs.JsonFormatter())
    logger = logging.Logger("engine.test")
    logger.addHandler(handler)
    with engine.logs.request("r-1\n", TRACE):
        logger.info("two\nlines %s", "\u00e4", extra={"event": "thing", "model": None, "seconds": np.float32(0.5)})
    try:
        raise ValueError("why")
    except ValueError:
        logger.exception("it failed")
    first, second = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert first["message"] == "two\nlines \u00e4"
    assert (first["event"], first["level"], first["logger"], first["request_id"]) == ("thing", "INFO", "engine.test", "r-1\n")
    assert (first["trace_id"], first["span_id"]) == ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    assert "model" not in first
    assert first["time"].endswith("Z")
    assert "ValueError: why" in second["exception"]
    assert "trace_id" not in second


def test_at_most():
    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    flood = engine.logs.AtMost(per_second=2)
    engine_time, engine.logs.time = engine.logs.time, clock
    try:
        record = lambda event="call_refused", level=logging.INFO: logging.makeLogRecord({"event": event, "levelno": level})  # noqa: E731
        assert [flood.filter(record()) for _ in range(5)] == [True, True, False, False, False]
        assert flood.filter(record("call_late"))
        assert all(flood.filter(record(level=logging.ERROR)) for _ in range(9))
        clock.now += 0.5
        after = record()
        assert flood.filter(after)
        assert after.suppressed == 3
        assert not flood.filter(record())
    finally:
        engine.logs.time = engine_time


def test_nothing_is_configured():
    program = """
import sys, engine
assert "logging" not in sys.modules, "import engine imports logging"
from servicing import counting
model = counting()
import logging
assert not logging.getLogger().handlers
try:
    model.run({})
except engine.InvalidInput:
    pass
model.drain(0)
assert not logging.getLogger().handlers
assert logging.getLogger("engine").level == logging.NOTSET
assert [type(handler).__name__ for handler in logging.getLogger("engine").handlers] == ["NullHandler"]
"""
    program = program.replace("from servicing import counting\nmodel = counting()", "model = engine.load('examples/digits/digits.onnx')")
    python(program)


def test_a_refusal_costs_little_when_nobody_listens():
    model = counting(max_queue=0)
    inputs = feeds(1)

    def refusals(count):
        began = time.perf_counter()
        for _ in range(count):
            try:
                model.run(inputs, request_id="r")
            except engine.Overloaded:
                pass
        return (time.perf_counter() - began) / count

    with busy(model):
        refusals(100)
        best = min(refusals(500) for _ in range(8))
    assert best < 30e-6


def test_checks_are_no_calls_of_the_model(heard):
    model = engine.load(constant_model(1.0))
    heard.records.clear()
    with pytest.raises(engine.CheckFailed):
        model.reload(constant_model(2.0), checks=[(ones(), {"y": np.ones((8, 64), np.float32)})])
    assert heard.events() == ["reload_failed"]
