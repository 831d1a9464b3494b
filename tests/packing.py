"""Models whose constants are packed in every way that there is, and programs that load them."""

import json
import os
import subprocess

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import engine
from subprocesses import start

FLOAT, UINT8 = TensorProto.FLOAT, TensorProto.UINT8


class Builder:
    """Independent nodes side by side; `change` names constants to draw anew."""

    def __init__(self, seed=0, change=()):
        self.seed, self.change = seed, change
        self.nodes, self.inputs, self.outputs, self.constants = [], [], [], []

    def constant(self, name, shape, dtype=np.float32):
        r = np.random.default_rng([self.seed, name in self.change, *name.encode()])
        value = r.normal(size=shape) if dtype == np.float32 else r.integers(0, 200, size=shape)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype), name))
        return name

    def add(self, op_type, shape, inputs, dtype=FLOAT, domain="", out=None, **attributes):
        x, y = f"x{len(self.inputs)}", f"y{len(self.inputs)}"
        self.inputs.append(helper.make_tensor_value_info(x, dtype, shape))
        self.outputs.append(helper.make_empty_tensor_value_info(y))
        self.nodes.append(helper.make_node(op_type, [x, *inputs], [*([""] * (out or 0)), y], domain=domain, **attributes))

    def bytes(self):
        graph = helper.make_graph(self.nodes, "packing", self.inputs, self.outputs, self.constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def all_kinds(seed=0, change=()):
    """A convolution with a bias and one without, products of floats, bytes and 4 bits, a convolution of bytes, an LSTM."""
    b = Builder(seed, change)
    b.add("Conv", [1, 40, 9, 9], [b.constant("conv_w", (72, 40, 3, 3)), b.constant("conv_b", (72,))], pads=[1, 1, 1, 1])
    b.add("Conv", [1, 130, 5, 5], [b.constant("point_w", (150, 130, 1, 1))])
    b.add("MatMul", ["rows", 129], [b.constant("product_w", (129, 201))])
    b.add("MatMulInteger", ["rows", 260], [b.constant("bytes_w", (260, 300), np.uint8)], dtype=UINT8)
    b.add("ConvInteger", [1, 64, 6, 6], [b.constant("byte_conv_w", (160, 64, 3, 3), np.uint8)], dtype=UINT8)
    b.add("LSTM", [3, 1, 96], [b.constant("lstm_w", (1, 4 * 100, 96)), b.constant("lstm_r", (1, 4 * 100, 100))], hidden_size=100)
    b.add(
        "MatMulNBits", ["rows", 256],
        [b.constant("bits_w", (192, 8, 16), np.uint8), b.constant("bits_scales", (192 * 8,)), b.constant("bits_zeros", (192 * 4,), np.uint8)],
        domain="com.microsoft", K=256, N=192, bits=4, block_size=32,
    )
    return b.bytes()


def wide_product(seed=0, n=1500, k=1400):
    """One product: a packed constant of 8 MB."""
    b = Builder(seed)
    b.add("MatMul", ["rows", k], [b.constant("w", (k, n))])
    return b.bytes()


def feeds_of(model, rows=3):
    r = np.random.default_rng(7)
    feeds = {}
    for port in model.inputs:
        shape = [rows if dim is None or isinstance(dim, str) else dim for dim in port.shape]
        dtype = np.dtype(port.dtype)
        feeds[port.name] = r.normal(size=shape).astype(dtype) if dtype == np.float32 else r.integers(0, 255, shape, dtype)
    return feeds


def answers(model, rows=3):
    return {name: value.tobytes() for name, value in model.run(feeds_of(model, rows)).items()}


LOADING = """
import hashlib, json, os, sys
import engine
from packing import *

def told(model):
    lines = open("/proc/self/smaps_rollup").read().splitlines()[1:] if os.path.exists("/proc/self/smaps_rollup") else []
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    digest = hashlib.sha256(repr(sorted(answers(model).items())).encode()).hexdigest()
    return {"answers": digest, "isa": engine.isa(), **model.cache, **{k.lower(): v for k, v in kilobytes.items()}}

def load(path, folder):
    return engine.load(path, cache=folder or False, threads=1)
"""


def loading(path, folder, env=None):
    """A process that loads the file, tells what load found, and ends when a line is written to it."""
    program = LOADING + "model = load(sys.argv[1], sys.argv[2])\nprint(json.dumps(told(model)), flush=True)\nsys.stdin.readline()"
    return start(program, str(path), str(folder), stdin=subprocess.PIPE, env=env or {})


def line_of(process):
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    return json.loads(line)


def end(process):
    _, err = process.communicate("\n", timeout=60)
    assert process.returncode == 0, err


def load_elsewhere(path, folder, env=None):
    """What a process of its own found."""
    process = loading(path, folder, env)
    try:
        told = line_of(process)
        end(process)
    finally:
        process.kill()
    return told


def files_of(folder):
    return sorted(name for name in os.listdir(folder) if name.endswith(".pack"))


def leftovers(folder):
    return sorted(name for name in os.listdir(folder) if not name.endswith(".pack"))


def load(model, folder, **options):
    return engine.load(model, cache=folder, **{"threads": 1, **options})


# Fixtures: test files import what they use.


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "deep" / "cache"


@pytest.fixture(scope="module")
def kinds():
    """The model's bytes and its answers without a folder."""
    model = all_kinds()
    return model, answers(engine.load(model, cache=False, threads=1))
