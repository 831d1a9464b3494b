import engine
import ml_dtypes
import numpy as np
import pytest
from harness import assert_same, run_node

NUMERIC = [np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
MOVED = [*NUMERIC, np.bool_, np.complex64, np.complex128]
SHAPES = [
    ((6,), (6,), (6,)),
    ((), (6,), ()),
    ((2, 1), (1, 5), (2, 5)),
    ((3, 4, 1), (4, 600), (3, 1, 600)),
    ((1,), (4, 1), (1, 5)),
    ((0, 2), (2,), (1, 2)),
]


def numbers(dtype, shape, seed):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) * 4).astype(dtype) if dtype != np.bool_ else rng.random(shape) < 0.5


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("dtype", MOVED)
def test_where(shapes, dtype):
    c, a, b = numbers(np.bool_, shapes[0], 1), np.abs(numbers(dtype, shapes[1], 2)), np.abs(numbers(dtype, shapes[2], 3))
    a, b = np.asarray(a).astype(dtype), np.asarray(b).astype(dtype)
    for version in (9, 16):
        assert_same(run_node("Where", [c, a, b], opset=version)[0], np.where(c, a, b))


def test_where_of_strings():
    c = np.array([[True], [False]])
    a, b = np.array(["x", "y", "a long string that owns memory"], object), np.array([["1"], ["2"]], object)
    assert run_node("Where", [c, a, b])[0].tolist() == np.where(c, a, b).tolist()


def bounded(x, low, high):
    wide = x.astype(np.float64) if x.dtype.kind not in "iu" else x
    if low is not None:
        wide = np.maximum(wide, low)
    if high is not None:
        wide = np.minimum(wide, high)
    return wide.astype(x.dtype)


@pytest.mark.parametrize("dtype", NUMERIC)
@pytest.mark.parametrize("bounds", [(1, 3), (None, 2), (2, None), (None, None), (3, 1)])
def test_clip(dtype, bounds):
    x = np.arange(0, 1400).astype(dtype) if np.dtype(dtype).itemsize > 1 else np.arange(0, 100).astype(dtype)
    if np.dtype(dtype).kind not in "iu":
        x[:6] = np.array([np.nan, np.inf, -np.inf, -0.0, 2.5, -7]).astype(dtype)
    low, high = (None if v is None else np.array(v, dtype) for v in bounds)
    want = bounded(x, low, high)
    for version in (12, 13):
        for constants in ((), (1, 2)):
            inputs = [x, low, high]
            constants = [i for i in constants if inputs[i] is not None]
            while inputs[-1] is None:
                inputs.pop()
            assert_same(run_node("Clip", inputs, opset=version, constants=constants)[0], want)


def test_clip_by_attributes():
    x = np.array([-5, 0, 5, np.nan, np.inf], np.float32)
    assert_same(run_node("Clip", [x], {"min": -1.0, "max": 2.0}, opset=6)[0], np.clip(x, -1, 2))
    assert_same(run_node("Clip", [x[:4]], opset=6)[0], x[:4])
    assert_same(run_node("Clip", [x.astype(np.float16)], {"max": 2.0}, opset=6)[0], np.minimum(x, 2).astype(np.float16))


def test_clip_with_nan_bound():
    assert np.isnan(run_node("Clip", [np.zeros(3, np.float32), np.float32(np.nan)])[0]).all()


def test_clip_bounds_are_scalars():
    with pytest.raises(engine.EngineError, match="scalar"):
        run_node("Clip", [np.zeros(3, np.float32), np.zeros(2, np.float32)])
