"""Metrics for Prometheus: figures that add up, by version, over worker processes that live and that died."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading

import engine
import engine.metrics
import numpy as np
import pytest
from engine.metrics import families, layout, shared
from engine.metrics.sums import counts_of_stats
from servicing import ENDLESS, assert_idle, busy, constant_model, counting, counting_model, feeds, ones, wait_until
from subprocesses import PACKAGES

prometheus_client = pytest.importorskip("prometheus_client")


def scrape(collector):
    """(name, sorted labels) -> value, as a scraper reads the text."""
    from prometheus_client.parser import text_string_to_metric_families

    registry = prometheus_client.CollectorRegistry()
    registry.register(collector)
    text = prometheus_client.generate_latest(registry).decode()
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(samples, name, **labels):
    """The sum over all samples with these labels."""
    wanted = set(labels.items())
    return sum(value for (found, *told), value in samples.items() if found == name and wanted <= set(told))


def test_one_model():
    model = counting(name="counting", max_queue=5)
    for _ in range(9):
        model.run(feeds(1))
    with pytest.raises(engine.DeadlineExceeded):
        model.run(feeds(ENDLESS), timeout=0.01)
    with pytest.raises(engine.InvalidInput):
        model.run({})
    seen = scrape(engine.metrics.Collector(models=[model]))
    labels = {"model": "counting", "version": "1"}
    assert of(seen, "engine_requests_total", **labels, outcome="ok") == 10
    assert of(seen, "engine_requests_total", **labels, outcome="deadline_compute") == 1
    assert of(seen, "engine_requests_total", **labels, outcome="invalid") == 1
    assert of(seen, "engine_requests_total") == 12
    assert of(seen, "engine_request_duration_seconds_count", **labels) == 10
    assert of(seen, "engine_request_duration_seconds_bucket", **labels, le="+Inf") == 10
    assert of(seen, "engine_queue_duration_seconds_count") == 11
    assert of(seen, "engine_deadline_lag_seconds_count") == 1
    assert of(seen, "engine_cancel_lag_seconds_count") == 0
    assert of(seen, "engine_request_duration_seconds_sum") == pytest.approx(model.stats()["seconds"]["total"]["sum"])
    assert of(seen, "engine_requests_in_progress", **labels) == 0
    assert of(seen, "engine_model_ready", **labels) == 1
    assert of(seen, "engine_concurrency_limit") == 1
    assert of(seen, "engine_queue_limit") == 5
    assert of(seen, "engine_model_loads_total", result="ok") == 1
    assert of(seen, "engine_model_info", digest=model.digest, **labels) == 1
    assert of(seen, "engine_memory_used_bytes") > 0
    assert of(seen, "engine_build_info", version=engine.__version__, isa=engine.isa()) == 1
    with busy(model):
        seen = scrape(engine.metrics.Collector(models=[model]))
        assert of(seen, "engine_requests_in_progress") == of(seen, "engine_requests_running") == 1
    assert of(scrape(engine.metrics.Collector(models=[model])), "engine_cancel_lag_seconds_count", **labels) == 1


def test_names_follow_the_conventions():
    model = counting()
    for family in families.families(engine.metrics.Collector(models=[model])._own([model]), [model]):
        assert family.name.startswith("engine_")
        assert family.help[0].isupper() or family.help[0] == "1"
        assert family.name.endswith("_total") == (family.kind == "counter")
        assert "_seconds" in family.name or family.kind != "histogram"


def test_the_dashboard_and_the_alerts_name_what_there_is():
    docs = pathlib.Path(__file__).resolve().parent.parent / "docs"
    json.loads((docs / "grafana-dashboard.json").read_text())
    model = counting()
    collector = engine.metrics.Collector(models=[model])
    collector.responses = {200: 1}
    known = {family.name for family in collector.families()}
    for name in ("grafana-dashboard.json", "prometheus-alerts.yaml"):
        named = set(re.findall(r"engine_[a-z_]+", (docs / name).read_text()))
        assert named
        assert {re.sub("_(bucket|count|sum)$", "", found) for found in named} <= known
    page = (docs / "metrics.md").read_text()
    assert not [name for name in known if f"`{name}`" not in page]


def test_buckets_are_exact():
    model = counting()
    for n in (1, 10, 100, 1000, 10_000):
        model.run(feeds(n))
    counts = counts_of_stats(model.stats())
    nanoseconds, buckets = counts["nanoseconds"]["total"]
    told = families.histogram(nanoseconds, buckets, families.BUCKETS)
    lower = np.array(engine._core.BUCKET_BOUNDS)
    for bound, count in zip(told.bounds, told.counts, strict=False):
        assert count == buckets[lower < round(bound * 1e9)].sum()
    assert told.counts[-1] == 6
    assert told.counts == sorted(told.counts)
    rounded = families.histogram(nanoseconds, buckets, (0.001, 0.1))
    assert rounded.counts[0] <= rounded.counts[1] <= rounded.counts[2] == 6


def test_versions_count_for_themselves():
    model = engine.load(constant_model(1.0), name="constant")
    for _ in range(3):
        model.run(ones())
    model.reload(constant_model(2.0))
    model.run(ones())
    model.rollback()
    model.run(ones())
    seen = scrape(engine.metrics.Collector(models=[model]))
    assert of(seen, "engine_requests_total", version="1", outcome="ok") == 4
    assert of(seen, "engine_requests_total", version="2", outcome="ok") == 1
    assert of(seen, "engine_model_rollbacks_total") == 1
    assert model.stats()["outcomes"]["ok"] == 5


def test_many_versions_lose_no_call_in_the_sum():
    model = engine.load(constant_model(1.0), keep_versions=0)
    for _ in range(40):
        model.run(ones())
        model.reload(constant_model(1.0))
    assert model.stats()["outcomes"]["ok"] == 40
    assert model.stats()["events"]["loads_ok"] == 41
    by_version = model._counts_by_version()
    assert len(by_version) == 16
    assert max(by_version) == 41
    assert_idle(model, ok=40)


def test_calls_end_where_they_began():
    model = counting(keep_versions=0, max_concurrency=2)
    with busy(model):
        reloading = threading.Thread(target=model.reload, args=(counting_model(),))
        reloading.start()
        wait_until(lambda: 2 in model._counts_by_version())
        by_version = model._counts_by_version()
        assert model.version == 2
        assert by_version[1]["in_flight"] == 1
        assert by_version[2]["in_flight"] == 0
    reloading.join()
    wait_until(lambda: model._counts_by_version()[1]["in_flight"] == 0)
    assert model._counts_by_version()[1]["outcomes"]["cancelled"] == 1


WORKER = """
import os, signal, sys, threading
import engine, engine.metrics
from servicing import constant_model, ones
folder, calls = sys.argv[1], int(sys.argv[2])
model = engine.load(constant_model(1.0), name="constant", threads=1)
engine.metrics.share(folder)
for k in range(calls):
    model.run(ones())
    if k == calls // 2:
        model.reload(constant_model(1.0))
try:
    model.run({})
except engine.InvalidInput:
    pass
print("done", flush=True)
signal.pause()
"""


def worker(folder, calls):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(PACKAGES)}
    process = subprocess.Popen([sys.executable, "-c", WORKER, str(folder), str(calls)], stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout.readline() == "done\n"
    return process


def end(process, number):
    process.send_signal(number)
    process.wait(30)
    process.stdout.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no shared pages there")
def test_processes_are_summed_and_the_dead_stay(tmp_path):
    collector = engine.metrics.Collector(tmp_path, models=[])
    workers = [worker(tmp_path, calls) for calls in (10, 20, 30)]
    try:
        wait_until(lambda: of(scrape(collector), "engine_model_ready", version="2") == 3)
        seen = scrape(collector)
        assert of(seen, "engine_requests_total", outcome="ok") == 60
        assert of(seen, "engine_requests_total", outcome="ok", version="1") == 6 + 11 + 16
        assert of(seen, "engine_requests_total", outcome="invalid", version="2") == 3
        assert of(seen, "engine_request_duration_seconds_count") == 60
        assert of(seen, "engine_model_loads_total", result="ok") == 6
        end(workers[0], signal.SIGKILL)
        end(workers[1], signal.SIGTERM)
        for _ in range(3):
            seen = scrape(collector)
            assert of(seen, "engine_requests_total", outcome="ok") == 60
            assert of(seen, "engine_request_duration_seconds_count") == 60
            assert of(seen, "engine_model_ready", version="2") == 1
        assert len(list(tmp_path.glob("*.metrics"))) == 1
    finally:
        for process in workers:
            if process.returncode is None:
                end(process, signal.SIGKILL)
    assert of(scrape(engine.metrics.Collector(tmp_path, models=[])), "engine_requests_total", outcome="ok") == 60
    assert not list(tmp_path.glob("*.metrics"))


FORKED = """
import os, sys
import engine, engine.metrics
from servicing import constant_model, ones
folder = sys.argv[1]
model = engine.load(constant_model(1.0), name="constant", threads=1)
engine.metrics.share(folder)
for _ in range(5):
    model.run(ones())
child = os.fork()
if child == 0:
    model.run(ones())
    assert model.stats()["outcomes"]["ok"] == 1
    engine.metrics.share(folder)
    assert model.stats()["outcomes"]["ok"] == 1
    model.run(ones())
    model.reload(constant_model(1.0))
    model.run(ones())
    assert model.stats()["outcomes"]["ok"] == 3
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert model.stats()["outcomes"]["ok"] == 5
counts = engine.metrics.Collector(folder)._shared().models
assert [counts["constant", version]["events"]["loads_ok"] for version in (1, 2)] == [2, 1], counts
assert counts["constant", 1]["outcomes"]["ok"] == 5 + 2, counts
assert counts["constant", 2]["outcomes"]["ok"] == 1, counts
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork there")
def test_a_forked_child_leaves_its_parent_s_page_alone(tmp_path):
    from subprocesses import python

    python(FORKED, str(tmp_path))


def test_a_page_is_described_by_itself(tmp_path):
    head = layout.header(3)
    assert layout.unpadded(layout.padded(head, layout.HEADER_BYTES)) == head
    assert layout.stride(head) % 4096 == 0
    model = counting()
    assert tuple(shared.gauges_of(model, model.stats())) == layout.GAUGES
    with pytest.raises(ValueError, match="bytes of labels"):
        layout.padded({"model": "m" * 1000}, layout.LABEL_BYTES)
