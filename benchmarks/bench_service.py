"""What service costs: admission, counters, deadline checks, swapping versions, memory of workers, CPU at a low rate.

The figures are in extra_info. ENGINE_ZOO names a folder of NAME/model.onnx with NAME/cases/*.npz (see tests/zoo); ENGINE_ZOO_MODELS, a regular
expression, picks some.
"""

import concurrent.futures
import hashlib
import itertools
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

import engine
import numpy as np
import pytest
from engine import _testing
from onnx import TensorProto, helper
from servicing import counting_model

ROOT = pathlib.Path(__file__).resolve().parent.parent
ZOO = pathlib.Path(os.environ["ENGINE_ZOO"]) if "ENGINE_ZOO" in os.environ else None
PICK = os.environ.get("ENGINE_ZOO_MODELS", "")
LOOP_ROUNDS = 200_000


# -- parts of a call


def time_loop(benchmark, loop, **arguments):
    """loop(rounds) returns nanoseconds a round; it raises when what it did does not add up."""
    found = []
    benchmark.pedantic(lambda: found.append(loop(LOOP_ROUNDS, **arguments)), rounds=20, warmup_rounds=2)
    benchmark.extra_info["ns_a_call"] = round(statistics.median(found), 1)


@pytest.mark.parametrize("threads", [1, 2])
def test_admission(benchmark, threads):
    time_loop(benchmark, _testing.admission_ns, threads=threads, permits=threads)


@pytest.mark.parametrize("threads", [1, 2])
def test_counting_one_call(benchmark, threads):
    time_loop(benchmark, _testing.metrics_ns, threads=threads)


def test_reading_the_clock(benchmark):
    time_loop(benchmark, _testing.clock_ns)


# -- deadline checks


def zoo_models():
    return sorted(p.parent.name for p in ZOO.glob("*/model.onnx") if re.search(PICK, p.parent.name)) if ZOO else []


def first_case(name):
    case = np.load(min((ZOO / name / "cases").glob("*.npz")), allow_pickle=False)
    return {key[3:]: case[key] for key in case.files if key.startswith("in:")}


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def by_turns(variants, budget):
    """Seconds of a call of each variant, turn by turn; each of them is the first of a turn as often as the others."""
    once = seconds(variants[0])
    burst = max(1, int(2e-3 / max(once, 1e-7)))
    times = [[] for _ in variants]
    for turn in itertools.count():
        for i in range(len(variants)):
            which = (turn + i) % len(variants)
            times[which].append(seconds(lambda which=which: [variants[which]() for _ in range(burst)]) / burst)
        if sum(map(sum, times)) * burst > budget and turn >= 3 * len(variants):
            return times


def ratio_of(over, under):
    return round(statistics.median(a / b for a, b in zip(over, under, strict=True)), 4)


@pytest.mark.parametrize("name", zoo_models() or [pytest.param("", marks=pytest.mark.skip(reason="ENGINE_ZOO names no folder of models"))])
def test_deadline_checks(benchmark, name):
    """On a thread other than the main one, where without a deadline no clock is read at all.

    with_over_endless: a call with a deadline beside one with timeout=inf, which differ by the checks alone. with_over_without: beside
    one without the argument.
    """
    model, feeds = engine.load(ZOO / name / "model.onnx", threads=1), first_case(name)
    for key, value in model.run(feeds).items():
        np.testing.assert_array_equal(value, model.run(feeds, timeout=60)[key])
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        variants = [lambda: model.run(feeds), lambda: model.run(feeds, timeout=math.inf), lambda: model.run(feeds, timeout=60.0)]
        without, endless, limited = pool.submit(by_turns, variants, 1.5).result()
    benchmark.extra_info["with_over_without"] = ratio_of(limited, without)
    benchmark.extra_info["with_over_endless"] = ratio_of(limited, endless)
    benchmark.extra_info["microseconds"] = round(min(without) * 1e6, 2)
    benchmark.pedantic(model.run, (feeds,), {"timeout": 60}, rounds=1)
    assert model.stats()["outcomes"]["deadline_compute"] == 0


# -- swapping versions


def layers(path, seed, activation):
    """x [n, 2048] -> y [n, 2048] through six products: 96 MiB of weights."""
    rng = np.random.default_rng(seed)
    size, nodes, weights = 2048, [], []
    for i in range(6):
        w = (rng.standard_normal((size, size), np.float32) / np.sqrt(size)).astype(np.float32)
        weights.append(helper.make_tensor(f"w{i}", TensorProto.FLOAT, w.shape, w.tobytes(), raw=True))
        nodes.append(helper.make_node("MatMul", [f"h{i}" if i else "x", f"w{i}"], [f"m{i}"]))
        nodes.append(helper.make_node(activation, [f"m{i}"], [f"h{i + 1}" if i < 5 else "y"]))
    info = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", size]) for n in "xy"]
    graph = helper.make_graph(nodes, "layers", info[:1], info[1:], weights)
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString())
    return path


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("versions")
    return {
        "first": layers(folder / "first.onnx", 1, "Relu"),
        "weights": layers(folder / "weights.onnx", 2, "Relu"),
        "graph": layers(folder / "graph.onnx", 1, "Tanh"),
    }


@pytest.mark.parametrize("changed", ["weights", "graph"])
def test_swap(benchmark, versions, changed):
    """There and back; the answer of the new version is compared with that of a model loaded on its own."""
    model = engine.load(versions["first"], keep_versions=0, warmup=[{"x": (1, 2048)}])
    x = np.ones((1, 2048), np.float32)
    expected = {name: engine.load(path)(x) for name, path in versions.items()}
    files = itertools.cycle([changed, "first"])

    def swap():
        name = next(files)
        model.reload(versions[name])
        return name

    for _ in range(2):
        name = swap()
        np.testing.assert_array_equal(model(x), expected[name])
    reading = min(seconds(lambda: hashlib.sha256(versions[changed].read_bytes())) for _ in range(3))
    benchmark.pedantic(swap, rounds=8)
    benchmark.extra_info["over_reading_and_hashing"] = round(benchmark.stats.stats.median / reading, 2)
    benchmark.extra_info["load_seconds"] = {phase: round(s, 4) for phase, s in model.load_seconds.items()}


# -- processes

WORKERS = """
import json, os, sys
import numpy as np
import engine

path, count, preload, cache = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "preload", sys.argv[4] or False
x = np.ones((1, 2048), np.float32)

def open_model():
    model = engine.load(path, threads=1, warmup=[{"x": (1, 2048)}], cache=cache)
    return model, model(x)

def kilobytes(pid):
    lines = open(f"/proc/{pid}/smaps_rollup").read().splitlines()[1:]
    found = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return found["Rss"], found["Pss"]

if preload:
    model, expected = open_model()
ready, stop = os.pipe(), os.pipe()
children = []
for _ in range(count):
    pid = os.fork()
    if pid == 0:
        os.close(stop[1])
        model, expected = (model, expected) if preload else open_model()
        right = np.array_equal(model(x), expected)
        os.write(ready[1], b"." if right else b"!")
        os.read(stop[0], 1)
        os._exit(0)
    children.append(pid)
answered = b"".join(os.read(ready[0], 1) for _ in children)
figures = [kilobytes(pid) for pid in [os.getpid(), *children]]
for fd in stop:
    os.close(fd)
for pid in children:
    os.waitpid(pid, 0)
print(json.dumps({"answered": answered.decode(), "rss": sum(f[0] for f in figures), "pss": sum(f[1] for f in figures)}))
"""

CALLS = """
import json, sys, time
import numpy as np
import engine

model = engine.load(sys.argv[1] + "/digits.onnx")
image = np.load(sys.argv[1] + "/sample.npy")[np.newaxis]
calling = sys.argv[2] == "calls"
right, count, start, cpu = 0, 30, time.monotonic(), time.process_time()
for i in range(count):
    time.sleep(max(0.0, start + i / 6 - time.monotonic()))
    right += int(model(image).argmax() == 7) if calling else 1
print(json.dumps({"right": right, "percent": 100 * (time.process_time() - cpu) / (time.monotonic() - start)}))
"""


def program(code, *arguments):
    done = subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout)


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="the system tells no PSS")
@pytest.mark.parametrize("how", ["preload", "each loads", "each loads, empty cache", "each loads, filled cache"])
@pytest.mark.parametrize("count", [1, 4])
def test_memory_of_workers(benchmark, versions, tmp_path, count, how):
    """MiB of a parent and its workers together, with 96 MiB of weights."""
    cache = tmp_path / "cache" if "cache" in how else ""
    if how.endswith("filled cache"):
        engine.load(versions["first"], cache=cache, threads=1, warmup=[{"x": (1, 2048)}])
    found = benchmark.pedantic(program, (WORKERS, versions["first"], count, how.split()[0], cache), rounds=1)
    assert found["answered"] == "." * count
    benchmark.extra_info.update(rss_mib=found["rss"] // 1024, pss_mib=found["pss"] // 1024)


@pytest.mark.parametrize("cache", ["none", "empty", "filled"])
def test_load_with_a_cache(benchmark, versions, tmp_path, cache):
    """Seconds of a load on one thread; the answer is compared with that of a model without one."""
    x = np.ones((1, 2048), np.float32)
    expected, folders = engine.load(versions["first"], cache=False, threads=1)(x), itertools.count()

    def load():
        folder = {"none": False, "empty": tmp_path / str(next(folders)), "filled": tmp_path / "filled"}[cache]
        return engine.load(versions["first"], cache=folder, threads=1, warmup=[{"x": (1, 2048)}])

    np.testing.assert_array_equal(load()(x), expected)
    benchmark.pedantic(load, rounds=5)


def test_cpu_of_six_calls_a_second(benchmark):
    """Five seconds; beside it the same program that sleeps and does not call."""
    digits = ROOT / "examples" / "digits"
    idle = program(CALLS, digits, "no calls")
    found = benchmark.pedantic(program, (CALLS, digits, "calls"), rounds=1)
    assert found["right"] == idle["right"] == 30
    benchmark.extra_info.update(cpu_percent=round(found["percent"], 3), without_calls=round(idle["percent"], 3))


@pytest.mark.parametrize(("k", "threads"), [(1, 1), (1 << 18, 1), (1 << 18, 2)])
def test_a_client_that_leaves(benchmark, tmp_path, k, threads):
    """Milliseconds, of 200 clients each of which closes its socket in the middle of an endless call.

    noticed: until the event loop knows; freed: from then until the permit is given back; stopped: the part of it that comes after
    the call's next checkpoint. The most of these two is the upper bound of a bucket.
    answered: from closing the socket until a call that waited for the permit has its answer over HTTP; 4 ms at the median at most.
    """
    pytest.importorskip("uvicorn")
    from disconnecting import leave
    from serving import serving

    path = tmp_path / "counting.onnx"
    path.write_bytes(counting_model())
    program = (ROOT / "benchmarks" / "noting_server.py",)
    limits = ("--max-concurrency", 1, "--max-queue", 1, "--threads", threads, "--log-level", "ERROR")
    with serving(path, *limits, program=program) as server:
        server.wait_for("/v2/health/ready", 200)
        found = benchmark.pedantic(leave, (server, 200, k), rounds=1)
        while server.total("engine_requests_total", outcome="cancelled") < len(found):
            time.sleep(0.01)
        told = json.loads(server.ask("GET", "/noted")[2])
    (lag,), (stop,) = told["cancel_lag"], told["stop"]
    noticed, gone, answered = np.array(told["noticed"]), *np.transpose(found)
    assert lag["count"] == len(noticed) == len(gone)
    assert np.median(answered - gone) < 0.004
    benchmark.extra_info.update(noticed=quantiles_ms(noticed - gone), answered=quantiles_ms(answered - gone))
    benchmark.extra_info.update(freed=histogram_ms(lag), stopped=histogram_ms(stop))


def histogram_ms(histogram):
    """Median, p99 and the upper bound of the last bucket."""
    most = histogram["buckets"][-1][0] * 17 / 16
    return [round(seconds * 1e3, 3) for seconds in (histogram["p50"], histogram["p99"], most)]


def quantiles_ms(seconds):
    """Median, p99 and the most."""
    return [round(float(np.quantile(seconds, q)) * 1e3, 3) for q in (0.5, 0.99, 1)]
