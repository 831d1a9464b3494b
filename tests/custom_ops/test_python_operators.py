"""Python callables as operators."""

import asyncio
import itertools
import subprocess
import sys
import time

import building
import engine
import numpy as np
import pytest
from harness import one_node, run_all_ways, run_node

DOMAIN = "test.python"
numbers = itertools.count()


def register(function, **how):
    """Registers under a name of its own, which it returns."""
    name = f"Op{next(numbers)}"
    engine.register(function, name=name, domain=DOMAIN, **how)
    return name


def run(name, *inputs, constants=(), **attrs):
    return run_all_ways(name, inputs, attrs, opset=1, domain=DOMAIN, constants=constants)[0]


def test_output_like_an_input():
    name = register(lambda x, *, factor: x * np.float32(factor))
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(run(name, x, factor=2.5), x * np.float32(2.5))


def test_output_of_an_open_shape():
    name = register(lambda x: np.flatnonzero(x), outputs="int64")
    np.testing.assert_array_equal(run(name, np.array([0, 3, 0, 4], np.float32), constants=(0,)), [1, 3])
    assert run(name, np.zeros(3, np.float32)).shape == (0,)


def test_outputs_that_infer_tells():
    def infer(x, axes):
        assert axes is None or axes.dtype == "int64"
        return [(x.dtype, None if x.shape is None else x.shape[::-1]), ("int64", (1,))]

    name = register(lambda x, axes=None: (x.T, np.array([x.size])), infer=infer, inputs=(1, 2))
    x = np.arange(6, dtype=np.float64).reshape(2, 3)
    got = run_node(name, [x, None], opset=1, domain=DOMAIN, n_outputs=2)
    np.testing.assert_array_equal(got[0], x.T)
    assert got[1] == [6]


def test_attributes():
    seen = {}
    name = register(lambda x, **attrs: (seen.update(attrs), x)[1])
    run(name, np.zeros(1, np.float32), i=1, f=0.5, s="text", ints=[1, 2], floats=[0.5], strings=["a", "b"])
    assert seen == {"i": 1, "f": 0.5, "s": "text", "ints": (1, 2), "floats": (0.5,), "strings": ("a", "b")}


def test_strings():
    name = register(lambda x: np.array([[s.upper()] for s in x], object), outputs=[("string", (None, 1))])
    assert run(name, np.array(["a", "ß"], object)).tolist() == [["A"], ["SS"]]


def test_arrays_may_be_kept():
    kept = []
    name = register(lambda x: (kept.append(x), x + 1)[1])
    model = engine.load(one_node(name, [np.zeros(3, np.float32)], opset=1, domain=DOMAIN), warmup=False)
    model(np.full(3, 5, np.float32))
    model(np.full(3, 6, np.float32))
    assert [k.tolist() for k in kept[-2:]] == [[5, 5, 5], [6, 6, 6]]


def raising(error):
    def function(x):
        if x.any():
            raise error
        return x

    return function


def test_its_exception_is_the_cause():
    error = ValueError("not today")
    name = register(raising(error))
    model = engine.load(one_node(name, [np.zeros(1, np.float32)], opset=1, domain=DOMAIN))
    with pytest.raises(engine.OperatorFailed, match=rf"\(test\.python\.{name}\): ValueError: not today$") as caught:
        model(np.ones(1, np.float32))
    assert caught.value.__cause__ is error
    assert caught.value.__cause__.__traceback__ is not None
    with pytest.raises(engine.OperatorFailed, match="not today") as caught:
        asyncio.run(model.run_async({"x0": np.ones(1, np.float32)}))
    assert caught.value.__cause__ is error
    assert model(np.zeros(1, np.float32)) == 0


def test_it_may_raise_the_engines_errors():
    name = register(raising(engine.InvalidInput("x is any")))
    model = engine.load(one_node(name, [np.zeros(1, np.float32)], opset=1, domain=DOMAIN))
    with pytest.raises(engine.InvalidInput, match="x is any$"):
        model(np.ones(1, np.float32))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x.astype(np.float64), "output 0 is returned as float64; float32 was told"),
        (lambda x: x[:1], r"output 0 is returned with shape \(1,\); \(3,\) was told"),
        (lambda x: (), "0 outputs are returned; the node has 1"),
        (lambda: 0, "takes 0 positional arguments but 1 was given"),
    ],
)
def test_answers_that_do_not_fit(function, message):
    name = register(function)
    with pytest.raises(engine.OperatorFailed, match=message):
        run_node(name, [np.zeros(3, np.float32)], opset=1, domain=DOMAIN)


def test_infer_that_does_not_fit():
    name = register(lambda x: x, outputs=["float77"])
    with pytest.raises(engine.OperatorFailed, match="output 0 cannot have element type 0"):
        engine.load(one_node(name, [np.zeros(3, np.float32)], opset=1, domain=DOMAIN))
    name = register(lambda x: x, infer=lambda x: 1 / 0)
    with pytest.raises(engine.OperatorFailed, match="ZeroDivisionError") as caught:
        engine.load(one_node(name, [np.zeros(3, np.float32)], opset=1, domain=DOMAIN))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_deadline_before_and_after():
    name = register(lambda x: (time.sleep(0.2), x)[1], deterministic=False)
    data = one_node(name, [np.zeros(1, np.float32)], opset=1, domain=DOMAIN)
    model = engine.load(data, warmup=False, allow_random=True)
    with pytest.raises(engine.DeadlineExceeded):
        model.run({"x0": np.zeros(1, np.float32)}, timeout=0.05)


def test_names_that_are_taken():
    name = register(lambda x: x)
    with pytest.raises(engine.InvalidOperator, match=f"{name} .*is registered already"):
        engine.register(lambda x: x, name=name, domain=DOMAIN)
    with pytest.raises(engine.InvalidOperator, match="Softmax is built in"):
        engine.register(lambda x: x, name="Softmax", domain="")
    with pytest.raises(engine.InvalidOperator, match="Softmax is built in"):
        engine.register(lambda x: x, name="Softmax", domain="ai.onnx")
    with pytest.raises(engine.InvalidOperator, match="wants a domain and a name"):
        engine.register(lambda x: x, name="Foo")


def test_replacing():
    """A model keeps what it was loaded with."""
    name = register(lambda x: x + 1)
    x = np.zeros(2, np.float32)
    data = one_node(name, [x], opset=1, domain=DOMAIN)
    old = engine.load(data)
    engine.register(lambda x: x + 2, name=name, domain=DOMAIN, replace=True)
    assert old(x).tolist() == [1, 1]
    assert old(np.zeros(3, np.float32)).tolist() == [1, 1, 1]
    assert engine.load(data)(x).tolist() == [2, 2]


def test_unpickled_in_a_new_process(tmp_path):
    (tmp_path / "negation.py").write_text("def negated(x):\n    return -x\n")
    program = """
import pickle, sys, numpy as np, engine, negation
if len(sys.argv) > 1:
    engine.register(negation.negated, name="Negated", domain="test.pickled")
    model = engine.load(sys.argv[1])
    sys.stdout.buffer.write(pickle.dumps(model))
else:
    print(pickle.load(sys.stdin.buffer)(np.ones(2, np.float32)).tolist())
"""
    (tmp_path / "m.onnx").write_bytes(one_node("Negated", [np.zeros(2, np.float32)], opset=1, domain="test.pickled"))
    how = {
        "env": building.environment(tmp_path),
        "cwd": tmp_path,
        "check": True,
        "stdout": subprocess.PIPE,
        "timeout": 60,
    }
    pickled = subprocess.run([sys.executable, "-c", program, "m.onnx"], **how).stdout
    assert subprocess.run([sys.executable, "-c", program], input=pickled, **how).stdout == b"[-1.0, -1.0]\n"
