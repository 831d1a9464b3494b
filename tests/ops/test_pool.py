"""MaxPool, AveragePool, LpPool and their global forms against a window-by-window twin."""

import itertools

import engine
import numpy as np
import pytest
from harness import assert_close, assert_same, run_all_ways, run_node

rng = np.random.default_rng(11)


def out_size(size, kernel, stride, dilation, before, after, ceil):
    room = size + before + after - ((kernel - 1) * dilation + 1)
    if not ceil:
        return room // stride + 1
    out = -(-room // stride) + 1
    return out - 1 if (out - 1) * stride >= size + before else out


def windows(x, kernel, strides, dilations, pads, ceil):
    """Yields (output position, input positions inside, number of positions inside the input and its pads)."""
    rank = len(kernel)
    sizes = [
        out_size(x.shape[2 + d], kernel[d], strides[d], dilations[d], pads[d], pads[rank + d], ceil) for d in range(rank)
    ]
    yield sizes
    for at in itertools.product(*map(range, sizes)):
        axes, padded = [], 1
        for d in range(rank):
            taps = [at[d] * strides[d] - pads[d] + k * dilations[d] for k in range(kernel[d])]
            axes.append([t for t in taps if 0 <= t < x.shape[2 + d]])
            padded *= sum(t < x.shape[2 + d] + pads[rank + d] for t in taps)
        yield at, axes, padded


def pool(x, kind, kernel, strides, dilations, pads, ceil=False, count_pads=False, p=2):
    walk = windows(x, kernel, strides, dilations, pads, ceil)
    sizes = next(walk)
    wide = x.astype(np.float64) if x.dtype.kind == "f" else x
    y = np.zeros(x.shape[:2] + tuple(sizes), wide.dtype)
    for at, axes, padded in walk:
        part = wide[(slice(None), slice(None), *np.ix_(*axes))].reshape(*x.shape[:2], -1)
        if kind == "max":
            value = part.max(-1)
        elif kind == "average":
            value = part.sum(-1) / (padded if count_pads else part.shape[-1])
        else:
            value = (np.abs(part) ** p).sum(-1) ** (1 / p)
        y[(slice(None), slice(None), *at)] = value
    return y.astype(x.dtype)


CASES = [
    ([13], [3], [1], [1], [0, 0], False),
    ([13], [4], [3], [1], [1, 2], True),
    ([9, 11], [3, 3], [2, 2], [1, 1], [1, 1, 1, 1], False),
    ([9, 11], [3, 2], [2, 3], [1, 1], [0, 1, 2, 1], True),
    ([9, 11], [2, 3], [1, 1], [2, 3], [1, 0, 1, 2], False),
    ([5, 6, 7], [2, 3, 2], [1, 2, 2], [1, 1, 2], [0, 1, 1, 1, 0, 1], True),
    ([33, 65], [2, 2], [2, 2], [1, 1], [0, 0, 0, 0], False),
]
KINDS = {"max": "MaxPool", "average": "AveragePool", "lp": "LpPool"}


@pytest.mark.parametrize("spatial,kernel,strides,dilations,pads,ceil", CASES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_windows(kind, spatial, kernel, strides, dilations, pads, ceil, dtype):
    x = rng.standard_normal((2, 5, *spatial)).astype(dtype)
    attrs = dict(kernel_shape=kernel, strides=strides, dilations=dilations, pads=pads, ceil_mode=int(ceil))
    tolerance = 2e-3 if dtype == np.float16 else 2e-6
    for count_pads in {False, kind == "average"}:
        extra = {"count_include_pad": int(count_pads)} if kind == "average" else {}
        (got,) = run_all_ways(KINDS[kind], [x], {**attrs, **extra}, opset=22)
        want = pool(x, kind, kernel, strides, dilations, pads, ceil, count_pads)
        if kind == "max":
            assert_same(got, want)
        else:
            assert_close(got, want, tolerance, tolerance)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_max_of_bytes(dtype):
    x = rng.integers(-128 if dtype == np.int8 else 0, 127, (2, 3, 9, 10)).astype(dtype)
    (got,) = run_node("MaxPool", [x], dict(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]))
    assert_same(got, pool(x, "max", [3, 3], [2, 2], [1, 1], [1, 1, 1, 1]))


@pytest.mark.parametrize("order", [0, 1])
def test_indices(order):
    x = rng.permutation(2 * 3 * 6 * 7).reshape(2, 3, 6, 7).astype(np.float32)
    attrs = dict(kernel_shape=[2, 3], strides=[2, 2], pads=[0, 1, 0, 1], storage_order=order)
    y, indices = run_node("MaxPool", [x], attrs, n_outputs=2)
    want = pool(x, "max", [2, 3], [2, 2], [1, 1], [0, 1, 0, 1])
    assert_same(y, want)
    planes = x if order == 0 else np.swapaxes(x, 2, 3)
    assert indices.dtype == np.int64
    assert_same(planes.reshape(-1)[indices], want)


@pytest.mark.parametrize("pad", ["SAME_UPPER", "SAME_LOWER", "VALID"])
def test_auto_pad(pad):
    x = rng.standard_normal((1, 2, 8, 9)).astype(np.float32)
    (got,) = run_node("MaxPool", [x], dict(kernel_shape=[3, 2], strides=[2, 2], auto_pad=pad))
    before = {"SAME_UPPER": [0, 0], "SAME_LOWER": [1, 1], "VALID": [0, 0]}[pad]
    after = {"SAME_UPPER": [1, 1], "SAME_LOWER": [0, 0], "VALID": [0, 0]}[pad]
    assert_same(got, pool(x, "max", [3, 2], [2, 2], [1, 1], before + after))


@pytest.mark.parametrize("shape", [(2, 5, 7), (1, 17, 7, 7), (2, 3, 4, 5, 6), (1, 2, 3, 2, 3, 2), (3, 4, 1, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_global(shape, dtype):
    x = rng.standard_normal(shape).astype(dtype)
    axes = tuple(range(2, len(shape)))
    wide = x.astype(np.float64)
    tolerance = 2e-3 if dtype == np.float16 else 2e-6
    assert_same(run_all_ways("GlobalMaxPool", [x])[0], x.max(axes, keepdims=True))
    assert_close(run_all_ways("GlobalAveragePool", [x])[0], wide.mean(axes, keepdims=True).astype(dtype), tolerance, tolerance)
    for p in (1, 2, 3):
        want = ((np.abs(wide) ** p).sum(axes, keepdims=True) ** (1 / p)).astype(dtype)
        assert_close(run_all_ways("GlobalLpPool", [x], {"p": p}, opset=22)[0], want, tolerance, tolerance)


def test_special_values():
    x = np.full((1, 1, 4, 4), -np.inf, np.float32)
    x[0, 0, 0, 0] = np.nan
    x[0, 0, 3, 3] = np.inf
    got = run_node("MaxPool", [x], dict(kernel_shape=[2, 2], strides=[2, 2]))[0]
    assert np.isnan(got[0, 0, 0, 0]) and got[0, 0, 0, 1] == -np.inf and got[0, 0, 1, 1] == np.inf


def test_empty_batch():
    x = np.zeros((0, 3, 8, 8), np.float32)
    assert run_node("MaxPool", [x], dict(kernel_shape=[2, 2]))[0].shape == (0, 3, 7, 7)
    assert run_node("GlobalAveragePool", [x])[0].shape == (0, 3, 1, 1)


@pytest.mark.parametrize(
    "attrs",
    [
        dict(kernel_shape=[9, 9]),
        dict(kernel_shape=[0, 1]),
        dict(kernel_shape=[2]),
        dict(kernel_shape=[2, 2], strides=[0, 1]),
        dict(kernel_shape=[2, 2], pads=[-1, 0, 0, 0]),
        dict(kernel_shape=[2, 2], auto_pad="SAME"),
        dict(),
    ],
)
def test_refused(attrs):
    with pytest.raises(engine.EngineError):
        run_node("AveragePool", [np.zeros((1, 1, 8, 8), np.float32)], attrs, dynamic=False)
