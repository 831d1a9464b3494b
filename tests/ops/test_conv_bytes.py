"""ConvInteger and QLinearConv, exact against int64 sums."""

import numpy as np
import pytest
from harness import assert_same, run_all_ways

rng = np.random.default_rng(3)


def sums(x, w, x_zero, w_zero, strides, pads, dilations, group):
    rank = w.ndim - 2
    x = x.astype(np.int64) - x_zero
    w = w.astype(np.int64) - np.reshape(w_zero, [-1] + [1] * (w.ndim - 1))
    x = np.pad(x, [(0, 0), (0, 0), *[(pads[d], pads[rank + d]) for d in range(rank)]])
    out = [(x.shape[2 + d] - (w.shape[2 + d] - 1) * dilations[d] - 1) // strides[d] + 1 for d in range(rank)]
    y = np.zeros((x.shape[0], w.shape[0], *out), np.int64)
    c_in, c_out = w.shape[1], w.shape[0] // group
    for g in range(group):
        for tap in np.ndindex(*w.shape[2:]):
            at = [slice(tap[d] * dilations[d], tap[d] * dilations[d] + (out[d] - 1) * strides[d] + 1, strides[d]) for d in range(rank)]
            part = x[(slice(None), slice(g * c_in, (g + 1) * c_in), *at)]
            weight = w[(slice(g * c_out, (g + 1) * c_out), slice(None), *tap)]
            y[:, g * c_out : (g + 1) * c_out] += np.einsum("nc...,mc->nm...", part, weight)
    return y


CASES = [
    ((2, 5, 9, 11), (7, 5, 3, 3), [1, 1], [1, 1, 1, 1], [1, 1], 1),
    ((1, 16, 13, 7), (33, 16, 1, 1), [1, 1], [0, 0, 0, 0], [1, 1], 1),
    ((1, 6, 10, 10), (8, 3, 3, 2), [2, 1], [0, 1, 1, 0], [1, 2], 2),
    ((2, 9, 12, 15), (9, 1, 3, 3), [1, 1], [1, 1, 1, 1], [1, 1], 9),
    ((1, 8, 12, 15), (8, 1, 3, 5), [2, 3], [1, 2, 1, 2], [1, 1], 8),
    ((1, 4, 21), (6, 4, 5), [2], [2, 2], [1], 1),
    ((1, 3, 5, 6, 7), (4, 3, 2, 3, 2), [1, 1, 2], [0, 1, 0, 1, 1, 1], [1, 1, 1], 1),
]


def random_bytes(shape, dtype):
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max + 1, shape).astype(dtype)


@pytest.mark.parametrize("x_shape,w_shape,strides,pads,dilations,group", CASES)
@pytest.mark.parametrize("x_type,w_type", [(np.uint8, np.int8), (np.uint8, np.uint8), (np.int8, np.int8)])
@pytest.mark.parametrize("per_channel", [False, True])
def test_both(x_shape, w_shape, strides, pads, dilations, group, x_type, w_type, per_channel):
    x, w = random_bytes(x_shape, x_type), random_bytes(w_shape, w_type)
    x_zero = random_bytes((), x_type)
    w_zero = random_bytes((w_shape[0],) if per_channel else (), w_type)
    attrs = dict(strides=strides, pads=pads, dilations=dilations, group=group)
    want = sums(x, w, int(x_zero), w_zero.astype(np.int64), strides, pads, dilations, group)
    (got,) = run_all_ways("ConvInteger", [x, w, x_zero, w_zero], attrs, opset=22, constants=(1, 3))
    assert_same(got, want.astype(np.int32))

    k = np.prod(w_shape[1:])
    w_scale = rng.uniform(0.5, 1.5, w_zero.shape).astype(np.float32)
    x_scale, y_scale = np.float32(0.02), np.float32(2 * k**0.5)
    y_zero = random_bytes((), x_type)
    bias = rng.integers(-5000, 5000, w_shape[0]).astype(np.int32)
    inputs = [x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias]
    (got,) = run_all_ways("QLinearConv", inputs, attrs, opset=22, constants=(3, 4, 5, 8))
    channels = (-1, *[1] * (len(x_shape) - 2))
    factor = np.broadcast_to(x_scale * w_scale / y_scale, w_shape[:1]).astype(np.float32).reshape(channels)
    total = (want + bias.reshape(channels)).astype(np.float32)
    info = np.iinfo(x_type)
    quantised = np.clip(np.rint(total * factor) + int(y_zero), info.min, info.max).astype(np.int64)
    assert got.dtype == x_type
    difference = np.abs(got.astype(np.int64) - quantised)
    assert difference.max() <= 1 and np.mean(difference > 0) < 0.005
