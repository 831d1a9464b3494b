"""MaxPool of bytes with channels last: every window against NumPy."""

import numpy as np
import pytest
from harness import assert_same, run_node

CASES = [
    # spatial, channels, attributes
    ((9, 11), 64, {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ((7, 5), 1, {"kernel_shape": [2, 3]}),
    ((6, 8), 130, {"kernel_shape": [3, 2], "strides": [1, 3], "pads": [2, 1, 0, 1]}),
    ((10, 9), 63, {"kernel_shape": [2, 2], "dilations": [3, 2]}),
    ((5, 4), 65, {"kernel_shape": [5, 4]}),
    ((8, 7), 16, {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    ((13,), 70, {"kernel_shape": [4], "strides": [3], "pads": [1, 2]}),
    ((4, 5, 6), 33, {"kernel_shape": [2, 3, 2], "strides": [2, 1, 2], "pads": [1, 0, 1, 0, 1, 1]}),
]


def pooled(x, attrs):
    rank = x.ndim - 2
    kernel, strides = attrs["kernel_shape"], attrs.get("strides", [1] * rank)
    dilations, pads = attrs.get("dilations", [1] * rank), attrs.get("pads", [0] * 2 * rank)
    out = []
    for d in range(rank):
        free = x.shape[1 + d] + pads[d] + pads[rank + d] - (kernel[d] - 1) * dilations[d] - 1
        out.append((-(-free // strides[d]) if attrs.get("ceil_mode") else free // strides[d]) + 1)
    y = np.full((x.shape[0], *out, x.shape[-1]), np.iinfo(x.dtype).min, x.dtype)
    for at in np.ndindex(*out):
        for tap in np.ndindex(*kernel):
            place = [at[d] * strides[d] - pads[d] + tap[d] * dilations[d] for d in range(rank)]
            if all(0 <= place[d] < x.shape[1 + d] for d in range(rank)):
                y[(slice(None), *at)] = np.maximum(y[(slice(None), *at)], x[(slice(None), *place)])
    return y


@pytest.mark.parametrize("spatial, channels, attrs", CASES)
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("n", [0, 1, 3])
def test_windows(spatial, channels, attrs, dtype, n):
    info = np.iinfo(dtype)
    x = np.random.default_rng(n).integers(info.min, info.max + 1, (n, *spatial, channels)).astype(dtype)
    for threads in (1, 2):
        (got,) = run_node("ByteMaxPool", [x], attrs, 1, "engine", threads=threads)
        assert_same(got, pooled(x, attrs))
