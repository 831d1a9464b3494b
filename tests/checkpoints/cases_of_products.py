"""Products, convolutions, pools, recurrent networks, attention."""

import numpy as np
from checkpoint_cases import BF16, F16, F32, F64, I8, I32, I64, U8, add, graph, numbers, op, tag_of
from harness import LATEST
from onnx import helper

from engine import _testing

MS = "com.microsoft"
LANES = _testing.block_lanes()
SHAPES = {
    "square": ((512, 512), (512, 512)), "vector": ((1, 2048), (2048, 2048)), "column": ((2048, 2048), (2048, 1)),
    "dot": ((1, 1 << 21), (1 << 21, 1)), "deep": ((4, 1 << 17), (1 << 17, 4)), "outer": ((2048, 1), (1, 2048)),
    "batch": ((20000, 4, 4), (20000, 4, 4)), "broadcast": ((64, 64, 64), (64, 256)),
}  # fmt: skip


def macs(a, b):
    return float(np.prod(a)) * b[-1]


for tag, (a, b) in SHAPES.items():
    for dtype, ns in [(F32, 0.01), (F64, 0.05), (F16, 0.01), (I32, 0.05)]:
        op("MatMul", lambda a=a, b=b, dtype=dtype: [numbers(*a, dtype=dtype), numbers(*b, dtype=dtype)], tag=f"{tag}-{tag_of(dtype)}", ns=ns * macs(a, b))
    op("MatMulInteger", lambda a=a, b=b: [numbers(*a, dtype=U8), numbers(*b, dtype=I8)], tag=tag, ns=0.005 * macs(a, b))
op("MatMul", lambda: [numbers(512, 512, dtype=I64), numbers(512, 512, dtype=I64)], tag="int64", ns=0.05 * 512**3)
op("MatMul", lambda: [numbers(512, 512, dtype=BF16), numbers(512, 512, dtype=BF16)], tag="bf16", ns=0.01 * 512**3)
op("MatMul", lambda: [numbers(256, 1024), numbers(1024, 1024)], tag="constant", ns=0.01 * 2**28, constants=(1,))
for dtype in (F32, F64, F16, I32):
    for ta in (0, 1):
        for tb in (0, 1):
            op("Gemm", lambda dtype=dtype: [numbers(512, 512, dtype=dtype), numbers(512, 512, dtype=dtype), numbers(512, dtype=dtype)],
               {"transA": ta, "transB": tb, "alpha": 2.0, "beta": 3.0}, tag=f"{ta}{tb}-{tag_of(dtype)}", ns=0.01 * 512**3)  # fmt: skip
for tag, (a, b) in {"square": ((512, 512), (512, 512)), "vector": ((1, 2048), (2048, 2048))}.items():
    scale, zero = (lambda: numbers(low=0.01, high=0.02)), (lambda d=U8: numbers(dtype=d, low=3, high=4))
    op("FusedMatMul", lambda a=a, b=b: [numbers(*a), numbers(*b)], {"alpha": 0.5, "transB": 1} if tag == "square" else {}, domain=MS, opset=1, tag=tag, ns=0.01 * macs(a, b))
    op("FusedGemm", lambda a=a, b=b: [numbers(*a), numbers(*b), numbers(b[1])], {"activation": "Relu"}, domain=MS, opset=1, tag=tag, ns=0.01 * macs(a, b))
    op("QLinearMatMul", lambda a=a, b=b: [numbers(*a, dtype=U8), scale(), zero(), numbers(*b, dtype=U8), scale(), zero(), scale(), zero()], tag=tag, ns=0.005 * macs(a, b))
    op("QGemm", lambda a=a, b=b: [numbers(*a, dtype=U8), scale(), zero(), numbers(*b, dtype=I8), scale(), zero(I8), None, scale(), zero()], domain=MS, opset=1, tag=tag, ns=0.005 * macs(a, b))
    op("MatMulIntegerToFloat", lambda a=a, b=b: [numbers(*a, dtype=U8), numbers(*b, dtype=I8), scale(), scale(), zero()], domain=MS, opset=1, tag=tag, ns=0.005 * macs(a, b))
    op("DynamicQuantizeMatMul", lambda a=a, b=b: [numbers(*a), numbers(*b, dtype=I8), scale()], domain=MS, opset=1, tag=tag, ns=0.005 * macs(a, b))
    op("MatMulNBits", lambda a=a, b=b: [numbers(*a), numbers(b[1], a[1] // 32, 16, dtype=U8), numbers(b[1] * a[1] // 32)],
       {"K": a[1], "N": b[1], "bits": 4, "block_size": 32}, domain=MS, opset=1, tag=tag, ns=0.005 * macs(a, b), constants=(1, 2))  # fmt: skip
graph("engine-FusedMatMul", [("engine", "FusedMatMul")], 0.01 * 512**3,
      [helper.make_node("MatMul", ["a", "b"], ["m"]), helper.make_node("Add", ["m", "c"], ["s"]), helper.make_node("Relu", ["s"], ["y"])],
      lambda: {"a": numbers(512, 512)}, ["y"], lambda: {"b": numbers(512, 512), "c": numbers(512)})  # fmt: skip

EQUATIONS = {
    "product": ("ij,jk->ik", [(512, 512), (512, 512)]), "batch": ("bhid,bhjd->bhij", [(2, 8, 256, 64), (2, 8, 256, 64)]),
    "trace": ("ii->", [(3000, 3000)]), "sum": ("ij->", [(2048, 2048)]), "transpose": ("ijk->kji", [(128, 128, 256)]),
    "three": ("ij,jk,kl->il", [(256, 256)] * 3), "outer": ("i,j->ij", [(2048,), (2048,)]), "hadamard": ("ij,ij->ij", [(2048, 2048)] * 2),
    "diagonal": ("bii->bi", [(4096, 32, 32)]), "dot": ("i,i->", [(1 << 22,)] * 2), "column": ("ij->j", [(1 << 16, 64)]),
}  # fmt: skip
for tag, (equation, shapes) in EQUATIONS.items():
    for dtype in (F32, F64, F16, I64):
        op("Einsum", lambda shapes=shapes, dtype=dtype: [numbers(*s, dtype=dtype) for s in shapes], {"equation": equation}, tag=f"{tag}-{tag_of(dtype)}", ns=1e4)

CONVS = {  # data, weights, attributes
    "3x3": ((1, 64, 112, 112), (64, 64, 3, 3), {"pads": [1, 1, 1, 1]}), "1x1": ((1, 256, 56, 56), (256, 256, 1, 1), {}),
    "depthwise": ((1, 256, 112, 112), (256, 1, 3, 3), {"group": 256}), "grouped": ((1, 64, 112, 112), (64, 16, 3, 3), {"group": 4}),
    "strided": ((1, 3, 448, 448), (64, 3, 7, 7), {"strides": [2, 2]}), "1d": ((1, 64, 1 << 14), (64, 64, 9), {}),
    "3d": ((1, 16, 32, 56, 56), (16, 16, 3, 3, 3), {}), "dilated": ((1, 64, 64, 64), (64, 64, 3, 3), {"dilations": [2, 2]}),
    "one": ((1, 1, 1024, 1024), (1, 1, 5, 5), {}), "whole": ((1, 64, 112, 112), (8, 64, 112, 112), {}),
}  # fmt: skip
for tag, (x, w, attrs) in CONVS.items():
    for dtype in (F32, F64, F16):
        for fixed in ((1,), ()):
            op("Conv", lambda x=x, w=w, dtype=dtype: [numbers(*x, dtype=dtype), numbers(*w, dtype=dtype)], attrs,
               tag=f"{tag}-{tag_of(dtype)}{'' if fixed else '-dynamic'}", ns=5e5, constants=fixed)  # fmt: skip
    op("ConvInteger", lambda x=x, w=w: [numbers(*x, dtype=U8), numbers(*w, dtype=U8)], attrs, tag=tag, ns=5e5)
    op("QLinearConv", lambda x=x, w=w: [*q(*x), *q(*w, dtype=I8), *q()[1:]], attrs, tag=tag, ns=5e5)
    op("FusedConv", lambda x=x, w=w: [numbers(*x), numbers(*w)], {**attrs, "activation": "Relu"}, domain=MS, opset=1, tag=tag, ns=5e5, constants=(1,))
    if tag not in ("whole", "grouped"):
        for dtype in (F32, F64, F16):
            op("ConvTranspose", lambda x=x, w=w, dtype=dtype: [numbers(*x, dtype=dtype), numbers(x[1], w[1], *w[2:], dtype=dtype)],
               {k: v for k, v in attrs.items()}, tag=f"{tag}-{tag_of(dtype)}", ns=5e5)  # fmt: skip


def q(*shape, dtype=U8):
    return [numbers(*shape, dtype=dtype), numbers(low=0.01, high=0.02), numbers(dtype=dtype, low=0, high=1)]


def conv_chain(op_type, domain, *more):
    return [helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]), helper.make_node("Relu", ["c"], ["r"]), *more]


for tag, pool in {"MaxPool": {"kernel_shape": [3, 3]}, "AveragePool": {"kernel_shape": [3, 3]}, "GlobalAveragePool": {}, "GlobalMaxPool": {}}.items():
    graph(f"engine-{tag}", [("engine", tag), ("engine", "Conv")], 3e6, conv_chain("Conv", "", helper.make_node(tag, ["r"], ["y"], **pool)),
          lambda: {"x": numbers(1, 64, 112, 112)}, ["y"], lambda: {"w": numbers(64, 64, 3, 3)})  # fmt: skip
graph("engine-layouts", [("engine", "ToBlocked"), ("engine", "ToPlain")], 2e6, conv_chain("Conv", ""),
      lambda: {"x": numbers(1, 64, 112, 112)}, ["r"], lambda: {"w": numbers(64, 64, 3, 3)})  # fmt: skip
graph("engine-ConvDepthwise", [("engine", "ConvDepthwise")], 1e6,
      conv_chain("Conv", "", helper.make_node("Conv", ["r", "d"], ["y"], pads=[1, 1, 1, 1], group=256)),
      lambda: {"x": numbers(1, 64, 112, 112)}, ["y"], lambda: {"w": numbers(256, 64, 3, 3), "d": numbers(256, 1, 3, 3)})  # fmt: skip
graph("engine-ProductPair", [("engine", "ProductPair")], 0.01 * 2048 * 256 * 2048,
      [helper.make_node("MatMul", ["a", "b"], ["m"]), helper.make_node("Relu", ["m"], ["r"]), helper.make_node("MatMul", ["r", "c"], ["y"])],
      lambda: {"a": numbers(2048, 256)}, ["y"], lambda: {"b": numbers(256, 2048), "c": numbers(2048, 256)})  # fmt: skip
op("LastToBlocked", lambda: [numbers(1, 224, 224, 64)], {"block": LANES}, domain="engine", opset=1, ns=1e5)
op("BlockedToLast", lambda: [numbers(1, 64 // LANES, 224, 224, LANES)], {"channels": 64}, domain="engine", opset=1, ns=1e5)

for dtype in (F32, F64, F16):
    t = tag_of(dtype)
    images = {"many": (1, 64, 224, 224), "one": (1, 1, 1500, 1500), "1d": (1, 4, 1 << 19), "3d": (1, 4, 48, 96, 96)}
    for tag, shape in images.items():
        k = len(shape) - 2
        x = lambda shape=shape, dtype=dtype: [numbers(*shape, dtype=dtype)]
        for name, attrs in [("MaxPool", {}), ("AveragePool", {}), ("LpPool", {"p": 2})]:
            op(name, x, {"kernel_shape": [3] * k, **attrs}, tag=f"{tag}-{t}", ns=1e6)
            op(name, x, {"kernel_shape": list(shape[2:]), **attrs}, tag=f"whole-{tag}-{t}", ns=1e5)
            op(name, x, {"kernel_shape": [s // 2 for s in shape[2:]], "strides": [s // 3 for s in shape[2:]], **attrs}, tag=f"large-{tag}-{t}", ns=1e5)
        for name in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"):
            op(name, x, tag=f"{tag}-{t}", ns=1e5)
    op("MaxPool", lambda dtype=dtype: [numbers(1, 16, 224, 224, dtype=dtype)], {"kernel_shape": [3, 3]}, n_outputs=2, tag=f"indices-{t}", ns=1e6)
    op("MaxUnpool", lambda dtype=dtype: [numbers(1, 16, 256, 256, dtype=dtype), unpool(16, 256)], {"kernel_shape": [2, 2], "strides": [2, 2]}, tag=t, ns=1e6)
    op("MaxRoiPool", lambda dtype=dtype: [numbers(1, 32, 128, 128, dtype=dtype), rois(64, 128, 5).astype(dtype)], {"pooled_shape": [7, 7]}, tag=t, ns=1e6)
    op("MaxRoiPool", lambda dtype=dtype: [numbers(1, 1, 1024, 1024, dtype=dtype), rois(4, 1024, 5).astype(dtype)], {"pooled_shape": [1, 1]}, tag=f"large-{t}", ns=1e5)
    for mode in ("avg", "max"):
        op("RoiAlign", lambda dtype=dtype: [numbers(1, 32, 128, 128, dtype=dtype), rois(256, 128, 4).astype(dtype), np.zeros(256, np.int64)],
           {"output_height": 7, "output_width": 7, "sampling_ratio": 2, "mode": mode}, tag=f"{mode}-{t}", ns=1e6)  # fmt: skip
        op("RoiAlign", lambda dtype=dtype: [numbers(1, 1, 1024, 1024, dtype=dtype), rois(2, 1024, 4).astype(dtype), np.zeros(2, np.int64)],
           {"output_height": 1, "output_width": 1, "mode": mode}, tag=f"{mode}-large-{t}", ns=1e5)  # fmt: skip
    op("DeformConv", lambda dtype=dtype: [numbers(1, 16, 64, 64, dtype=dtype), numbers(16, 16, 3, 3, dtype=dtype), numbers(1, 18, 62, 62, dtype=dtype)], tag=t, ns=1e6)
    op("Col2Im", lambda dtype=dtype: [numbers(1, 64 * 9, 110 * 110, dtype=dtype), np.array([112, 112]), np.array([3, 3])], tag=t, ns=1e6)
    if dtype is F64:
        continue
    op("CausalConvWithState", lambda dtype=dtype: [numbers(1, 256, 8192, dtype=dtype), numbers(256, 1, 4, dtype=dtype)], tag=t, ns=1e6, opset=27, n_outputs=2)
    op("CausalConvWithState", lambda dtype=dtype: [numbers(1, 1, 1 << 20, dtype=dtype), numbers(1, 1, 4, dtype=dtype)], tag=f"long-{t}", ns=5e5, opset=27, n_outputs=2)
op("MaxPool", lambda: [numbers(1, 64, 224, 224, dtype=U8)], {"kernel_shape": [3, 3]}, tag="uint8", ns=1e5)


def unpool(channels, n):
    return (2 * np.arange(n)[:, None] * 2 * n + 2 * np.arange(n) + 4 * n * n * np.arange(channels)[:, None, None])[None].astype(np.int64)


def rois(count, size, columns):
    box = np.array([0.0, 0.0, size - 1.0, size - 1.0])
    return np.tile(np.concatenate([np.zeros(columns - 4), box]), (count, 1)).astype(np.float32)


GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
for name, gates in GATES.items():
    for dtype in (F32, F16):
        for tag, (steps, batch, size, hidden) in {"long": (4000, 1, 16, 16), "wide": (2, 1, 512, 1024), "batch": (8, 256, 64, 64)}.items():
            op(name, lambda s=steps, b=batch, n=size, h=hidden, g=gates, dtype=dtype: [numbers(s, b, n, dtype=dtype), numbers(1, g * h, n, dtype=dtype, low=-0.1, high=0.1),
               numbers(1, g * h, h, dtype=dtype, low=-0.1, high=0.1)], {"hidden_size": hidden}, n_outputs=2, tag=f"{tag}-{tag_of(dtype)}", ns=5e5, constants=(1, 2))  # fmt: skip
            if tag == "wide":
                op(name, lambda s=steps, b=batch, n=size, h=hidden, g=gates, dtype=dtype: [numbers(s, b, n, dtype=dtype), numbers(1, g * h, n, dtype=dtype, low=-0.1, high=0.1),
                   numbers(1, g * h, h, dtype=dtype, low=-0.1, high=0.1)], {"hidden_size": hidden}, n_outputs=2, tag=f"dynamic-{tag_of(dtype)}", ns=5e5)  # fmt: skip
op("DynamicQuantizeLSTM", lambda: [numbers(16, 1, 256), numbers(1, 256, 2048, dtype=I8), numbers(1, 512, 2048, dtype=I8), None, None, None, None, None,
   numbers(1, low=0.01, high=0.02), numbers(1, dtype=I8, low=0, high=1), numbers(1, low=0.01, high=0.02), numbers(1, dtype=I8, low=0, high=1)],
   {"hidden_size": 512}, domain=MS, opset=1, n_outputs=3, ns=5e5, constants=(1, 2, 8, 9, 10, 11))  # fmt: skip

for dtype in (F32, F16, BF16):
    t = tag_of(dtype)
    for tag, (heads, length, size) in {"long": (1, 2048, 64), "heads": (16, 256, 64), "token": (8, 1, 64)}.items():
        keys = 1 << 15 if tag == "token" else length
        qkv = lambda h=heads, n=length, k=keys, d=size, dtype=dtype: [numbers(1, h, n, d, dtype=dtype), numbers(1, h, k, d, dtype=dtype), numbers(1, h, k, d, dtype=dtype)]
        op("Attention", qkv, {"is_causal": int(tag == "long")}, tag=f"{tag}-{t}", ns=1e6, opset=24)
        if tag == "heads":
            op("Attention", lambda qkv=qkv, n=length, dtype=dtype: [*qkv(), numbers(n, n, dtype=dtype)], tag=f"mask-{t}", ns=1e6, opset=24)
    op("LinearAttention", lambda dtype=dtype: [numbers(1, 1024, 4 * 64, dtype=dtype) for _ in range(3)],
       {"q_num_heads": 4, "kv_num_heads": 4, "update_rule": "linear"}, tag=t, ns=1e6, opset=27, n_outputs=2)  # fmt: skip
    op("RotaryEmbedding", lambda dtype=dtype: [numbers(1, 16, 2048, 64, dtype=dtype), numbers(1, 2048, 32, dtype=dtype), numbers(1, 2048, 32, dtype=dtype)], tag=t, ns=2e5)
op("RotaryEmbedding", lambda: [numbers(1, 2048, 1024), np.arange(2048)[None], numbers(2048, 32), numbers(2048, 32)], {"num_heads": 16}, domain=MS, opset=1, ns=2e5)


def attention_nodes():
    return [
        helper.make_node("Transpose", ["k"], ["t"], perm=[0, 1, 3, 2]), helper.make_node("MatMul", ["q", "t"], ["s"]),
        helper.make_node("Mul", ["s", "scale"], ["z"]), helper.make_node("Softmax", ["z"], ["p"], axis=-1), helper.make_node("MatMul", ["p", "v"], ["y"]),
    ]  # fmt: skip


graph("engine-Attention", [("engine", "Attention")], 1e6, attention_nodes,
      lambda: {n: numbers(1, 4, 512, 64) for n in "qkv"}, ["y"], lambda: {"scale": np.float32(0.125)})  # fmt: skip


def byte_conv():
    data, w, (scale, zero) = ["x", "s", "z"], ["w", "s", "zw"], ("s", "z")
    return [helper.make_node("QLinearConv", [*data, *w, scale, zero], ["c"], pads=[1, 1, 1, 1]),
            helper.make_node("QLinearConv", ["c", "s", "z", *w, scale, zero], ["y"], pads=[1, 1, 1, 1])]  # fmt: skip


graph("engine-QLinearConv", [("engine", "QLinearConv")], 1e6, byte_conv, lambda: {"x": numbers(1, 64, 112, 112, dtype=U8)}, ["y"],
      lambda: {"w": numbers(64, 64, 3, 3, dtype=I8), "s": np.float32(0.01), "z": np.uint8(3), "zw": np.int8(0)})  # fmt: skip
_ = (add, I32, LATEST)
