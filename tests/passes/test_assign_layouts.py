"""What stands between convolutions keeps the blocked layout: the same answers as without passes, and few conversions."""

import engine
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper


class Model:
    def __init__(self, **inputs):
        rng = np.random.default_rng(len(inputs))
        self.rng, self.nodes, self.constants = rng, [], []
        self.feeds = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in inputs.items()}

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, op, inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def conv(self, x, c_in, c_out, kernel, **attributes):
        w = self.constant((self.rng.standard_normal((c_out, c_in, *kernel)) / np.sqrt(c_in * np.prod(kernel))).astype(np.float32))
        return self.add("Conv", [x, w, self.constant(self.rng.standard_normal(c_out).astype(np.float32))], **attributes)

    def check(self, *outputs, opset=17):
        """Compares with the model as it is written; returns the plan's text."""
        inputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n, x in self.feeds.items()]
        results = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs]
        graph = helper.make_graph(self.nodes, "g", inputs, results, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9).SerializeToString()
        want = engine.load(model, optimize="off").run(self.feeds)
        loaded = engine.load(model)
        for name, got in loaded.run(self.feeds).items():
            np.testing.assert_allclose(got, want[name], rtol=1e-4, atol=1e-5)
        return loaded.plan(self.feeds)["text"]


@pytest.mark.parametrize("axis", [2, -1])
@pytest.mark.parametrize("channels", [32, 40])
def test_join_and_part_along_space(axis, channels):
    m = Model(x=(2, channels, 30), state=(2, channels, 4))
    a = m.conv("x", channels, channels, (3,), pads=[1, 1])
    joined = m.add("Concat", ["state", a], axis=axis)
    y = m.conv(joined, channels, channels, (3,), dilations=[2])
    ints = [m.constant(np.array([v], np.int64)) for v in (-4, 1 << 40, axis)]
    rest = m.add("Slice", [joined, *ints])
    text = m.check(y, rest)
    assert text.count("engine.ToBlocked") == 2
    assert text.count("engine.ToPlain") == 2


def test_part_with_steps_of_a_plane():
    m = Model(x=(1, 32, 9, 12))
    a = m.conv("x", 32, 48, (3, 3))
    lists = [m.constant(np.array(v, np.int64)) for v in ([8, 1], [-100, 9], [-1, 2], [-3, 2])]
    b = m.add("Slice", [a, *lists])
    m.check(m.conv(b, 48, 20, (1, 1)))


def test_parts_of_channels_or_images_are_taken_plain():
    for axis in (0, 1, -3):
        m = Model(x=(3, 32, 9, 12))
        a = m.conv("x", 32, 48, (3, 3))
        lists = [m.constant(np.array(v, np.int64)) for v in ([1], [3], [axis])]
        m.check(m.add("Slice", [a, *lists]))


def test_into_few_channels_from_a_blocked_value():
    m = Model(x=(1, 32, 20, 40))
    a = m.conv("x", 32, 32, (3, 3), pads=[1, 1, 1, 1])
    m.check(m.conv(a, 32, 1, (7, 3), pads=[3, 1, 3, 1]), m.conv(a, 32, 4, (3, 3)))


def test_channel_constants_repeat_over_blocks_of_any_size():
    for shape in ((1, 48, 33, 35), (2, 32, 7, 9), (1, 64, 1000)):
        m = Model(x=shape)
        a = m.conv("x", shape[1], shape[1], (1,) * (len(shape) - 2))
        ones = [1] * (len(shape) - 2)
        scale, shift = (m.constant(m.rng.standard_normal((shape[1], *ones)).astype(np.float32)) for _ in range(2))
        b = m.add("Relu", [m.add("Add", [m.add("Mul", [m.add("Tanh", [a]), scale]), shift])])
        m.check(m.conv(b, shape[1], 32, (1,) * (len(shape) - 2)))


@pytest.mark.parametrize("channels", [32, 24])
@pytest.mark.parametrize(
    "op, constants, stays",
    [
        ("Max", [-0.25], True), ("Max", [0.5], False), ("Max", [float("nan")], False), ("Min", [0.5], True), ("Min", [-0.5], False),
        ("Mul", [-3.0], True), ("Mul", [float("inf")], False), ("Div", [2.0], True), ("Div", [0.0], False), ("Add", [1.0], False), ("Sub", [0.0], True),
        ("Clip", [-1.0, 6.0], True), ("Clip", [0.5, 6.0], False), ("Clip", [-2.0, -1.0], False),
    ],
)  # fmt: skip
def test_constants_that_keep_the_padding_of_a_last_block(channels, op, constants, stays):
    m = Model(x=(2, 16, 11, 13))
    a = m.add("Tanh", [m.conv("x", 16, channels, (3, 3))])
    b = m.add(op, [a, *[m.constant(np.array(c, np.float32)) for c in constants]])
    pool = m.add("MaxPool", [b], kernel_shape=[2, 2])
    text = m.check(m.conv(pool, channels, 16, (1, 3)))
    assert text.count("engine.ToPlain") == (1 if stays or channels == 32 else 2)


@pytest.mark.parametrize("opset", [11, 13, 19])
@pytest.mark.parametrize("channels", [32, 24])
@pytest.mark.parametrize("how", [{"scales": [1, 1, 2, 2]}, {"scales": [1, 1, 0.6, 1.7]}, {"sizes": [2, None, 5, 21]}])
@pytest.mark.parametrize(
    "attributes",
    [
        {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
        {"mode": "linear"},
        {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
        {"mode": "nearest"},
    ],
)
def test_resizing_in_blocks(channels, how, attributes, opset):
    m = Model(x=(2, 16, 9, 11))
    a = m.conv("x", 16, channels, (3, 3))
    empty = m.constant(np.zeros(0, np.float32))
    if "scales" in how:
        inputs = [a, empty, m.constant(np.array(how["scales"], np.float32))]
    else:
        inputs = [a, empty, empty if opset < 13 else "", m.constant(np.array([n or channels for n in how["sizes"]], np.int64))]
    b = m.add("Relu", [m.add("Resize", inputs, **attributes)])
    assert m.check(m.conv(b, channels, 16, (1, 3)), opset=opset).count("engine.ToPlain") == 1


def test_resizing_that_blocks_cannot_do():
    m = Model(x=(2, 16, 9, 11))
    a = m.conv("x", 16, 32, (3, 3))
    whole = m.add("Resize", [a, "", m.constant(np.array([1, 2, 1, 1], np.float32))], mode="nearest")
    cubic = m.add("Resize", [a, "", m.constant(np.array([1, 1, 2, 2], np.float32))], mode="cubic")
    m.check(m.conv(whole, 64, 16, (1, 1)), m.conv(cubic, 32, 16, (1, 1)))


@pytest.mark.parametrize("op", ["Mul", "Add", "Sub", "Max"])
@pytest.mark.parametrize("operand", ["image", "channels"])
def test_a_number_a_channel_beside_a_partly_padded_block(op, operand):
    m = Model(x=(2, 16, 11, 13))
    a = m.add("Tanh", [m.conv("x", 16, 24, (3, 3))])
    if operand == "image":
        other = m.add("HardSigmoid", [m.conv(m.add("GlobalAveragePool", [a]), 24, 24, (1, 1))])
    else:
        other = m.constant(m.rng.standard_normal((1, 24, 1, 1)).astype(np.float32))
    b = m.add("Abs", [m.add(op, [a, other])])
    text = m.check(m.conv(b, 24, 16, (1, 3)))
    assert "tensor(float32)[2, 24, 9, 11]" not in text


@pytest.mark.parametrize("channels", [32, 40])
@pytest.mark.parametrize("size", [(9, 11), (13,), (3, 4, 5)])
def test_channels_last_between_convolutions(channels, size):
    m, rank = Model(x=(2, channels, *size)), len(size) + 2
    pads = [1] * (2 * len(size))
    a = m.conv("x", channels, channels, (3,) * len(size), pads=pads)
    last = m.add("Transpose", [a], perm=[0, *range(2, rank), 1])
    scale, shift = (m.constant(m.rng.standard_normal(channels).astype(np.float32)) for _ in range(2))
    last = m.add("LayerNormalization", [last, scale, shift])
    first = m.add("Transpose", [last], perm=[0, rank - 1, *range(1, rank - 1)])
    text = m.check(m.conv(m.add("Add", [a, first]), channels, channels, (3,) * len(size), pads=pads))
    assert text.count("engine.BlockedToLast") == text.count("engine.LastToBlocked") == 1
    assert "Transpose" not in text


def test_other_transpositions_stay():
    m = Model(x=(2, 32, 6, 7))
    a = m.conv("x", 32, 32, (1, 1))
    b = m.add("Transpose", [a], perm=[0, 3, 2, 1])
    c = m.add("Transpose", [a], perm=[0, 1, 3, 2])
    d = m.add("Transpose", [m.add("Relu", [c])], perm=[0, 3, 1, 2])
    m.check(m.conv(b, 7, 32, (1, 1)), m.conv(c, 32, 32, (1, 1)), m.conv(d, 6, 32, (1, 1)))


@pytest.mark.parametrize("images", [1, 5])
def test_one_pixel(images):
    m = Model(x=(images, 32, 6, 7))
    a = m.conv("x", 32, 48, (3, 3), pads=[1, 1, 1, 1])
    gate = m.add("Relu", [m.conv(m.add("GlobalAveragePool", [a]), 48, 16, (1, 1))])
    gate = m.add("HardSigmoid", [m.conv(gate, 16, 48, (1, 1))])
    text = m.check(m.conv(m.add("Mul", [a, gate]), 48, 35, (6, 7)))  # whole blocks on no tier
    assert text.count("engine.ToBlocked") == 1
    assert text.count("engine.ToPlain") == 1


def test_one_pixel_of_a_long_sum():
    m = Model(x=(1, 64, 40, 40))
    m.check(m.conv(m.conv("x", 64, 32, (3, 3)), 32, 40, (38, 38)))
