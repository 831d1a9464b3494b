"""What a case of the table is: a model of one node (or of few), and inputs that give one thread milliseconds of work."""

import dataclasses
import functools
import os
from collections.abc import Callable

import ml_dtypes
import numpy as np
import onnx
from harness import LATEST, one_node
from onnx import TensorProto, helper

BF16 = ml_dtypes.bfloat16
F16, F32, F64 = np.float16, np.float32, np.float64
I8, I32, I64, U8 = np.int8, np.int32, np.int64, np.uint8

CASES = {}
# Elements of most inputs: a quarter of what benchmarks/checkpoint_gaps.py measures.
SIZE = int(os.environ.get("CHECKPOINT_ELEMENTS", 1 << 20))


@dataclasses.dataclass(frozen=True)
class Case:
    """covers: the rows of the operator table, (domain, name), that it runs. ns: what it takes one thread at the very least."""

    name: str
    covers: tuple
    ns: float
    make: Callable  # () -> (bytes of the model, list of inputs)


def add(name, covers, ns, make):
    assert name not in CASES, name
    CASES[name] = Case(name, tuple(covers), float(ns), make)


def op(op_type, inputs, attrs=None, *, tag="", ns, opset=LATEST, domain="", n_outputs=1, constants=()):
    """A case of one node; `inputs` is a function without arguments that gives them, as in harness.one_node."""

    def make():
        given = inputs()
        data = one_node(op_type, given, attrs, opset, domain, n_outputs, True, constants)
        return data, [x for i, x in enumerate(given) if x is not None and i not in constants]

    name = "-".join(filter(None, (domain, op_type, tag)))
    add(name, [(domain, op_type)], ns, make)


def graph(name, covers, ns, nodes, inputs, outputs, initializers=None, domains=(), opset=LATEST, types=None):
    """A case of some nodes: `inputs` a function that gives a dict of arrays, outputs names."""

    def make():
        given = inputs()
        fixed = (initializers or dict)()
        info = [(types or {}).get(k) or tensor_info(k, v) for k, v in given.items()]
        proto = helper.make_graph(
            nodes() if callable(nodes) else nodes,
            "few",
            info,
            [onnx.ValueInfoProto(name=y) for y in outputs],
            [onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in fixed.items()],
        )
        opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid(d, v) for d, v in domains]
        return helper.make_model(proto, opset_imports=opsets, ir_version=10).SerializeToString(), list(given.values())

    add(name, covers, ns, make)


def tensor_info(name, array):
    array = np.asarray(array)
    text = array.dtype.kind in "OUST"
    dtype = TensorProto.STRING if text else helper.np_dtype_to_tensor_dtype(array.dtype)
    return helper.make_tensor_value_info(name, dtype, [f"{name}_{i}" for i in range(array.ndim)])


@functools.cache
def block(kind, low, high):
    rng = np.random.default_rng(7)
    return rng.uniform(low, high, 65521) if kind == "f" else rng.integers(low, high, 65521)


def numbers(*shape, dtype=F32, low=-1.0, high=1.0):
    """Numbers of [low, high), repeated from a small block: quick to make at any size."""
    dtype = np.dtype(dtype)
    kind = "i" if dtype.kind in "iub" else "f"
    if kind == "i" and (low, high) == (-1.0, 1.0):
        low, high = (0, 2) if dtype.kind == "b" else (0, 100)
    return np.resize(block(kind, low, high).astype(dtype), shape)


def words(*shape, count=997, text="word {}"):
    return np.resize(np.array([text.format(i * 7919 % count) for i in range(count)], object), shape)


def tag_of(dtype):
    return {"float32": "f32", "float64": "f64", "float16": "f16", "bfloat16": "bf16"}.get(np.dtype(dtype).name, np.dtype(dtype).name)


def encode(value):
    """As _testing.WatchedModel.feed takes it."""
    if value is None or isinstance(value, dict):
        return value and {k: encode(v) for k, v in value.items()}
    if isinstance(value, list):
        return [encode(v) for v in value]
    array = np.ascontiguousarray(value)
    if array.dtype.kind in "OUST":
        return "string", np.shape(value), [str(s).encode() for s in array.ravel()]
    return array.dtype.name, np.shape(value), array.tobytes()
