"""Pad and CenterCropPad against numpy."""

import engine
import numpy as np
import pytest
from harness import assert_same, run_all_ways, run_node
from movement import MOVED, WIDTHS, draw

MODES = ["constant", "reflect", "edge", "wrap"]


def twin(x, pads, mode="constant", value=None):
    n = x.ndim
    cut = tuple(slice(max(0, -pads[i]), x.shape[i] - max(0, -pads[n + i])) for i in range(n))
    widths = [(max(0, pads[i]), max(0, pads[n + i])) for i in range(n)]
    if mode != "constant":
        return np.pad(x[cut], widths, mode)
    fill = np.zeros((), x.dtype) if x.dtype.kind != "O" else np.array("", object)
    return np.pad(x[cut], widths, constant_values=(fill if value is None else value).item())


@pytest.mark.parametrize("dtype", MOVED)
@pytest.mark.parametrize("mode", MODES)
def test_dtypes(dtype, mode):
    x = draw((4, 5, 6), dtype)
    pads = [1, 0, 2, 0, 3, 1]
    assert_same(run_all_ways("Pad", [x, np.array(pads)], {"mode": mode}, constants=(1,))[0], twin(x, pads, mode))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("shape", "pads"),
    [
        ((5,), [3, 2]),
        ((5,), [0, 0]),
        ((4, 5), [-1, 0, 2, -2]),
        ((4, 5), [-1, 3, 2, 0]),
        ((3, 4), [7, 9, 8, 11]),
        ((1, 3), [2, 0, 3, 1]),
        ((2, 3, 4, 5), [0, 0, 1, 2, 0, 0, 3, 4]),
        ((2, 3, 4, 5), [1, 2, 0, 0, 1, 0, 0, 0]),
        ((30000,), [10000, 20000]),
        ((2, 0), [1, 0, 0, 0]),
    ],
)
def test_pads(mode, shape, pads):
    x = draw(shape)
    assert_same(run_all_ways("Pad", [x, np.array(pads)], {"mode": mode}, constants=(1,))[0], twin(x, pads, mode))


@pytest.mark.parametrize("dtype", WIDTHS)
def test_value(dtype):
    x, value = draw((3, 4), dtype), draw((), dtype, seed=8)
    pads = [1, 2, 3, 0]
    assert_same(run_all_ways("Pad", [x, np.array(pads), value], constants=(1, 2))[0], twin(x, pads, value=np.array(value)))


def test_axes_and_attributes():
    x = draw((2, 3, 4))
    want = twin(x, [0, 0, 1, 2, 0, 3])
    got = run_all_ways("Pad", [x, np.array([1, 0, 3, 2]), None, np.array([-1, 0])], opset=18, constants=(1, 3))[0]
    assert_same(got, want)
    got = run_node("Pad", [x], {"pads": [0, 0, 1, 2, 0, 3], "value": 1.5}, opset=2)[0]
    assert_same(got, twin(x, [0, 0, 1, 2, 0, 3], value=np.float32(1.5)))
    got = run_node("Pad", [x, np.array([0, 0, 1, 2, 0, 3])], {"mode": "reflect"}, opset=1, domain="com.microsoft")[0]
    assert_same(got, twin(x, [0, 0, 1, 2, 0, 3], "reflect"))


@pytest.mark.parametrize("pads", [[1], [0, 0, 0], [-2, 0, -2, 0], [-5, 0, 0, 0], [2**62, 0, 2**62, 0]])
def test_refuses(pads):
    for constants in ((), (1,)):
        with pytest.raises(engine.EngineError):
            run_node("Pad", [draw((3, 4)), np.array(pads)], constants=constants)


def test_refuses_to_reflect_nothing():
    for mode in ("reflect", "edge", "wrap"):
        with pytest.raises(engine.EngineError):
            run_node("Pad", [draw((0, 4)), np.array([1, 0, 0, 0])], {"mode": mode})


@pytest.mark.parametrize("dtype", WIDTHS)
@pytest.mark.parametrize("wanted", [[4, 5], [2, 9], [7, 3], [5, 6], [0, 6], [1, 1]])
def test_center_crop_pad(dtype, wanted):
    x = draw((5, 6), dtype)
    want = x
    for axis, size in enumerate(wanted):
        n = x.shape[axis]
        if n > size:
            want = np.take(want, range((n - size) // 2, (n - size) // 2 + size), axis)
        else:
            widths = [(0, 0), (0, 0)]
            widths[axis] = ((size - n) // 2, size - n - (size - n) // 2)
            want = np.pad(want, widths, constant_values="" if want.dtype.kind == "O" else 0)
    assert_same(run_all_ways("CenterCropPad", [x, np.array(wanted)], constants=(1,))[0], want)
    turned = run_node("CenterCropPad", [x, np.array(wanted[::-1])], {"axes": [-1, 0]})[0]
    assert_same(turned, want)
