"""Element-wise operators, casts, quantisation."""

from checkpoint_cases import SIZE, BF16, F16, F32, F64, I8, I32, I64, U8, graph, numbers, op, tag_of, words
from harness import LATEST
from onnx import TensorProto, helper

N = SIZE
FLOATS = (F32, F64, F16, BF16)

UNARY = {
    "Acosh": (1.0, 9.0), "Log": (0.1, 9.0), "Sqrt": (0.0, 9.0), "Reciprocal": (0.5, 9.0), "Exp": (-5.0, 5.0),
}  # fmt: skip
NAMES = (
    "Acos Acosh Asin Asinh Atan Atanh Ceil Celu Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid HardSwish IsInf IsNaN LeakyRelu Log "
    "Mish Neg Abs Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu"
).split()
for name in NAMES:
    low, high = UNARY.get(name, (-1.0, 1.0))
    for dtype in FLOATS:
        if name in ("IsInf", "IsNaN") and dtype is BF16:
            continue
        op(name, lambda dtype=dtype, low=low, high=high: [numbers(N, dtype=dtype, low=low, high=high)], tag=tag_of(dtype), ns=0.1 * N)
for name, dtype in [("Abs", I64), ("Neg", I64), ("Sign", I64), ("Relu", I32), ("Abs", I8), ("Not", bool), ("BitwiseNot", I64), ("BitwiseNot", U8)]:
    op(name, lambda dtype=dtype: [numbers(4 * N, dtype=dtype)], tag=tag_of(dtype), ns=0.05 * N)
op("Gelu", lambda: [numbers(N)], {"approximate": "tanh"}, tag="tanh", ns=0.1 * N)
op("Gelu", lambda: [numbers(N)], domain="com.microsoft", opset=1, ns=0.1 * N)
op("QuickGelu", lambda: [numbers(N)], domain="com.microsoft", opset=1, ns=0.1 * N)
op("BiasGelu", lambda: [numbers(N // 512, 512), numbers(512)], domain="com.microsoft", opset=1, ns=0.1 * N)
op("FastGelu", lambda: [numbers(N // 512, 512), numbers(512)], domain="com.microsoft", opset=1, ns=0.1 * N)
op("FastGelu", lambda: [numbers(N)], domain="com.microsoft", opset=1, ns=0.1 * N, tag="plain")

ARITHMETIC = ("Add", "Sub", "Mul", "Div", "Pow", "Mod", "PRelu", "Max", "Min", "Mean", "Sum")
for name in ARITHMETIC:
    for dtype in (F32, F64, F16, I64):
        if dtype is I64 and name in ("Mean", "Sum"):
            continue
        attrs = {"fmod": 1} if name == "Mod" and dtype is not I64 else None
        low = 1 if dtype is I64 else 0.5
        op(name, lambda dtype=dtype, low=low: [numbers(N, dtype=dtype, low=low, high=4), numbers(N, dtype=dtype, low=low, high=4)],
           attrs, tag=tag_of(dtype), ns=0.1 * N)  # fmt: skip
for name in ("Add", "Pow", "Max", "PRelu"):
    op(name, lambda: [numbers(N // 1024, 1024, low=0.5), numbers(1024, low=0.5)], tag="row", ns=0.1 * N)
    op(name, lambda: [numbers(N // 1024, 1024, low=0.5), numbers(N // 1024, 1, low=0.5)], tag="column", ns=0.1 * N)
    op(name, lambda: [numbers(1, N, low=0.5), numbers(1, 1, low=0.5)], tag="scalar", ns=0.1 * N)
op("Add", lambda: [numbers(16, 1, 64, 64), numbers(1, 64, 64, 1)], tag="crossed", ns=0.1 * N)
op("Pow", lambda: [numbers(N, low=0.5), numbers(N, dtype=I64, low=0, high=5)], tag="f32-int64", ns=0.1 * N)
op("Pow", lambda: [numbers(N, dtype=I64, low=0, high=5), numbers(N)], tag="int64-f32", ns=0.1 * N)
for name in ("And", "Or", "Xor"):
    op(name, lambda: [numbers(4 * N, dtype=bool), numbers(4 * N, dtype=bool)], ns=0.1 * N)
for name in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
    op(name, lambda: [numbers(N, dtype=I64), numbers(N, dtype=I64)], ns=0.1 * N)
    op(name, lambda: [numbers(4 * N, dtype=U8), numbers(4 * N, dtype=U8)], ns=0.1 * N, tag="uint8")
op("BitShift", lambda: [numbers(4 * N, dtype=U8), numbers(4 * N, dtype=U8, low=0, high=8)], {"direction": "LEFT"}, ns=0.1 * N)
for name in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"):
    for dtype in (F32, F64, F16, I64, U8):
        op(name, lambda dtype=dtype: [numbers(N, dtype=dtype), numbers(N, dtype=dtype)], tag=tag_of(dtype), ns=0.05 * N)
op("Equal", lambda: [words(N // 4), words(N // 4)], tag="string", ns=N)
for dtype in (F32, F64, F16, I64, U8):
    op("Where", lambda dtype=dtype: [numbers(N, dtype=bool), numbers(N, dtype=dtype), numbers(N, dtype=dtype)], tag=tag_of(dtype), ns=0.05 * N)
    lowest, highest = (lambda dtype=dtype: numbers(dtype=dtype, low=0, high=1)), (lambda dtype=dtype: numbers(dtype=dtype, low=1, high=2))
    op("Clip", lambda dtype=dtype, a=lowest, b=highest: [numbers(N, dtype=dtype), a(), b()], tag=tag_of(dtype), ns=0.05 * N)
op("Where", lambda: [numbers(1 << 18, dtype=bool), words(1 << 18), words(1 << 18)], tag="string", ns=4e6)
op("Where", lambda: [numbers(1024, 1, dtype=bool), numbers(1, 4096), numbers(1024, 4096)], tag="broadcast", ns=0.05 * N)

TO = {
    "f16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16, "f64": TensorProto.DOUBLE, "int8": TensorProto.INT8,
    "int64": TensorProto.INT64, "bool": TensorProto.BOOL, "f8": TensorProto.FLOAT8E4M3FN, "int4": TensorProto.INT4,
    "f4": TensorProto.FLOAT4E2M1,
}  # fmt: skip
for tag, to in TO.items():
    op("Cast", lambda: [numbers(N)], {"to": to}, tag=f"f32-{tag}", ns=0.1 * N)
    op("Cast", lambda: [numbers(N, dtype=F16)], {"to": to}, tag=f"f16-{tag}", ns=0.05 * N)
    op("Cast", lambda: [numbers(N, dtype=I64)], {"to": to}, tag=f"int64-{tag}", ns=0.05 * N)
op("Cast", lambda: [numbers(1 << 17)], {"to": TensorProto.STRING}, tag="f32-string", ns=10e6)
op("Cast", lambda: [numbers(1 << 17, dtype=I64)], {"to": TensorProto.STRING}, tag="int64-string", ns=3e6)
op("Cast", lambda: [words(1 << 17, text="{}.25")], {"to": TensorProto.FLOAT}, tag="string-f32", ns=3e6)
op("Cast", lambda: [words(1 << 17, text="{}")], {"to": TensorProto.INT64}, tag="string-int64", ns=3e6)
op("CastLike", lambda: [numbers(N), numbers(1, dtype=F16)], ns=0.1 * N)
op("BitCast", lambda: [numbers(4 * N)], {"to": TensorProto.INT32}, ns=0.4 * N, opset=26)

ZERO = {U8: 128, I8: 0}
for dtype in (U8, I8):
    zero = lambda n, dtype=dtype: numbers(*n, dtype=dtype, low=0, high=4)
    scale = lambda n: numbers(*n, low=0.01, high=0.02)
    for tag, n, attrs in [("tensor", (), {}), ("axis0", (2048,), {"axis": 0}), ("axis1", (2048,), {"axis": 1}),
                          ("blocked", (2048, 64), {"axis": 1, "block_size": 32})]:  # fmt: skip
        op("QuantizeLinear", lambda n=n, zero=zero, scale=scale: [numbers(2048, 2048), scale(n), zero(n)], attrs, tag=f"{tag_of(dtype)}-{tag}", ns=0.1 * N)
        op("DequantizeLinear", lambda n=n, zero=zero, scale=scale, dtype=dtype: [numbers(2048, 2048, dtype=dtype), scale(n), zero(n)],
           attrs, tag=f"{tag_of(dtype)}-{tag}", ns=0.1 * N)  # fmt: skip
op("QuantizeLinear", lambda: [numbers(2048, 2048), numbers(low=0.01, high=0.02), numbers(dtype=U8)], domain="com.microsoft", opset=1, ns=0.1 * N)
op("DequantizeLinear", lambda: [numbers(2048, 2048, dtype=U8), numbers(low=0.01, high=0.02), numbers(dtype=U8)], domain="com.microsoft", opset=1, ns=0.1 * N)
op("QuantizeLinear", lambda: [numbers(2048, 2048, dtype=F16), numbers(dtype=F16, low=0.01, high=0.02), numbers(dtype=U8)], tag="f16", ns=0.1 * N)
op("DequantizeLinear", lambda: [numbers(2048, 2048, dtype=I32), numbers(low=0.01, high=0.02), None], tag="int32", ns=0.1 * N)
op("DynamicQuantizeLinear", lambda: [numbers(N)], n_outputs=3, ns=0.1 * N)


def quantized(*shape):
    return [numbers(*shape, dtype=U8), numbers(low=0.01, high=0.02), numbers(dtype=U8, low=3, high=4)]


for name in ("QLinearAdd", "QLinearMul"):
    op(name, lambda: [*quantized(2048, 2048), *quantized(2048, 2048), *quantized()[1:]], domain="com.microsoft", opset=1, ns=0.1 * N)
    op(name, lambda: [*quantized(2048, 2048), *quantized(2048), *quantized()[1:]], domain="com.microsoft", opset=1, ns=0.1 * N, tag="row")
for name in ("QLinearSigmoid", "QLinearLeakyRelu"):
    op(name, lambda: [*quantized(4 * N), *quantized()[1:]], domain="com.microsoft", opset=1, ns=0.1 * N)
op("SwiGLU", lambda: [numbers(N // 1024, 1024), numbers(N // 1024, 1024)], ns=0.1 * N, tag="two", opset=28)

graph(
    "engine-FusedElementwise", [("engine", "FusedElementwise")], 0.1 * N,
    [helper.make_node("Add", ["a", "b"], ["s"]), helper.make_node("Exp", ["s"], ["e"]), helper.make_node("Mul", ["e", "a"], ["m"]),
     helper.make_node("Tanh", ["m"], ["y"])],
    lambda: {"a": numbers(1, N), "b": numbers(1, N)}, ["y"],
)  # fmt: skip
graph(
    "engine-FusedElementwise-column", [("engine", "FusedElementwise")], 0.1 * N,
    [helper.make_node("Add", ["a", "b"], ["s"]), helper.make_node("Sigmoid", ["s"], ["e"]), helper.make_node("Mul", ["e", "a"], ["y"])],
    lambda: {"a": numbers(4, N // 4), "b": numbers(4, 1)}, ["y"],
)  # fmt: skip
