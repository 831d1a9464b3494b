"""Windows, MelWeightMatrix and EyeLike."""

import engine
import ml_dtypes
import numpy as np
import pytest
from harness import assert_close, assert_same, run_node
from onnx import TensorProto, helper

NUMERIC = [np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.int8, np.int32, np.int64, np.uint8, np.uint64]


def onnx_type(dtype):
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


WINDOWS = {"HannWindow": (0.5, 0.5, 0), "HammingWindow": (25 / 46, 21 / 46, 0), "BlackmanWindow": (0.42, 0.5, 0.08)}


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("size", [2, 3, 10, 1025])
@pytest.mark.parametrize("periodic", [0, 1])
def test_windows(name, size, periodic):
    a0, a1, a2 = WINDOWS[name]
    angle = 2 * np.pi * np.arange(size) / (size if periodic else size - 1)
    want = a0 - a1 * np.cos(angle) + a2 * np.cos(2 * angle)
    for dtype in (np.float32, np.float64, np.float16, ml_dtypes.bfloat16):
        for index in (np.int32, np.int64):
            for constants in ((), (0,)):
                attrs = {"periodic": periodic, "output_datatype": onnx_type(dtype)}
                got = run_node(name, [np.array(size, index)], attrs, opset=17, constants=constants)[0]
                assert_close(got, want.astype(dtype), rtol=1e-6 if np.dtype(dtype).itemsize > 2 else 1e-2, atol=1e-7)


def test_window_of_one_and_of_none():
    for periodic in (0, 1):
        assert np.isfinite(run_node("HannWindow", [np.array(1)], {"periodic": periodic}, opset=17)[0]).all()
        assert run_node("HannWindow", [np.array(0)], {"periodic": periodic}, opset=17)[0].shape == (0,)
    with pytest.raises(engine.InvalidInput, match="-1"):
        run_node("HannWindow", [np.array(-1)], opset=17)
    with pytest.raises(engine.EngineError):
        run_node("HannWindow", [np.array(2**62)], opset=17)


def mel_matrix(bins, length, rate, low, high):
    def mel(f):
        return 2595 * np.log10(1 + f / 700)

    edges = np.arange(bins + 2) * (mel(high) - mel(low)) / (bins + 2) + mel(low)
    edges = np.floor((length + 1) * (700 * (10 ** (edges / 2595) - 1)) / rate).astype(int)
    out = np.zeros((length // 2 + 1, bins))
    for i in range(bins):
        left, centre, right = edges[i : i + 3]
        if centre == left:
            out[centre, i] = 1
        else:
            out[left : centre + 1, i] = np.arange(centre - left + 1) / (centre - left)
        if right > centre:
            out[centre:right, i] = (right - np.arange(centre, right)) / (right - centre)
    return out


@pytest.mark.parametrize(("bins", "length", "rate", "low", "high"), [(8, 16, 8192, 0, 4096), (40, 512, 16000, 20, 7600), (3, 400, 16000, 300, 500)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_mel_weight_matrix(bins, length, rate, low, high, dtype):
    inputs = [np.array(bins), np.array(length), np.array(rate), np.array(low, np.float32), np.array(high, np.float32)]
    got = run_node("MelWeightMatrix", inputs, {"output_datatype": onnx_type(dtype)}, opset=17)[0]
    assert_close(got, mel_matrix(bins, length, rate, low, high).astype(dtype), rtol=1e-6)


@pytest.mark.parametrize(("rate", "high"), [(0, 100.0), (100, 5000.0), (-5, 100.0), (100, float("nan"))])
def test_mel_edges_outside_of_the_spectrum(rate, high):
    with pytest.raises(engine.InvalidInput):
        run_node("MelWeightMatrix", [np.array(8), np.array(16), np.array(rate), np.float32(0), np.float32(high)], opset=17)


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (5, 2), (0, 3), (3, 0), (200, 300)])
@pytest.mark.parametrize("k", [0, 1, -1, 4, -4, 2**62, -(2**62)])
def test_eye_like(shape, k):
    for dtype in NUMERIC:
        for version in (9, 22):
            got = run_node("EyeLike", [np.ones(shape, dtype)], {"k": k}, opset=version)[0]
            assert_same(got, np.eye(*shape, k=int(np.clip(k, -1000, 1000))).astype(dtype))
    got = run_node("EyeLike", [np.ones(shape, np.float32)], {"k": k, "dtype": TensorProto.BOOL}, opset=22)[0]
    assert_same(got, np.eye(*shape, k=int(np.clip(k, -1000, 1000))).astype(bool))


def test_eye_like_has_two_dimensions():
    with pytest.raises(engine.EngineError, match="2 dimensions"):
        run_node("EyeLike", [np.ones((2, 2, 2), np.float32)])
