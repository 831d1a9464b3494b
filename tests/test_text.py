"""Text that goes in and comes out: every way that NumPy holds it gives the same strings."""

import engine
import numpy as np
import pytest
from onnx import TensorProto, helper

TEXTS = ["", "a", "abc", "naïve", "日本語", "\U0001f600 smile", "a\0b", "x" * 40, " ", "é" * 15]


@pytest.fixture(scope="module")
def echo():
    node = helper.make_node("Identity", ["x"], ["y"])
    info = [helper.make_tensor_value_info(n, TensorProto.STRING, None) for n in "xy"]
    model = helper.make_model(helper.make_graph([node], "echo", info[:1], info[1:]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with engine.load(model.SerializeToString()) as loaded:
        yield lambda x: loaded.run({"x": x})["y"]


@pytest.mark.parametrize("dtype", [object, "U", "U64", ">U64", "<U64"])
def test_text_of_every_kind(echo, dtype):
    x = np.array(TEXTS, dtype)
    assert echo(x).tolist() == x.tolist() == TEXTS


def test_string_dtype(echo):
    assert echo(np.array(TEXTS, np.dtypes.StringDType())).tolist() == TEXTS


def test_bytes_are_taken_as_they_are(echo):
    texts = [text.encode() for text in TEXTS]
    assert echo(np.array(texts, "S")).tolist() == TEXTS
    assert echo(np.array(texts, object)).tolist() == TEXTS


def test_zeros_at_the_end_belong_to_fixed_width(echo):
    assert echo(np.array(["a\0", "\0"], "U8")).tolist() == ["a", ""]
    assert echo(np.array(["a\0", "\0"], object)).tolist() == ["a\0", "\0"]


@pytest.mark.parametrize("dtype", [object, "U4"])
def test_bytes_that_are_no_text_go_in_and_out(echo, dtype):
    broken = b"\xff\xfea".decode("utf-8", "surrogateescape")
    assert echo(np.array(["ok", broken], dtype)).tolist() == ["ok", broken]


@pytest.mark.parametrize("dtype", [object, "U4"])
def test_a_lone_surrogate_is_refused(echo, dtype):
    with pytest.raises(engine.InvalidInput, match="'x': element 1 has no UTF-8 form"):
        echo(np.array(["ok", "\ud800"], dtype))
    assert echo(np.array(["ok"], dtype)).tolist() == ["ok"]


@pytest.mark.parametrize("make", [lambda x: x[::2], lambda x: x.T, lambda x: x[:, ::-1], lambda x: x[:0]])
def test_views(echo, make):
    for dtype in (object, "U", "S"):
        x = make(np.array([["a", "bb", "ccc"], ["d", "", "f"], ["g", "h", "i"]], dtype))
        got = echo(x)
        assert got.shape == x.shape
        assert got.tolist() == x.astype("U").tolist()


def test_a_code_point_beyond_unicode(echo):
    x = np.array([0x110000], np.uint32).view("U1")
    with pytest.raises(engine.InvalidInput, match="input 'x'"):
        echo(x)
