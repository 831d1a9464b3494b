"""The onnx package's own backend tests, run on the engine: each in a child process that is replaced when it dies.

python tests/conformance/suite.py prints a line of JSON a test: [name, verdict, detail]. Verdicts: pass; refused (an EngineError at load
or run); wrong (it ran and answered otherwise); error (any other exception); crash (the process died); hang (no answer in time).
"""

import glob
import json
import os
import select
import signal
import sys
import warnings

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

KINDS = ("node", "simple", "pytorch-operator", "pytorch-converted")
SECONDS = 60.0


def cases():
    """Every test, by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [case for kind in KINDS for case in load_model_tests(kind=kind)]
    return sorted(found, key=lambda case: case.name)


def read_value(path, info):
    with open(path, "rb") as file:
        data = file.read()
    kind = info.type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.to_list(onnx.SequenceProto.FromString(data))
    if kind == "optional_type":
        return numpy_helper.to_optional(onnx.OptionalProto.FromString(data))
    return numpy_helper.to_array(onnx.TensorProto.FromString(data))


def as_value(value):
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else value


def data_sets(case, model):
    """(inputs, wanted outputs) in the model's order."""
    if case.data_sets is not None:
        for inputs, wanted in case.data_sets:
            yield [as_value(v) for v in inputs], [as_value(v) for v in wanted]
        return
    for folder in sorted(glob.glob(os.path.join(case.model_dir, "test_data_set_*"))):
        yield tuple(
            [
                read_value(os.path.join(folder, f"{side}_{i}.pb"), infos[i])
                for i in range(len(glob.glob(os.path.join(folder, f"{side}_*.pb"))))
            ]
            for side, infos in (("input", model.graph.input), ("output", model.graph.output))
        )


def difference(want, got, rtol, atol):
    """What differs, or ''."""
    if want is None or isinstance(want, (list, tuple, dict)):
        return other_difference(want, got, rtol, atol)
    want, got = np.asarray(want), np.asarray(got)
    if want.shape != got.shape:
        return f"shape {got.shape}, not {want.shape}"
    if want.dtype.kind in "OUST":
        return "" if got.astype(str).tolist() == want.astype(str).tolist() else "other strings"
    if want.dtype != got.dtype:
        return f"dtype {got.dtype}, not {want.dtype}"
    if want.dtype.kind == "V" or want.dtype.itemsize == 1 or want.dtype.name == "bfloat16":
        rtol = max(rtol, 2**-6) if want.dtype.name == "bfloat16" else rtol
        want, got = want.astype(np.float32), got.astype(np.float32)
    return "" if np.allclose(got, want, rtol=rtol, atol=atol, equal_nan=True) else "other numbers"


def other_difference(want, got, rtol, atol):
    if want is None:
        return "" if got is None else "a value where none is wanted"
    if isinstance(want, dict):
        if not isinstance(got, dict) or set(want) != set(got):
            return "other keys"
        return next(filter(None, (difference(want[k], got[k], rtol, atol) for k in want)), "")
    if not isinstance(got, (list, tuple)) or len(want) != len(got):
        return "another length"
    return next(filter(None, (difference(a, b, rtol, atol) for a, b in zip(want, got, strict=True))), "")


def judge(case):
    """(verdict, detail) of one test."""
    import engine
    from engine.backend import EngineBackend

    model = case.model if case.model is not None else onnx.load(os.path.join(case.model_dir, "model.onnx"))
    ran = 0
    try:
        prepared = EngineBackend.prepare(model, threads=1)
        for inputs, wanted in data_sets(case, model):
            found = difference(list(wanted), list(prepared.run(list(inputs))), case.rtol, case.atol)
            if found:
                return "wrong", found
            ran += 1
    except engine.EngineError as problem:
        return "refused", f"{type(problem).__name__}: {problem}"[:200]
    except Exception as problem:
        return "error", f"{type(problem).__name__}: {problem}"[:200]
    return ("pass", "") if ran else ("error", "no data")


def child(todo, pipe):
    """Judges the cases in turn; tells each verdict as a line."""
    warnings.simplefilter("ignore")
    with os.fdopen(pipe, "w") as out:
        for case in todo:
            print(json.dumps([case.name, *judge(case)]), file=out, flush=True)
    os._exit(0)


def start(todo):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        child(todo, write)
    os.close(write)
    return pid, read


def verdicts(todo):
    """[name, verdict, detail] of each case."""
    todo = list(todo)
    while todo:
        pid, read = start(todo)
        text = b""
        verdict = "crash"
        while True:
            if not select.select([read], [], [], SECONDS)[0]:
                verdict = "hang"
                break
            chunk = os.read(read, 65536)
            if not chunk:
                break
            *lines, text = (text + chunk).split(b"\n")
            for line in lines:
                yield json.loads(line)
                todo.pop(0)
        os.close(read)
        if todo:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        if todo:
            yield [todo.pop(0).name, verdict, f"wait status {status}"]


if __name__ == "__main__":
    for row in verdicts(cases()):
        print(json.dumps(row))
    sys.exit(0)
