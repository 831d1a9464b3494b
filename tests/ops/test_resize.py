"""Resize and Upsample against onnx.reference, which resizes axis by axis in float64."""

import engine
import numpy as np
import pytest
from harness import LATEST, assert_close, assert_same, one_node, run_all_ways, run_node
from movement import MOVED, draw, draw_numbers
from onnx.reference import ReferenceEvaluator

COORDINATES = ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"]


def reference(inputs, attrs, opset=19):
    feeds = {f"x{i}": x for i, x in enumerate(inputs) if x is not None}
    return ReferenceEvaluator(one_node("Resize", inputs, attrs, opset)).run(None, feeds)[0]


def resize_inputs(x, coordinates, scales=None, sizes=None):
    roi = None
    if coordinates == "tf_crop_and_resize":
        roi = np.array([0, 0, 0.1, 0.2, 1, 1, 0.8, 1.3], np.float32)
    return [
        x,
        roi,
        None if scales is None else np.array(scales, np.float32),
        *([] if sizes is None else [np.array(sizes, np.int64)]),
    ]


@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("sizes", [(1, 2, 10, 9), (1, 2, 3, 5), (1, 2, 5, 14), (1, 2, 1, 1), (1, 2, 5, 7)])
def test_sizes(coordinates, mode, sizes):
    if coordinates == "pytorch_half_pixel" and sizes[2] == 1 and mode == "cubic":
        pytest.skip("the reference looks at -0.5 instead of 0")
    if coordinates == "tf_crop_and_resize" and sizes[2] == 1:
        pytest.skip("the reference adds the region's begin to half of its extent twice")
    x = draw((1, 2, 5, 7))
    inputs = resize_inputs(x, coordinates, sizes=sizes)
    attrs = {"mode": mode, "coordinate_transformation_mode": coordinates, "extrapolation_value": 7.0}
    got = run_all_ways("Resize", inputs, attrs, opset=19, constants=(3, 1) if inputs[1] is not None else (3,))[0]
    assert_close(got, reference(inputs, attrs).astype(np.float32), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("scales", [(1, 1, 0.6, 0.37), (1, 1, 2, 1.5), (1, 1, 0.5, 3), (2, 1, 1, 1)])
@pytest.mark.parametrize("extra", [{"antialias": 1}, {"exclude_outside": 1}, {"antialias": 1, "exclude_outside": 1}, {}])
def test_filters(mode, scales, extra):
    x = draw((2, 3, 9, 11))
    attrs = {"mode": mode, "cubic_coeff_a": -0.5} | extra
    inputs = resize_inputs(x, "", scales=scales)
    got = run_all_ways("Resize", inputs, attrs, opset=19, constants=(2,))[0]
    assert_close(got, reference(inputs, attrs).astype(np.float32), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rounding", ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
@pytest.mark.parametrize("scales", [(1, 1, 2, 3), (1, 1, 0.5, 0.75), (1, 2, 1, 1)])
def test_nearest_rounding(rounding, scales):
    x = draw((1, 3, 8, 12))
    attrs = {"mode": "nearest", "nearest_mode": rounding, "coordinate_transformation_mode": "asymmetric"}
    inputs = resize_inputs(x, "", scales=scales)
    assert_same(run_all_ways("Resize", inputs, attrs, opset=19, constants=(2,))[0], reference(inputs, attrs).astype(np.float32))


@pytest.mark.parametrize("dtype", MOVED)
def test_nearest_dtypes(dtype):
    x = draw((1, 2, 3, 4), dtype)
    got = run_node("Resize", [x, None, np.array([1, 1, 2, 3], np.float32)])[0]
    assert_same(got, x.repeat(2, 2).repeat(3, 3))


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64])
@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_dtypes(dtype, mode):
    x = draw_numbers((1, 2, 5, 6), dtype, low=-120, high=120)
    inputs = [x, None, None, np.array([1, 2, 9, 4])]
    got, want = run_node("Resize", inputs, {"mode": mode})[0], reference(inputs, {"mode": mode})
    if np.dtype(dtype).kind == "f":
        tolerance = 1e-2 if dtype is np.float16 else 1e-9 if mode == "linear" else 1e-5  # its cubic weights are float32
        assert_close(got, want.astype(dtype), rtol=tolerance, atol=tolerance)
    else:
        assert np.abs(got.astype(np.int64) - want.astype(np.int64)).max() <= (1 if dtype is not np.int64 else 0)


@pytest.mark.parametrize("policy", ["stretch", "not_larger", "not_smaller"])
def test_axes_and_aspect_ratio(policy):
    x = draw((2, 5, 8, 3))
    attrs = {"mode": "linear", "axes": [2, 1], "keep_aspect_ratio_policy": policy}
    inputs = [x, None, None, np.array([6, 8])]
    got = run_all_ways("Resize", inputs, attrs, opset=19, constants=(3,))[0]
    assert_close(got, reference(inputs, attrs).astype(np.float32), rtol=1e-4, atol=1e-4)


def test_volume_and_channels_last():
    x = draw((1, 4, 5, 6, 3))
    inputs = [x, None, None, np.array([1, 7, 3, 11, 3])]
    for mode in ("linear", "cubic", "nearest"):
        got = run_node("Resize", inputs, {"mode": mode})[0]
        assert_close(got, reference(inputs, {"mode": mode}).astype(np.float32), rtol=1e-4, atol=1e-4)


def test_infinities_stay_where_they_are():
    x = np.array([[1, np.inf, 2, 3]], np.float32)
    got = run_node("Resize", [x, None, np.array([1, 2], np.float32)], {"mode": "linear", "coordinate_transformation_mode": "asymmetric"})[0]
    assert got.tolist() == [[1, np.inf, np.inf, np.inf, 2, 2.5, 3, 3]]


def test_old_versions():
    x = draw((1, 1, 2, 3))
    want = x.repeat(2, 2).repeat(2, 3)
    scales = np.array([1, 1, 2, 2], np.float32)
    assert_same(run_node("Upsample", [x], {"scales": scales.tolist()}, opset=7)[0], want)
    assert_same(run_all_ways("Upsample", [x, scales], opset=9, constants=(1,))[0], want)
    assert_same(run_node("Resize", [x, scales], opset=10)[0], want)
    empty = np.zeros(0, np.float32)
    assert_same(run_node("Resize", [x, empty, scales], {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, opset=11)[0], want)
    linear = run_node("Upsample", [x, scales], {"mode": "linear"}, opset=9)[0]
    attrs = {"mode": "linear", "coordinate_transformation_mode": "asymmetric"}
    assert_close(linear, reference([x, None, scales], attrs).astype(np.float32))


def test_large_on_threads():
    x = draw((1, 3, 200, 300))
    inputs = [x, None, None, np.array([1, 3, 333, 500])]
    for mode in ("nearest", "linear"):
        one = run_node("Resize", inputs, {"mode": mode}, threads=1)[0]
        assert_same(run_node("Resize", inputs, {"mode": mode}, threads=2)[0], one)


@pytest.mark.parametrize(
    ("inputs", "attrs"),
    [
        ([None, [1, 1, 0, 1]], {}),
        ([None, [1, 1, -1, 1]], {}),
        ([None, [1, 1, np.nan, 1]], {}),
        ([None, [1, 2]], {}),
        ([None, [1, 1, 1e18, 1]], {}),
        ([None, [1, 1, 2, 2]], {"mode": "quintic"}),
        ([None, [1, 1, 2, 2]], {"axes": [0, 0, 1, 1]}),
        ([None, [1, 1, 2, 2]], {"coordinate_transformation_mode": "tf_crop_and_resize"}),
        ([None, None], {}),
    ],
)
def test_refuses(inputs, attrs):
    inputs = [draw((1, 1, 4, 4)), *(None if v is None else np.array(v, np.float32) for v in inputs)]
    with pytest.raises(engine.EngineError):
        run_node("Resize", inputs, attrs, opset=min(LATEST, 19))
