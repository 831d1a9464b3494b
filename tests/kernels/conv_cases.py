"""Convolution shapes and the float64 oracle that the tests and the benchmarks share."""

from __future__ import annotations

import itertools

import numpy as np


def shape(
    c_in: int,
    c_out: int,
    spatial: tuple[int, ...],
    kernel: tuple[int, ...],
    *,
    n: int = 1,
    groups: int = 1,
    stride: tuple[int, ...] | int = 1,
    dilation: tuple[int, ...] | int = 1,
    pad: tuple[int, ...] | int = 0,
    pad_end: tuple[int, ...] | int | None = None,
    transposed: bool = False,
    output_padding: int = 0,
) -> dict:
    """The geometry of a 1-D to 3-D convolution, in the three spatial dimensions that the core takes."""
    rank = len(spatial)

    def lift(value: tuple[int, ...] | int, fill: int) -> list[int]:
        values = (value,) * rank if isinstance(value, int) else tuple(value)
        return [fill] * (3 - rank) + list(values)

    inp, ker = lift(spatial, 1), lift(kernel, 1)
    st, dil, begin = lift(stride, 1), lift(dilation, 1), lift(pad, 0)
    end = begin if pad_end is None else lift(pad_end, 0)
    out = []
    for d in range(3):
        reach = (ker[d] - 1) * dil[d] + 1
        if transposed:
            size = (inp[d] - 1) * st[d] + reach - begin[d] - end[d] + (output_padding if d >= 3 - rank else 0)
        else:
            size = (inp[d] + begin[d] + end[d] - reach) // st[d] + 1
        out.append(max(size, 0))
    return dict(
        n=n, c_in=c_in, c_out=c_out, groups=groups, input=inp, output=out, kernel=ker,
        stride=st, dilation=dil, pad_begin=begin, transposed=transposed,
    )


def arrays(s: dict, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Input, weight, bias and residual of a shape."""
    rng = np.random.default_rng(seed)
    first, second = (s["c_in"], s["c_out"]) if s["transposed"] else (s["c_out"], s["c_in"])
    x = rng.standard_normal((s["n"], s["c_in"], *s["input"]), dtype=np.float32)
    w = rng.standard_normal((first, second // s["groups"], *s["kernel"]), dtype=np.float32)
    b = rng.standard_normal(s["c_out"], dtype=np.float32)
    r = rng.standard_normal((s["n"], s["c_out"], *s["output"]), dtype=np.float32)
    return x, w, b, r


def taps(s: dict) -> itertools.product:
    return itertools.product(*(range(k) for k in s["kernel"]))


def _axis(s: dict, d: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Output positions that tap k of dimension d reaches, and the input positions that they read."""
    o = np.arange(s["output"][d])
    if s["transposed"]:
        scaled = o + s["pad_begin"][d] - k * s["dilation"][d]
        i, whole = scaled // s["stride"][d], scaled % s["stride"][d] == 0
    else:
        i, whole = o * s["stride"][d] - s["pad_begin"][d] + k * s["dilation"][d], True
    live = whole & (i >= 0) & (i < s["input"][d])
    return o[live], i[live]


def oracle(s: dict, x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None, r: np.ndarray | None = None) -> np.ndarray:
    """The convolution in float64."""
    g = s["groups"]
    y = np.zeros((s["n"], g, s["c_out"] // g, *s["output"]))
    xg = x.astype(np.float64).reshape(s["n"], g, s["c_in"] // g, *s["input"])
    wg = w.astype(np.float64).reshape(g, w.shape[0] // g, w.shape[1], *s["kernel"])
    if s["transposed"]:
        wg = wg.swapaxes(1, 2)
    for tap in taps(s):
        axes = [_axis(s, d, k) for d, k in enumerate(tap)]
        src = xg[(slice(None),) * 3 + np.ix_(*(i for _, i in axes))]
        y[(slice(None),) * 3 + np.ix_(*(o for o, _ in axes))] += np.einsum("ngcdhw,goc->ngodhw", src, wg[(slice(None),) * 3 + tap])
    y = y.reshape(s["n"], s["c_out"], *s["output"])
    if b is not None:
        y += b.reshape(1, -1, 1, 1, 1)
    if r is not None:
        y += r
    return y


def flops(s: dict) -> int:
    pixels = np.prod(s["input"] if s["transposed"] else s["output"])
    return int(2 * s["n"] * pixels * np.prod(s["kernel"]) * s["c_in"] * s["c_out"] // s["groups"])
