"""Operators that move or make elements, views, images, transforms."""

import numpy as np
from checkpoint_cases import SIZE, F16, F32, F64, I64, U8, graph, numbers, op, tag_of, words
from onnx import TensorProto, helper

N = SIZE
WORDS = SIZE >> 5


def kinds(make, *, texts=True):
    """(tag, inputs, ns of all, constants...) for float32, int64, uint8 and strings; make(f) gives inputs from f(*shape)."""
    for dtype in (F32, F64, I64, U8, F16):
        yield tag_of(dtype), lambda dtype=dtype: make(lambda *s: numbers(*s, dtype=dtype), N), 0.02 * N
    if texts:
        yield "string", lambda: make(words, WORDS), 5.0 * WORDS


def each(op_type, make, attrs=None, *, texts=True, tag="", n_outputs=1, **more):
    for t, inputs, ns in kinds(make, texts=texts):
        op(op_type, inputs, attrs, tag="-".join(filter(None, (tag, t))), ns=ns, n_outputs=n_outputs, **more)


each("Identity", lambda f, n: [f(n)])
each("Reshape", lambda f, n: [f(n), np.array([-1, 2])])
each("Flatten", lambda f, n: [f(n // 64, 64)])
each("Squeeze", lambda f, n: [f(n, 1), np.array([1])])
each("Unsqueeze", lambda f, n: [f(n), np.array([0])])
each("ExpandDims", lambda f, n: [f(n), np.array(0, np.int32)], texts=False, domain="com.microsoft", opset=1)
each("Concat", lambda f, n: [f(n // 4096, 2048), f(n // 4096, 2048)], {"axis": 1}, tag="inner")
each("Concat", lambda f, n: [f(n // 2), f(n // 2)], {"axis": 0}, tag="outer")
each("Concat", lambda f, n: [f(n // 4, 2), f(n // 4, 2)], {"axis": 1}, tag="narrow")
each("Split", lambda f, n: [f(n // 2, 2)], {"axis": 1, "num_outputs": 2}, tag="narrow", n_outputs=2)
each("Split", lambda f, n: [f(2, n // 2)], {"axis": 0, "num_outputs": 2}, tag="outer", n_outputs=2)
each("Slice", lambda f, n: [f(n * 2), np.array([1]), np.array([n * 2]), np.array([0]), np.array([2])], tag="strided", constants=(1, 2, 3, 4))
each("Slice", lambda f, n: [f(n), np.array([5]), np.array([n])], tag="run")
each("Slice", lambda f, n: [f(n // 64, 64), np.array([63]), np.array([-99]), np.array([1]), np.array([-1])], tag="reversed")
each("Transpose", lambda f, n: [f(2048, n // 2048)], tag="flat")
each("Transpose", lambda f, n: [f(16, n // 1024, 64)], {"perm": [1, 0, 2]}, tag="blocks")
each("Transpose", lambda f, n: [f(8, n // 128, 4, 4)], {"perm": [3, 1, 2, 0]}, tag="4d")
each("Tile", lambda f, n: [f(n // 64, 8), np.array([2, 4])])
each("Tile", lambda f, n: [f(16), np.array([n // 16])], tag="small")
each("Expand", lambda f, n: [f(1024, 1), np.array([1024, n // 1024])], tag="column")
each("Expand", lambda f, n: [f(1, 1024), np.array([n // 1024, 1024])], tag="row")
each("Expand", lambda f, n: [f(1), np.array([n])], tag="one")
for mode in ("constant", "reflect", "edge", "wrap"):
    each("Pad", lambda f, n: [f(n // 2048, 2048), np.array([3, 3, 3, 3])], {"mode": mode}, texts=False, tag=mode)
each("Pad", lambda f, n: [f(4), np.array([n, n])], texts=False, tag="much")
each("Pad", lambda f, n: [f(n // 2048, 2048), np.array([3, 3, 3, 3])], {"mode": "constant"}, texts=False, domain="com.microsoft", opset=1)
index = lambda *s, high=64: numbers(*s, dtype=I64, low=0, high=high)
each("Gather", lambda f, n: [f(64, n // 256), index(256)], {"axis": 0}, tag="rows")
each("Gather", lambda f, n: [f(n // 64, 64), index(64)], {"axis": 1}, tag="columns")
each("Gather", lambda f, n: [f(64), index(n)], tag="elements")
each("Gather", lambda f, n: [f(2, n), index(1, high=2)], tag="one")
each("GatherElements", lambda f, n: [f(n // 64, 64), index(n // 64, 64)], {"axis": 1})
each("GatherElements", lambda f, n: [f(64, n // 64), index(64, n // 64)], {"axis": 0}, tag="rows")
each("GatherND", lambda f, n: [f(64, 64), index(n // 2, 2)])
each("GatherND", lambda f, n: [f(64, n // 64), index(64, 1)], tag="rows")
each("GatherND", lambda f, n: [f(64, n // 64), index(64, 1)], texts=False, domain="com.microsoft", opset=1)
for reduction in ("none", "add", "max"):
    texts = reduction == "none"
    each("ScatterElements", lambda f, n: [f(n // 64, 64), index(n // 64, 64), f(n // 64, 64)], {"axis": 1, "reduction": reduction}, texts=texts, tag=reduction)
    each("ScatterElements", lambda f, n: [f(n), index(n), f(n)], {"axis": 0, "reduction": reduction}, texts=texts, tag=f"flat-{reduction}")
    each("ScatterND", lambda f, n: [f(64, n // 64), index(64, 1), f(64, n // 64)], {"reduction": reduction}, texts=texts, tag=reduction)
    each("ScatterND", lambda f, n: [f(64, 64), index(n // 2, 2), f(n // 2)], {"reduction": reduction}, texts=texts, tag=f"elements-{reduction}")
each("ScatterElements", lambda f, n: [f(n), index(1), f(1)], {"axis": 0}, tag="one")
each("Scatter", lambda f, n: [f(n // 64, 64), index(n // 64, 64), f(n // 64, 64)], {"axis": 1}, opset=9)
each("TensorScatter", lambda f, n: [f(4, n // 64, 16), f(4, n // 128, 16), index(4, high=9)], {"axis": 1}, opset=24)
each("DepthToSpace", lambda f, n: [f(1, 16, n // 4096, 256)], {"blocksize": 2})
each("SpaceToDepth", lambda f, n: [f(1, 4, n // 1024, 256)], {"blocksize": 2})
each("ReverseSequence", lambda f, n: [f(n // 64, 8, 8), np.full(8, n // 64)], {"time_axis": 0, "batch_axis": 1})
each("ReverseSequence", lambda f, n: [f(1, n // 8, 8), np.full(1, n // 8)], {"time_axis": 1, "batch_axis": 0}, tag="one")
each("Trilu", lambda f, n: [f(2048, n // 2048)], texts=False)
each("Trilu", lambda f, n: [f(2, n // 2)], texts=False, tag="long")
each("Trilu", lambda f, n: [f(2048, n // 2048)], texts=False, domain="com.microsoft", opset=1)
each("Compress", lambda f, n: [f(n // 64, 64), numbers(n // 64, dtype=bool)], {"axis": 0})
each("Compress", lambda f, n: [f(n), numbers(n, dtype=bool)], tag="flat")
each("CenterCropPad", lambda f, n: [f(n // 1024, 1024), np.array([1024, n // 1024])], texts=False)
each("Dropout", lambda f, n: [f(n).astype(F32) if f(1).dtype.kind not in "f" else f(n)], texts=False)
each("OneHot", lambda f, n: [index(n // 64), np.array(64), f(2)])
each("OneHot", lambda f, n: [index(16), np.array(n // 16), f(2)], {"axis": 0}, tag="tall")
each("OneHot", lambda f, n: [index(1), np.array(n), f(2)], tag="row")
for dtype, number in [(F32, TensorProto.FLOAT), (I64, TensorProto.INT64), (U8, TensorProto.UINT8)]:
    op("EyeLike", lambda: [numbers(2048, 2048)], {"dtype": number}, tag=tag_of(dtype), ns=0.02 * N)
    op("ConstantOfShape", lambda: [np.array([4 * N])], {"value": helper.make_tensor("v", number, [1], [3])}, tag=tag_of(dtype), ns=0.02 * N)
    if dtype is not U8:
        op("Range", lambda dtype=dtype: [np.array(0, dtype), np.array(N, dtype), np.array(1, dtype)], tag=tag_of(dtype), ns=0.1 * N)

for name in ("Hann", "Hamming", "Blackman"):
    op(f"{name}Window", lambda: [np.array(1 << 20)], ns=2 << 20)
op("MelWeightMatrix", lambda: [np.array(256), np.array(1 << 15), np.array(16000), np.array(0.0, F32), np.array(8000.0, F32)], ns=1 << 20)
for dtype in (F32, F64, F16):
    t = tag_of(dtype)
    for tag, shape in {"lines": (256, 1000, 2), "real": (256, 1024, 1), "long": (1, 1 << 18, 2), "prime": (1, 65537, 2), "primes": (64, 1009, 1)}.items():
        op("DFT", lambda dtype=dtype, shape=shape: [numbers(*shape, dtype=dtype), None, np.array(1)], tag=f"{tag}-{t}", ns=1e6)
        if tag in ("long", "prime"):
            op("DFT", lambda dtype=dtype, shape=shape: [numbers(*shape, dtype=dtype), np.array(shape[1]), np.array(1)], {"inverse": 1},
               tag=f"{tag}-constant-{t}", ns=1e6, constants=(1, 2))  # fmt: skip
    op("STFT", lambda dtype=dtype: [numbers(1, 1 << 16, 1, dtype=dtype), np.array(64), numbers(512, dtype=dtype), np.array(512)], tag=t, ns=1e6)
    op("STFT", lambda dtype=dtype: [numbers(1, 1 << 17, 1, dtype=dtype), np.array(64), None, np.array(1 << 17)], tag=f"long-{t}", ns=1e6)
    if dtype is not F16:
        op("Det", lambda dtype=dtype: [numbers(20000, 8, 8, dtype=dtype)], tag=f"many-{t}", ns=1e6)
        op("Det", lambda dtype=dtype: [numbers(1, 300, 300, dtype=dtype)], tag=f"large-{t}", ns=1e6)

for dtype in (F32, F64, F16, U8):
    t = tag_of(dtype)
    for mode in ("nearest", "linear", "cubic"):
        x = lambda shape=(1, 4, 512, 512), dtype=dtype: numbers(*shape, dtype=dtype)
        scales = np.array([1, 1, 1.5, 2.5], F32)
        op("Resize", lambda x=x, scales=scales: [x(), None, scales], {"mode": mode}, tag=f"{mode}-{t}", ns=1e6)
        op("Resize", lambda x=x, scales=scales: [x(), None, 1 / scales], {"mode": mode, "antialias": int(mode != "nearest")}, tag=f"{mode}-down-{t}", ns=2e4)
        op("Resize", lambda x=x, dtype=dtype: [x((1, 1, 1 << 18), dtype), None, np.array([1, 1, 4], F32)], {"mode": mode}, tag=f"{mode}-line-{t}", ns=2e5)
    op("Resize", lambda x=x: [x((4, 64, 64, 64)), None, np.array([2, 1, 1, 2], F32)], {"mode": "linear"}, tag=f"ends-{t}", ns=2e5)
    op("Upsample", lambda x=x: [x(), np.array([1, 1, 2, 2], F32)], {"mode": "nearest"}, opset=9, tag=t, ns=2e5)
for dtype in (F32, F64, F16):
    t = tag_of(dtype)
    for mode in ("nearest", "linear", "cubic"):
        op("GridSample", lambda dtype=dtype: [numbers(1, 8, 256, 256, dtype=dtype), numbers(1, 256, 256, 2, dtype=dtype)], {"mode": mode}, tag=f"{mode}-{t}", ns=1e6)
    op("GridSample", lambda dtype=dtype: [numbers(1, 256, 16, 16, dtype=dtype), numbers(1, 64, 64, 2, dtype=dtype)], tag=f"channels-{t}", ns=1e6)
    op("GridSample", lambda dtype=dtype: [numbers(1, 4, 32, 32, 32, dtype=dtype), numbers(1, 32, 32, 32, 3, dtype=dtype)], tag=f"3d-{t}", ns=1e6)
    if dtype is not F16:
        op("AffineGrid", lambda dtype=dtype: [numbers(1, 2, 3, dtype=dtype), np.array([1, 3, 1024, 1024])], tag=t, ns=1e6)
        op("AffineGrid", lambda dtype=dtype: [numbers(1, 3, 4, dtype=dtype), np.array([1, 3, 64, 128, 128])], tag=f"3d-{t}", ns=1e6)


def boxes(n):
    corner = numbers(1, n, 2, low=0, high=1000)
    return np.concatenate([corner, corner + 5], -1)


op("NonMaxSuppression", lambda: [boxes(4000), numbers(1, 2, 4000, low=0, high=1), np.array([4000]), np.array([0.5], F32)], ns=1e6)
op("NonMaxSuppression", lambda: [boxes(200000), numbers(1, 1, 200000, low=0, high=1), np.array([10]), np.array([0.5], F32)], tag="many", ns=1e6)

for dtype, number in [(F32, TensorProto.FLOAT), (F64, TensorProto.DOUBLE), (F16, TensorProto.FLOAT16)]:
    t = tag_of(dtype)
    shape = lambda dtype=dtype: [numbers(2048, 1024, dtype=dtype, low=0, high=1)]
    for name in ("RandomNormalLike", "RandomUniformLike"):
        op(name, shape, {"seed": 3.0}, tag=t, ns=1e6)
    for name in ("RandomNormal", "RandomUniform"):
        graph(f"{name}-{t}", [("", name)], 1e6, [helper.make_node(name, [], ["y"], shape=[2048, 1024], dtype=number, seed=3.0)], dict, ["y"])
    op("Bernoulli", shape, {"seed": 3.0}, tag=t, ns=1e6)
    op("Multinomial", lambda dtype=dtype: [numbers(4, 1000, dtype=dtype)], {"sample_size": 20000, "seed": 3.0}, tag=t, ns=1e6)
    op("Multinomial", lambda dtype=dtype: [numbers(1, 1 << 20, dtype=dtype)], {"sample_size": 4, "seed": 3.0}, tag=f"long-{t}", ns=5e5)
