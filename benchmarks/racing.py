"""Runtimes side by side: one process each, which wait while another one has the machine.

A Contender is such a process, with one model loaded and one case's inputs. burst(seconds) has it call the model for that long and gives
the time of a call. Contenders differ in runtime, or in the build of the engine that they import (`python_path`).
"""

import json
import os
import select
import subprocess
import sys
import time

RUNTIMES = ("engine", "onnxruntime", "openvino")


class ContenderFailed(Exception):
    """The process ended, or did not load its model in time."""


class Contender:
    """A process with `model` loaded in `runtime`. Close it, or use it as a context manager.

    python_path: folder that `import engine` is to find first. Raises ContenderFailed with the last line the process wrote.
    """

    def __init__(self, runtime, model, case, threads, *, python_path=None, load_timeout=120.0):
        environment = dict(os.environ)
        if python_path is not None:
            environment["PYTHONPATH"] = str(python_path)
        self.name = f"{runtime} on {model}"
        self._process = subprocess.Popen(
            [sys.executable, __file__, runtime, str(model), str(case), str(threads)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        if not select.select([self._process.stdout], [], [], load_timeout)[0]:
            self._process.kill()
        self.loaded = self._answer()

    def burst(self, seconds):
        """Calls for `seconds`, three at least: a dict with `best` and `mean` seconds a call, and `calls`."""
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self):
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        said = self._process.communicate()[1].strip().splitlines()
        raise ContenderFailed(f"{self.name}: {said[-1] if said else 'ended'}")

    def close(self):
        if self._process.poll() is None:
            self._process.stdin.close()
            self._process.wait()
        self._process.stdout.close()
        self._process.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def open_engine(model, threads):
    import engine

    return engine.load(model, threads=threads).run, {"version": engine.__version__, "isa": engine.isa()}


def open_onnxruntime(model, threads):
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda feeds: session.run(None, feeds), {"version": onnxruntime.__version__}


def open_openvino(model, threads):
    import openvino

    hints = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    core = openvino.Core()
    return core.compile_model(core.read_model(model), "CPU", hints).create_infer_request().infer, {
        "version": openvino.__version__.split("-")[0]
    }


def read_case(path):
    """The inputs and the wanted outputs of a case: NAME.npz with arrays called in:NAME and out:NAME."""
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        feeds = {name[3:]: arrays[name] for name in arrays.files if name.startswith("in:")}
        wanted = {name[4:]: arrays[name] for name in arrays.files if name.startswith("out:")}
    return feeds, wanted


def serve(runtime, model, case, threads):
    """The process of a Contender: a line of JSON once the model has answered, then one for every burst that is asked for."""
    feeds, _ = read_case(case)
    begin = time.perf_counter()
    run, facts = {"engine": open_engine, "onnxruntime": open_onnxruntime, "openvino": open_openvino}[runtime](
        model, threads
    )
    seconds = time.perf_counter() - begin
    run(feeds)
    print(json.dumps({"load_seconds": seconds, **facts}), flush=True)
    for line in sys.stdin:
        print(json.dumps(time_calls(lambda: run(feeds), float(line))), flush=True)


def time_calls(call, seconds):
    call()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    times.sort()
    return {"best": times[0], "mean": sum(times) / len(times), "calls": len(times)}


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
