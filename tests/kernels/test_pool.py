"""Pooling kernels against a float64 oracle, on every instruction set of this machine."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from engine import _testing

TIERS = _testing.supported_isas()


@pytest.fixture(params=TIERS)
def tier(request):
    before = _testing.active_isa()
    _testing.force_isa(request.param)
    yield request.param
    _testing.force_isa(before)


def shape(channels, spatial, kernel, *, n=1, stride=1, dilation=1, pad=0, pad_end=None, ceil=False):
    rank = len(spatial)

    def lift(value, fill):
        return [fill] * (3 - rank) + ([value] * rank if isinstance(value, int) else list(value))

    inp, ker, st, dil, begin = lift(spatial, 1), lift(kernel, 1), lift(stride, 1), lift(dilation, 1), lift(pad, 0)
    end = begin if pad_end is None else lift(pad_end, 0)
    out = []
    for i, k, s, d, b, e in zip(inp, ker, st, dil, begin, end):
        room = i + b + e - ((k - 1) * d + 1)
        size = max(-(-room // s) + 1 if ceil else room // s + 1, 0)
        if ceil and size and (size - 1) * s >= i + b:
            size -= 1
        out.append(size)
    return dict(n=n, channels=channels, input=inp, output=out, kernel=ker, stride=st, dilation=dil,
                pad_begin=begin, pad_end=end)  # fmt: skip


def windows(s, o):
    """The positions inside the input under output pixel o, and how many are inside the input or its pads."""
    axes, padded = [], 1
    for d in range(3):
        at = o[d] * s["stride"][d] - s["pad_begin"][d] + np.arange(s["kernel"][d]) * s["dilation"][d]
        axes.append(at[(at >= 0) & (at < s["input"][d])])
        padded *= int((at < s["input"][d] + s["pad_end"][d]).sum())
    return axes, padded


def each_output(s):
    return itertools.product(*(range(o) for o in s["output"]))


def oracle(s, x, kind, count_pads=False, p=2):
    y = np.zeros((s["n"], s["channels"], *s["output"]))
    for o in each_output(s):
        axes, padded = windows(s, o)
        seen = x.astype(np.float64)[(slice(None),) * 2 + np.ix_(*axes)].reshape(*x.shape[:2], -1)
        at = (slice(None), slice(None), *o)
        if kind == "max":
            y[at] = seen.max(axis=-1, initial=-np.inf)
        elif kind == "average":
            divisor = padded if count_pads else seen.shape[-1]
            y[at] = seen.sum(axis=-1) / divisor if divisor else 0
        else:
            y[at] = (np.abs(seen) ** p).sum(axis=-1) ** (1 / p)
    return y


def data(s, seed=0):
    return np.random.default_rng(seed).standard_normal((s["n"], s["channels"], *s["input"]), dtype=np.float32)


def run(s, x, kind, layout, count_pads=False, ranges=None):
    plan = _testing.PoolPlan(s, kind, layout, count_pads)
    y = plan.run_ranges(_testing.to_blocked(x) if layout == "blocked" else x,
                        ranges(plan.tiles) if ranges else [(0, plan.tiles)])  # fmt: skip
    if layout == "plain":
        return y
    padding = y[:, -1][..., s["channels"] - (y.shape[1] - 1) * y.shape[-1] :]
    assert not np.ascontiguousarray(padding).view(np.uint32).any()
    return _testing.from_blocked(y, s["channels"])


GEOMETRIES = {
    "2x2 stride 2": dict(spatial=(8, 10), kernel=(2, 2), stride=2),
    "3x3 stride 2 pad 1": dict(spatial=(11, 35), kernel=(3, 3), stride=2, pad=1),
    "3x3 pad 1": dict(spatial=(7, 20), kernel=(3, 3), pad=1),
    "ceil": dict(spatial=(8, 9), kernel=(3, 3), stride=2, ceil=True),
    "ceil with pads": dict(spatial=(6, 7), kernel=(3, 2), stride=(2, 3), pad=1, ceil=True),
    "asymmetric pads": dict(spatial=(5, 6), kernel=(2, 3), pad=(0, 2), pad_end=(1, 0)),
    "windows in the pads": dict(spatial=(3, 3), kernel=(2, 2), pad=3),
    "dilated": dict(spatial=(12, 13), kernel=(3, 3), dilation=(2, 3), pad=(1, 2)),
    "stride above kernel": dict(spatial=(11, 12), kernel=(2, 1), stride=(5, 4)),
    "kernel above input": dict(spatial=(2, 3), kernel=(5, 7), pad=(2, 3)),
    "1-D": dict(spatial=(41,), kernel=(5,), stride=3, pad=2),
    "3-D": dict(spatial=(4, 5, 6), kernel=(2, 3, 2), stride=(2, 1, 2), pad=(1, 1, 0)),
    "global": dict(spatial=(7, 7), kernel=(7, 7)),
    "global one pixel": dict(spatial=(1, 1), kernel=(1, 1)),
    "global long": dict(spatial=(9, 11), kernel=(9, 11)),
    "global 3-D": dict(spatial=(2, 3, 7), kernel=(2, 3, 7)),
}


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("layout", ["plain", "blocked"])
def test_pool(tier, layout, geometry):
    for channels in (1, 3, 8, 16, 17, 40):
        s = shape(channels, n=2, **GEOMETRIES[geometry])
        x = data(s)
        np.testing.assert_array_equal(run(s, x, "max", layout), oracle(s, x, "max").astype(np.float32))
        for count_pads in (False, True):
            want = oracle(s, x, "average", count_pads)
            np.testing.assert_allclose(run(s, x, "average", layout, count_pads), want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("stride", "pad", "dilation"), [(1, 0, 1), (2, 3, 1), (3, 2, 4)])
def test_long_rows_are_cut(tier, stride, pad, dilation):
    s = shape(2, (90001,), (5,), stride=stride, pad=pad, dilation=dilation)
    x = data(s)
    x[0, 0, 0, 0, 45000] = np.nan
    for kind, reduce, outside in (("max", np.max, -np.inf), ("average", np.mean, 0)):
        padded = np.pad(x.astype(np.float64), [(0, 0)] * 4 + [(pad, pad)], constant_values=outside)
        windows = np.lib.stride_tricks.sliding_window_view(padded, 4 * dilation + 1, axis=-1)[..., ::stride, ::dilation]
        assert _testing.PoolPlan(s, kind, "plain").tiles > 3
        got = run(s, x, kind, "plain", count_pads=True)
        np.testing.assert_allclose(got, reduce(windows, axis=-1), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(got, run(s, x, kind, "plain", count_pads=True, ranges=lambda n: [(i, i + 1) for i in reversed(range(n))]))


@pytest.mark.parametrize("layout", ["plain", "blocked"])
def test_the_cut_into_tiles_does_not_change_a_bit(tier, layout):
    for s in (shape(80, (60, 61), (3, 3), stride=2, pad=1, n=6), shape(520, (37, 39), (37, 39), n=4)):
        x = data(s)
        for kind in ("max", "average"):
            assert _testing.PoolPlan(s, kind, layout).tiles > 2, "too small to be cut"
            whole = run(s, x, kind, layout)
            for cut in (lambda n: [(i, i + 1) for i in reversed(range(n))], lambda n: [(0, 1), (1, n)]):
                np.testing.assert_array_equal(whole, run(s, x, kind, layout, ranges=cut))


@pytest.mark.parametrize("layout", ["plain", "blocked"])
def test_special_values_keep_their_class(tier, layout):
    for geometry in (GEOMETRIES["3x3 pad 1"], GEOMETRIES["global long"]):
        for values in ([np.nan], [np.inf], [-np.inf], [np.inf, -np.inf], [np.nan, np.inf]):
            for position in (0, 37, 90):
                s = shape(3, **geometry)
                x = data(s)
                x[0, 1].reshape(-1)[position : position + len(values)] = values
                with np.errstate(invalid="ignore"):
                    np.testing.assert_array_equal(run(s, x, "max", layout), oracle(s, x, "max").astype(np.float32))
                    want = oracle(s, x, "average")
                np.testing.assert_allclose(run(s, x, "average", layout), want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layout", ["plain", "blocked"])
def test_empty(tier, layout):
    for s in (shape(3, (4, 4), (2, 2), n=0), shape(3, (2, 9), (3, 3)), shape(3, (9, 2), (3, 3)), shape(3, (4, 4), (4, 4), n=0)):
        x = data(s)
        for kind in ("max", "average"):
            assert _testing.PoolPlan(s, kind, layout).tiles == 0
            assert run(s, x, kind, layout).size == 0


def indices_oracle(s, x, column_major):
    y = np.zeros((s["n"], s["channels"], *s["output"]), np.int64)
    plane = int(np.prod(s["input"]))
    for o in each_output(s):
        axes, _ = windows(s, o)
        grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
        for n, c in itertools.product(range(s["n"]), range(s["channels"])):
            if len(grid):
                d, h, w = grid[np.argmax(x[n, c][tuple(grid.T)])]
                size = s["input"]
                at = (w * size[1] + h) * size[0] + d if column_major else (d * size[1] + h) * size[2] + w
                y[(n, c, *o)] = (n * s["channels"] + c) * plane + at
            else:
                y[(n, c, *o)] = (n * s["channels"] + c) * plane
    return y


TYPES = {
    "float32": (np.float32, lambda x: x),
    "float64": (np.float64, lambda x: x),
    "float16": (np.float16, lambda x: x.view(np.uint16)),
    "int8": (np.int8, lambda x: x),
    "uint8": (np.uint8, lambda x: x),
}


@pytest.mark.parametrize("geometry", [g for g in GEOMETRIES if g != "windows in the pads"])
@pytest.mark.parametrize("type_name", TYPES)
def test_generic_types_and_indices(type_name, geometry):
    dtype, storage = TYPES[type_name]
    s = shape(3, n=2, **GEOMETRIES[geometry])
    x = (data(s) * 40).astype(dtype) if dtype != np.uint8 else (np.abs(data(s)) * 60).astype(dtype)
    for column_major in (False, True):
        y, at = getattr(_testing, f"max_pool_generic_{type_name}")(s, storage(x), column_major)
        np.testing.assert_array_equal(y.view(dtype), oracle(s, x, "max").astype(dtype))
        np.testing.assert_array_equal(at, indices_oracle(s, x, column_major))
    if np.issubdtype(dtype, np.floating):
        for count_pads in (False, True):
            y = getattr(_testing, f"average_pool_generic_{type_name}")(s, storage(x), count_pads)
            rtol = 1e-3 if dtype == np.float16 else 1e-5
            np.testing.assert_allclose(y.view(dtype), oracle(s, x, "average", count_pads), rtol=rtol, atol=1e-3)


def test_generic_bfloat16():
    s = shape(2, (5, 5), (3, 3), pad=1)
    bits = (data(s).view(np.uint32) >> 16).astype(np.uint16)
    values = (bits.astype(np.uint32) << 16).view(np.float32)
    y, at = _testing.max_pool_generic_bfloat16(s, bits, False)
    np.testing.assert_array_equal((y.astype(np.uint32) << 16).view(np.float32), oracle(s, values, "max"))
    np.testing.assert_array_equal(at, indices_oracle(s, values, False))


def test_generic_nan():
    s = shape(1, (1, 5), (1, 3))
    x = np.array([1, np.nan, 3, np.nan, 5], np.float32).reshape(1, 1, 1, 1, 5)
    y, at = _testing.max_pool_generic_float32(s, x, False)
    assert np.isnan(y).all()
    np.testing.assert_array_equal(at.ravel(), [1, 1, 3])


@pytest.mark.parametrize("p", [1, 2, 3])
def test_lp(p):
    for geometry in GEOMETRIES.values():
        s = shape(3, n=2, **geometry)
        x = data(s)
        np.testing.assert_allclose(_testing.lp_pool_generic_float32(s, x, p), oracle(s, x, "lp", p=p), rtol=1e-5, atol=1e-6)
        x = x.astype(np.float64)
        np.testing.assert_allclose(_testing.lp_pool_generic_float64(s, x, p), oracle(s, x, "lp", p=p), rtol=1e-12)
