"""DeformConv against sampling element by element."""

import numpy as np
import pytest
from harness import assert_close, run_node

rng = np.random.default_rng(21)


def bilinear(plane, h, w):
    total = 0.0
    for y in (int(np.floor(h)), int(np.floor(h)) + 1):
        for x in (int(np.floor(w)), int(np.floor(w)) + 1):
            if 0 <= y < plane.shape[0] and 0 <= x < plane.shape[1]:
                total += (1 - abs(h - y)) * (1 - abs(w - x)) * plane[y, x]
    return total


def deform(x, w, offset, bias, mask, strides, pads, dilations, group, offset_group):
    n, channels, _, _ = x.shape
    m, c_in, kh, kw = w.shape
    _, _, oh, ow = offset.shape
    offset = offset.reshape(n, offset_group, kh, kw, 2, oh, ow)
    mask = np.ones((n, offset_group, kh, kw, oh, ow)) if mask is None else mask.reshape(n, offset_group, kh, kw, oh, ow)
    y = np.zeros((n, m, oh, ow))
    for i, o, r, s in np.ndindex(n, m, oh, ow):
        for c, a, b in np.ndindex(c_in, kh, kw):
            channel = o // (m // group) * c_in + c
            g = channel // (channels // offset_group)
            h = r * strides[0] - pads[0] + a * dilations[0] + offset[i, g, a, b, 0, r, s]
            v = s * strides[1] - pads[1] + b * dilations[1] + offset[i, g, a, b, 1, r, s]
            y[i, o, r, s] += w[o, c, a, b] * mask[i, g, a, b, r, s] * bilinear(x[i, channel], h, v)
    return y if bias is None else y + bias.reshape(-1, 1, 1)


@pytest.mark.parametrize("dtype,tolerance", [(np.float32, 1e-4), (np.float64, 1e-10), (np.float16, 2e-2)])
@pytest.mark.parametrize("extras", [False, True])
@pytest.mark.parametrize("group,offset_group", [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_deform_conv(group, offset_group, extras, dtype, tolerance):
    strides, pads, dilations = [1, 2], [1, 0, 1, 1], [1, 2]
    x = rng.standard_normal((2, 4, 5, 8)).astype(dtype)
    w = (rng.standard_normal((6, 4 // group, 3, 2)) * 0.3).astype(dtype)
    oh, ow = 5, 4
    offset = rng.uniform(-2, 2, (2, offset_group * 12, oh, ow)).astype(dtype)
    bias = rng.standard_normal(6).astype(dtype) if extras else None
    mask = rng.uniform(0, 1, (2, offset_group * 6, oh, ow)).astype(dtype) if extras else None
    attrs = dict(strides=strides, pads=pads, dilations=dilations, group=group, offset_group=offset_group)
    got = run_node("DeformConv", [x, w, offset, bias, mask], attrs, opset=22)[0]
    wide = [None if t is None else t.astype(np.float64) for t in (x, w, offset, bias, mask)]
    want = deform(*wide, strides, pads, dilations, group, offset_group).astype(dtype)
    assert_close(got, want, tolerance, tolerance)
